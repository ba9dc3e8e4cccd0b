/** What people say about a clip: title, note, rating, tags, care, release, who may see it. */
import type { CatalogDb } from '../adapters/database/database.ts'
import type { CareFlag, ClipId, ReleaseState, StaffId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'
import { recordAct, type Author } from './acts.ts'
import { getClip, touchClip, type ClipRow } from './clips.ts'
import { indexClip } from './search.ts'
import { within } from './within.ts'

/** Only what is given changes; lists replace what was there. */
export type ClipChange = {
  readonly title?: string | undefined
  readonly note?: string | undefined
  readonly rating?: number | undefined
  readonly tags?: readonly string[] | undefined
  readonly release?: ReleaseState | undefined
  readonly care?: readonly CareFlag[] | undefined
  /** Colleagues of the project. */
  readonly assigned?: readonly StaffId[] | undefined
}

/**
 * Changes what is said about a clip, keeps its words findable and gives it a new revision.
 *
 * Effects: an act for a changed release, care or assignment. Errors: `not_found`; `invalid_request` where somebody
 * newly assigned is not an active colleague of the same project, and then nothing changes.
 */
export async function changeClip(
  db: CatalogDb,
  clipId: ClipId,
  change: ClipChange,
  by: Author,
): Promise<void> {
  await within(db, async (trx) => {
    const before = await getClip(trx, clipId)
    if (before.project_id !== by.projectId) throw new AppError('not_found')
    const columns = {
      ...(change.title === undefined ? {} : { title: change.title.normalize('NFC') }),
      ...(change.note === undefined ? {} : { note: change.note.normalize('NFC') }),
      ...(change.rating === undefined ? {} : { rating: change.rating }),
      ...(change.release === undefined ? {} : { release: change.release }),
    }
    if (Object.keys(columns).length > 0) {
      await trx.updateTable('clips').set(columns).where('id', '=', clipId).execute()
    }
    if (change.release !== undefined && change.release !== before.release) {
      await recordAct(trx, by, {
        verb: 'clip.release',
        objectId: clipId,
        detail: `${before.release} to ${change.release}`,
      })
    }
    if (change.tags !== undefined) await replaceTags(trx, clipId, change.tags)
    if (change.care !== undefined) await replaceCare(trx, clipId, change.care, by)
    if (change.assigned !== undefined) await replaceAssigned(trx, before, change.assigned, by)
    await indexClip(trx, clipId)
    await touchClip(trx, clipId)
  })
}

/** Colleagues to whom the clip is assigned. */
export async function assignedTo(db: CatalogDb, clipId: ClipId): Promise<StaffId[]> {
  const rows = await db
    .selectFrom('clip_assignments')
    .select('staff_id')
    .where('clip_id', '=', clipId)
    .orderBy('staff_id')
    .execute()
  return rows.map((row) => row.staff_id)
}

async function replaceTags(trx: CatalogDb, clipId: ClipId, tags: readonly string[]): Promise<void> {
  const wanted = [...new Set(tags.map((tag) => tag.normalize('NFC')))]
  await trx.deleteFrom('clip_tags').where('clip_id', '=', clipId).execute()
  if (wanted.length === 0) return
  await trx
    .insertInto('clip_tags')
    .values(wanted.map((tag) => ({ clip_id: clipId, tag })))
    .execute()
}

async function replaceCare(
  trx: CatalogDb,
  clipId: ClipId,
  care: readonly CareFlag[],
  by: Author,
): Promise<void> {
  const wanted = [...new Set(care)].sort()
  const rows = await trx
    .selectFrom('clip_care')
    .select('flag')
    .where('clip_id', '=', clipId)
    .orderBy('flag')
    .execute()
  if (rows.map(({ flag }) => flag).join() === wanted.join()) return
  await trx.deleteFrom('clip_care').where('clip_id', '=', clipId).execute()
  if (wanted.length > 0) {
    await trx
      .insertInto('clip_care')
      .values(wanted.map((flag) => ({ clip_id: clipId, flag })))
      .execute()
  }
  await recordAct(trx, by, { verb: 'clip.care', objectId: clipId, detail: wanted.join(' ') })
}

async function replaceAssigned(
  trx: CatalogDb,
  clip: ClipRow,
  assigned: readonly StaffId[],
  by: Author,
): Promise<void> {
  const wanted = [...new Set(assigned)].sort()
  const before = await assignedTo(trx, clip.id)
  if (before.join() === wanted.join()) return
  // Who had it before may have left since; only newcomers must be colleagues now.
  const added = wanted.filter((staffId) => !before.includes(staffId))
  if (added.length > 0) {
    const colleagues = await trx
      .selectFrom('staff')
      .select('id')
      .where('id', 'in', added)
      .where('project_id', '=', clip.project_id)
      .where('state', '=', 'active')
      .execute()
    if (colleagues.length !== added.length)
      throw new AppError('invalid_request', { details: { field: 'assigned' } })
  }
  await trx.deleteFrom('clip_assignments').where('clip_id', '=', clip.id).execute()
  if (wanted.length > 0) {
    await trx
      .insertInto('clip_assignments')
      .values(wanted.map((staffId) => ({ clip_id: clip.id, staff_id: staffId })))
      .execute()
  }
  await recordAct(trx, by, { verb: 'clip.assign', objectId: clip.id, detail: wanted.join(' ') })
}
