/** The one way into the table of acts, which access and the catalogue both add to. */
import type { ProjectId, StaffId } from '../../domain/clip.ts'
import type { CatalogDb } from './database.ts'

/** Keeps an act for good; in the transaction of what it is about. `staffId` is null for the operator on the machine. */
export async function insertAct(
  trx: CatalogDb,
  by: { readonly projectId: ProjectId; readonly staffId: StaffId | null },
  at: number,
  act: { readonly verb: string; readonly objectId: string; readonly detail?: string },
): Promise<void> {
  await trx
    .insertInto('acts')
    .values({
      project_id: by.projectId,
      staff_id: by.staffId,
      at,
      verb: act.verb,
      object_id: act.objectId,
      detail: act.detail ?? '',
    })
    .execute()
}
