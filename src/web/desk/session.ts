import { createContext, useContext } from 'react'
import type { Session } from '../../contract/access.ts'

/** The session of whoever is signed in; set by the gate, so that pages below never see "nobody". */
export const SessionContext = createContext<Session | undefined>(undefined)

/** Who is signed in. Only below the gate. */
export function useSession(): Session {
  const session = useContext(SessionContext)
  if (session === undefined) throw new Error('useSession outside the gate')
  return session
}
