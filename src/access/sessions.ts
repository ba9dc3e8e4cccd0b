/** Sessions of the desk, and who a request to it comes from. */
import type { Request } from 'express'
import type { CatalogDb } from '../adapters/database/database.ts'
import type { StaffId, StaffRole } from '../domain/clip.ts'
import type { Clock } from '../domain/clock.ts'
import type { Principal, Staff } from '../domain/people.ts'
import { readToken } from '../http/cookies.ts'
import { hashToken, newToken } from './tokens.ts'

const MINUTE_MS = 60_000
const ABSOLUTE_MS = 12 * 60 * MINUTE_MS
/** How long a session may lie unused. An administrator's opens more, so it closes sooner. */
export const IDLE_MS: Readonly<Record<StaffRole, number>> = {
  admin: 15 * MINUTE_MS,
  editor: 30 * MINUTE_MS,
  translator: 30 * MINUTE_MS,
}
/** Use is written down this often at most: a player asks for many ranges a second. */
const WRITE_EVERY_MS = 15_000

export type StaffSessions = {
  /** Opens a session and returns its token; `replaced` is a token the same browser came with, which dies. */
  begin(staffId: StaffId, replaced?: string): Promise<string>
  /** The colleague whose session `token` is, or undefined. Counts as use unless it is only a `look`. */
  find(token: string, look?: boolean): Promise<Staff | undefined>
  /** Ends a session; fine when there is none. */
  end(token: string): Promise<void>
}

type Deps = {
  readonly catalogDb: CatalogDb
  readonly clock: Clock
  readonly idleMs?: Readonly<Record<StaffRole, number>>
}

/** Makes the desk's sessions. They live in the catalogue, so that a restart does not sign the newsroom out. */
export function createStaffSessions({ catalogDb, clock, idleMs = IDLE_MS }: Deps): StaffSessions {
  const end = async (token: string): Promise<void> => {
    await catalogDb.deleteFrom('staff_sessions').where('token_hash', '=', hashToken(token)).execute()
  }
  return {
    end,
    async begin(staffId, replaced) {
      const now = clock.now()
      if (replaced !== undefined) await end(replaced)
      await catalogDb
        .deleteFrom('staff_sessions')
        .where('created_at', '<', now - ABSOLUTE_MS)
        .execute()
      const token = newToken()
      await catalogDb
        .insertInto('staff_sessions')
        .values({ token_hash: hashToken(token), staff_id: staffId, created_at: now, last_used_at: now })
        .execute()
      return token
    },
    async find(token, look = false) {
      const now = clock.now()
      const hash = hashToken(token)
      const row = await catalogDb
        .selectFrom('staff_sessions as session')
        .innerJoin('staff', 'staff.id', 'session.staff_id')
        .select(['session.created_at', 'session.last_used_at'])
        .select(['staff.id', 'staff.project_id', 'staff.role', 'staff.name', 'staff.state'])
        .where('session.token_hash', '=', hash)
        .executeTakeFirst()
      if (row === undefined) return undefined
      const over = now - row.created_at > ABSOLUTE_MS || now - row.last_used_at > idleMs[row.role]
      if (over || row.state !== 'active') {
        await end(token)
        return undefined
      }
      if (!look && now - row.last_used_at >= WRITE_EVERY_MS) {
        await catalogDb
          .updateTable('staff_sessions')
          .set({ last_used_at: now })
          .where('token_hash', '=', hash)
          .execute()
      }
      return { kind: 'staff', staffId: row.id, projectId: row.project_id, role: row.role, name: row.name }
    },
  }
}

/** Ends every session of a colleague. In the transaction of what caused it. */
export async function endSessionsOf(trx: CatalogDb, staffId: StaffId): Promise<void> {
  await trx.deleteFrom('staff_sessions').where('staff_id', '=', staffId).execute()
}

const ANONYMOUS: Principal = { kind: 'anonymous' }

/**
 * Says who is asking the desk: whoever has a living session there, by cookie or bearer. `look` asks the same without
 * counting as use, for a stream of events: an unattended page must not keep its own session alive. `isActive` asks about
 * the person alone, for a download that may last longer than a session may lie unused.
 */
export function createDeskAccess(deps: Deps): {
  readonly authenticate: (req: Request) => Promise<Principal>
  readonly look: (req: Request) => Promise<Principal>
  readonly isActive: (staffId: StaffId) => Promise<boolean>
} {
  const sessions = createStaffSessions(deps)
  const asking = async (req: Request, look: boolean): Promise<Principal> => {
    const token = readToken(req, '__Host-desk')
    return (token === undefined ? undefined : await sessions.find(token, look)) ?? ANONYMOUS
  }
  return {
    authenticate: (req) => asking(req, false),
    look: (req) => asking(req, true),
    async isActive(staffId) {
      const { catalogDb } = deps
      const person = await catalogDb
        .selectFrom('staff')
        .select('state')
        .where('id', '=', staffId)
        .executeTakeFirst()
      return person?.state === 'active'
    },
  }
}
