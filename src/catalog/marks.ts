/** Marks on a clip's frames: selects (ranges somebody wants) and comments (words at a frame). */
import type { CatalogDb } from '../adapters/database/database.ts'
import type { ClipId, CommentId, SelectId, StaffId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'
import { touchClip } from './clips.ts'
import { within } from './within.ts'

/** Frames of the proxy; `outFrame` is exclusive. `by` is the author's name. */
export type SelectView = {
  readonly id: SelectId
  readonly clipId: ClipId
  readonly inFrame: number
  readonly outFrame: number
  readonly label: string
  readonly by: string
}

/** `at` is UTC milliseconds. */
export type CommentView = {
  readonly id: CommentId
  readonly clipId: ClipId
  readonly frame: number
  readonly text: string
  readonly by: string
  readonly staffId: StaffId
  readonly at: number
}

/** A clip's selects in the order of their frames. */
export function selectsOf(db: CatalogDb, clipId: ClipId): Promise<SelectView[]> {
  return db
    .selectFrom('selects')
    .innerJoin('staff', 'staff.id', 'selects.staff_id')
    .select([
      'selects.id',
      'selects.clip_id as clipId',
      'selects.in_frame as inFrame',
      'selects.out_frame as outFrame',
      'selects.label',
      'staff.name as by',
    ])
    .where('selects.clip_id', '=', clipId)
    .orderBy('selects.in_frame')
    .orderBy('selects.created_at')
    .orderBy('selects.id')
    .execute()
}

/** Keeps a select. The caller has checked that the clip is theirs and has these frames. */
export async function addSelect(
  db: CatalogDb,
  mark: Omit<SelectView, 'by'>,
  author: { readonly staffId: StaffId; readonly at: number },
): Promise<void> {
  await within(db, async (trx) => {
    await trx
      .insertInto('selects')
      .values({
        id: mark.id,
        clip_id: mark.clipId,
        in_frame: mark.inFrame,
        out_frame: mark.outFrame,
        label: mark.label.normalize('NFC'),
        staff_id: author.staffId,
        created_at: author.at,
      })
      .execute()
    await touchClip(trx, mark.clipId)
  })
}

/** Removes a select, and with it its places in bins. Errors: `not_found`. */
export async function removeSelect(db: CatalogDb, clipId: ClipId, selectId: SelectId): Promise<void> {
  await within(db, async (trx) => {
    const gone = await trx
      .deleteFrom('selects')
      .where('id', '=', selectId)
      .where('clip_id', '=', clipId)
      .executeTakeFirst()
    if (gone.numDeletedRows === 0n) throw new AppError('not_found')
    await touchClip(trx, clipId)
  })
}

/** A clip's comments in the order of their frames, older first at the same one. */
export function commentsOf(db: CatalogDb, clipId: ClipId): Promise<CommentView[]> {
  return db
    .selectFrom('comments')
    .innerJoin('staff', 'staff.id', 'comments.staff_id')
    .select([
      'comments.id',
      'comments.clip_id as clipId',
      'comments.frame',
      'comments.text',
      'staff.name as by',
      'comments.staff_id as staffId',
      'comments.created_at as at',
    ])
    .where('comments.clip_id', '=', clipId)
    .orderBy('comments.frame')
    .orderBy('comments.created_at')
    .orderBy('comments.id')
    .execute()
}

/** Keeps a comment. The caller has checked that the clip is theirs to see. */
export async function addComment(db: CatalogDb, comment: Omit<CommentView, 'by'>): Promise<void> {
  await within(db, async (trx) => {
    await trx
      .insertInto('comments')
      .values({
        id: comment.id,
        clip_id: comment.clipId,
        frame: comment.frame,
        text: comment.text.normalize('NFC'),
        staff_id: comment.staffId,
        created_at: comment.at,
      })
      .execute()
    await touchClip(trx, comment.clipId)
  })
}

/** Removes a comment; `onlyBy` restricts this to comments of that author. Errors: `not_found`, `forbidden`. */
export async function removeComment(
  db: CatalogDb,
  clipId: ClipId,
  commentId: CommentId,
  onlyBy: StaffId | undefined,
): Promise<void> {
  await within(db, async (trx) => {
    const comment = await trx
      .selectFrom('comments')
      .select('staff_id')
      .where('id', '=', commentId)
      .where('clip_id', '=', clipId)
      .executeTakeFirst()
    if (comment === undefined) throw new AppError('not_found')
    if (onlyBy !== undefined && comment.staff_id !== onlyBy) throw new AppError('forbidden')
    await trx.deleteFrom('comments').where('id', '=', commentId).execute()
    await touchClip(trx, clipId)
  })
}
