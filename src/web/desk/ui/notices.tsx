import { useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { problemWords } from '../problem.ts'

type Notice = { readonly id: number; readonly text: string; readonly tone: 'plain' | 'bad' }

const SHOWN_MS = 6000
let notices: readonly Notice[] = []
let lastId = 0
const listeners = new Set<() => void>()

function replace(next: readonly Notice[]): void {
  notices = next
  for (const listener of listeners) listener()
}

function show(text: string, tone: Notice['tone']): void {
  lastId += 1
  const id = lastId
  replace([...notices.slice(-2), { id, text, tone }])
  // Bad news stays until it is read; a person may be looking at the picture, not at the corner.
  if (tone === 'plain') window.setTimeout(() => dismiss(id), SHOWN_MS)
}

function dismiss(id: number): void {
  replace(notices.filter((notice) => notice.id !== id))
}

/** Says that something was done. */
export function notify(text: string): void {
  show(text, 'plain')
}

/** Returns a function that says what went wrong with a call; hand it to `onError`. */
export function useComplain(): (error: unknown) => void {
  const { t } = useTranslation()
  return (error) => {
    const words = problemWords(t, error)
    show(`${words.title}. ${words.remedy}`, 'bad')
  }
}

/** Where notices appear; read aloud politely. */
export function Notices(): React.JSX.Element {
  const { t } = useTranslation()
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => notices,
  )
  return (
    <div className="notices" role="status" aria-live="polite">
      {shown.map((notice) => (
        <div key={notice.id} className={`notice ${notice.tone}`}>
          <span>{notice.text}</span>
          <button
            type="button"
            className="button ghost icon"
            aria-label={t('action.close')}
            onClick={() => dismiss(notice.id)}
          >
            <span aria-hidden="true">✕</span>
          </button>
        </div>
      ))}
    </div>
  )
}
