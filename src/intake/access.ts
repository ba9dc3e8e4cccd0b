/** What intake needs to know about people: the contributors' own sign-in satisfies it. */
import type { Contributor } from '../domain/people.ts'

export type Access = {
  /** Opens a session with a code. Errors: `wrong_credentials`, `rate_limited`, `busy`. */
  open(code: string): Promise<{ readonly token: string; readonly who: Contributor }>
  /** Who holds the session, or undefined when it is over or was never one. */
  find(token: string): Promise<Contributor | undefined>
  /** Ends the session; fine when it is over. */
  leave(token: string): Promise<void>
}
