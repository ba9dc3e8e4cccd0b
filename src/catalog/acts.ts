/** What colleagues did to which object: releases, downloads, exports. Staff only; no contributor is ever an author. */
import { insertAct } from '../adapters/database/acts.ts'
import type { CatalogDb } from '../adapters/database/database.ts'
import type { ProjectId, StaffId } from '../domain/clip.ts'

/** Somebody of the desk doing something now. */
export type Author = { readonly staffId: StaffId; readonly projectId: ProjectId; readonly at: number }

export type ActVerb =
  'clip.release' | 'clip.care' | 'clip.assign' | 'clip.download' | 'clip.retry' | 'bin.export'

/** Keeps an act for good. In the transaction of what it is about, so that neither is there without the other. */
export async function recordAct(
  trx: CatalogDb,
  by: Author,
  act: { readonly verb: ActVerb; readonly objectId: string; readonly detail?: string },
): Promise<void> {
  await insertAct(trx, by, by.at, act)
}
