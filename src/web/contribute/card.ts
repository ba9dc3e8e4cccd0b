/** One clip on the page: its size, a word for where it stands, a bar, and what one can do about it. */
import { sayBytes, type Words } from './words.ts'

export type CardAction = 'pause' | 'continue' | 'remove' | 'retry'

export type CardView = {
  /** Name of the sentence for the state. */
  readonly state: string
  /** A sentence more, if any. */
  readonly note?: string
  readonly tone?: 'good' | 'trouble'
  readonly sentBytes: number
  readonly totalBytes: number
  readonly actions: readonly CardAction[]
}

export type Card = {
  readonly element: HTMLElement
  show(view: CardView): void
}

/** Builds an empty card; `onAction` hears the buttons. No file name is shown: shoulders are looked over. */
export function createCard(words: Words, onAction: (action: CardAction) => void): Card {
  const element = document.createElement('li')
  const state = element.appendChild(document.createElement('strong'))
  const amount = element.appendChild(document.createElement('span'))
  const bar = element.appendChild(document.createElement('progress'))
  const note = element.appendChild(document.createElement('p'))
  const buttons = element.appendChild(document.createElement('div'))
  state.setAttribute('role', 'status')
  let shown = ''
  return {
    element,
    show({ state: name, note: more = '', tone = '', sentBytes, totalBytes, actions }) {
      element.className = tone
      // Written only when it changes: a screen reader would say it again with every chunk.
      if (state.textContent !== words(name)) state.textContent = words(name)
      amount.textContent = words('progress', {
        size: sayBytes(words, sentBytes),
        total: sayBytes(words, totalBytes),
      })
      bar.max = totalBytes
      bar.value = sentBytes
      bar.setAttribute('aria-label', amount.textContent)
      if (note.textContent !== more) note.textContent = more
      note.hidden = more === ''
      // A button that a finger is on must not be replaced under it.
      if (shown === actions.join()) return
      shown = actions.join()
      buttons.textContent = ''
      for (const action of actions) {
        const button = buttons.appendChild(document.createElement('button'))
        button.type = 'button'
        button.textContent = words(action)
        button.addEventListener('click', () => {
          onAction(action)
        })
      }
    },
  }
}
