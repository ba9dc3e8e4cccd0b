/** Writes down who let whom in and out. The table is the catalogue's; these are the acts that access adds to it. */
import { insertAct } from '../adapters/database/acts.ts'
import type { CatalogDb } from '../adapters/database/database.ts'
import type { ProjectId, StaffId } from '../domain/clip.ts'

/** `staffId` is null for an act of the operator on the machine itself. */
export type Actor = { readonly projectId: ProjectId; readonly staffId: StaffId | null }

type AccessVerb =
  | 'person.invite'
  | 'person.join'
  | 'person.pause'
  | 'person.resume'
  | 'person.quota'
  | 'person.revoke'
  | 'vault.set'
  | 'intake.open'
  | 'intake.close'
  | 'job.retry'

type Act = { readonly verb: AccessVerb; readonly objectId: string; readonly detail?: string }

/** Keeps an act for good; in the transaction of what it is about where the catalogue has that too. */
export async function recordAccessAct(db: CatalogDb, by: Actor, at: number, act: Act): Promise<void> {
  await insertAct(db, by, at, act)
}
