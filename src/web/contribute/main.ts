/**
 * The one small script of the contributors' page. Without it everything works by forms; with it a clip goes on where
 * it stopped, several wait in line, and the receipt is compared with the phone.
 *
 * It keeps nothing in the browser and sends no file names.
 */
import type { UploadStatus } from '../../contract/intake.ts'
import { listUnfinished, Refused, removeUpload } from './api.ts'
import { createCard } from './card.ts'
import { createClip, type Clip } from './clip.ts'
import { readWords, sayBytes } from './words.ts'

const app = document.getElementById('app')
const form = document.getElementById('form')
const input = document.getElementById('clip')

if (app instanceof HTMLElement && form instanceof HTMLFormElement && input instanceof HTMLInputElement) {
  run(app, form, input)
}

function run(room: HTMLElement, theForm: HTMLFormElement, chooser: HTMLInputElement): void {
  const words = readWords(room)
  const list = room.appendChild(document.createElement('ul'))
  const waiting: Clip[] = []
  const clips = new Set<Clip>()
  const cards = new Map<string, HTMLElement>()
  let unfinished: UploadStatus[] = []
  let sending = false
  let leaving = false

  const hint = document.createElement('p')
  hint.textContent = words('keepOpen')
  hint.className = 'small'
  theForm.textContent = ''
  const label = theForm.appendChild(document.createElement('label'))
  label.htmlFor = chooser.id
  label.className = 'main'
  label.textContent = words('chooseMany')
  chooser.multiple = true
  chooser.required = false
  chooser.className = 'unseen'
  theForm.append(chooser, hint)
  room.hidden = false

  theForm.addEventListener('submit', (event) => {
    event.preventDefault()
  })
  chooser.addEventListener('change', () => {
    const files = Array.from(chooser.files ?? [])
    // Choosing the same file again must be heard, and the field must not show its name.
    chooser.value = ''
    void add(files)
  })
  document.addEventListener('submit', ({ target }) => {
    // Who leaves must not be asked whether they mean it.
    leaving = target instanceof HTMLFormElement && target.querySelector('[value=leave]') !== null
  })
  addEventListener('beforeunload', (event) => {
    if (!leaving && Array.from(clips).some((clip) => clip.busy)) event.preventDefault()
  })
  void offerUnfinished()

  async function add(files: readonly File[]): Promise<void> {
    await refreshUnfinished()
    for (const file of files) {
      const clip = createClip(file, () => unfinished, words, {
        onReady: (ready) => {
          waiting.push(ready)
          void work()
        },
        onRecognised: (id) => {
          cards.get(id)?.remove()
          // Two files cannot both be its rest.
          unfinished = unfinished.filter((one) => one.id !== id)
        },
        onRemoved: (gone) => {
          clips.delete(gone)
          gone.card.element.remove()
        },
      })
      clips.add(clip)
      list.appendChild(clip.card.element)
    }
    for (const clip of Array.from(clips).slice(-files.length)) await clip.prepare()
  }

  /** One clip at a time: two on a thin line are both late. */
  async function work(): Promise<void> {
    if (sending) return
    sending = true
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next.send()
    sending = false
  }

  async function refreshUnfinished(): Promise<void> {
    try {
      unfinished = await listUnfinished()
    } catch (error) {
      // Not to be reached: what was known stays known.
      if (error instanceof Refused && error.status === 401) unfinished = []
    }
  }

  /** What is on the server and waits for the rest of its bytes, which only the phone has. */
  async function offerUnfinished(): Promise<void> {
    await refreshUnfinished()
    for (const { id, offset, length } of unfinished) {
      if (offset === 0 || length === null) continue
      const card = createCard(words, () => {
        card.element.remove()
        cards.delete(id)
        void removeUpload(id).catch(() => undefined)
      })
      card.show({
        state: 'unfinished',
        note: words('unfinishedOne', { size: sayBytes(words, offset), total: sayBytes(words, length) }),
        sentBytes: offset,
        totalBytes: length,
        actions: ['remove'],
      })
      cards.set(id, card.element)
      list.appendChild(card.element)
    }
  }
}
