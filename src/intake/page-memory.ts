/** What the page must remember between two requests: in this process's memory, never in the browser. */
import { createHash } from 'node:crypto'
import type { Language } from './messages.ts'
import type { Notice } from './page.ts'

/** As many sessions as may be open at once; the oldest is forgotten first, which costs a language choice. */
const MAX_SESSIONS = 10_000

type Remembered = { readonly language?: Language; readonly notice?: Notice | undefined }

export type PageMemory = {
  recall(token: string): Remembered
  /** Changes what is given and keeps the rest. */
  remember(token: string, change: Remembered): void
  forget(token: string): void
}

/** Builds an empty memory. */
export function createPageMemory(): PageMemory {
  const sessions = new Map<string, Remembered>()
  // A dump of this memory must not hand out sessions.
  const place = (token: string): string => createHash('sha256').update(token).digest('base64')
  return {
    recall: (token) => sessions.get(place(token)) ?? {},
    remember(token, change) {
      const at = place(token)
      const next = { ...sessions.get(at), ...change }
      sessions.delete(at)
      sessions.set(at, next)
      const [oldest] = sessions.keys()
      if (sessions.size > MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest)
    },
    forget(token) {
      sessions.delete(place(token))
    },
  }
}
