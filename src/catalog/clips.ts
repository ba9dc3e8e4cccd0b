/**
 * A clip's row and its blobs: where it is on its way, and what is known about it.
 *
 * Every change that somebody at the desk could see gives the clip a new revision, in the same transaction; the
 * desk's live events are the rows above a revision.
 */
import { sql, type Selectable } from 'kysely'
import type { CatalogDb } from '../adapters/database/database.ts'
import type { BlobKind, CatalogDatabase } from '../adapters/database/schema.ts'
import { isLawfulMove } from '../domain/clip.ts'
import type { ClipId, ClipState, ContributorId, ProjectId, UploadId } from '../domain/clip.ts'
import { AppError, type ErrorCode } from '../domain/errors.ts'
import type { Certificate, MediaInfo } from '../domain/media.ts'
import { drawReel } from './reels.ts'
import { indexClip } from './search.ts'
import { within } from './within.ts'

export type ClipRow = Selectable<CatalogDatabase['clips']>
export type ClipBlobRow = Selectable<CatalogDatabase['clip_blobs']>

/** How often a taken reel name is drawn again. With half of all names taken, 40 draws fail once in 10^12. */
const REEL_DRAWS = 40

/**
 * Enters a clip whose upload is complete, as `quarantined`; does nothing where the upload has its clip already.
 *
 * Effects: the row, a fresh reel name, its words in the search. Errors: `storage_failed` where no reel name is free.
 */
export async function recordClip(
  db: CatalogDb,
  clip: {
    readonly clipId: ClipId
    readonly uploadId: UploadId
    readonly projectId: ProjectId
    readonly contributorId: ContributorId
    readonly originalBytes: number
    readonly partial: boolean
    /** UTC date of arrival. */
    readonly day: string
  },
): Promise<void> {
  await within(db, async (trx) => {
    const known = await trx
      .selectFrom('clips')
      .select('id')
      .where('upload_id', '=', clip.uploadId)
      .executeTakeFirst()
    if (known !== undefined) return
    await trx
      .insertInto('clips')
      .values({
        id: clip.clipId,
        project_id: clip.projectId,
        contributor_id: clip.contributorId,
        upload_id: clip.uploadId,
        reel: await freeReel(trx, clip.projectId),
        title: '',
        note: '',
        rating: 0,
        state: 'quarantined',
        reason: null,
        reason_detail: null,
        received_day: clip.day,
        original_bytes: clip.originalBytes,
        original_sha256: null,
        partial: clip.partial ? 1 : 0,
        release: 'held',
        media: null,
        certificate: null,
        revision: await nextRevision(trx),
      })
      .execute()
    await indexClip(trx, clip.clipId)
  })
}

/**
 * Moves a clip from one state to another, with what is learnt by it, and returns true; false when the clip is not
 * in `from` (any more), and then nothing changes.
 *
 * `reason` and `detail` of an earlier failure are dropped where none are given.
 * Errors: `internal` for a move that `domain/clip.ts` does not know: a bug of the caller.
 */
export async function moveClip(
  trx: CatalogDb,
  clipId: ClipId,
  from: ClipState,
  to: ClipState,
  more: {
    readonly reason?: ErrorCode | null
    readonly detail?: string | null
    readonly originalSha256?: string
    readonly media?: MediaInfo
    readonly certificate?: Certificate
    readonly partial?: boolean
  } = {},
): Promise<boolean> {
  if (!isLawfulMove(from, to)) throw new AppError('internal', { details: { from, to } })
  return within(trx, async (inner) => {
    const moved = await inner
      .updateTable('clips')
      .set({
        state: to,
        reason: more.reason ?? null,
        reason_detail: more.detail ?? null,
        revision: await nextRevision(inner),
        ...(more.originalSha256 === undefined ? {} : { original_sha256: more.originalSha256 }),
        ...(more.media === undefined ? {} : { media: JSON.stringify(more.media) }),
        ...(more.certificate === undefined ? {} : { certificate: JSON.stringify(more.certificate) }),
        ...(more.partial === undefined ? {} : { partial: more.partial ? 1 : 0 }),
      })
      .where('id', '=', clipId)
      .where('state', '=', from)
      .executeTakeFirst()
    return moved.numUpdatedRows === 1n
  })
}

/** Keeps what was found out about the clip's media, without moving it. Errors: `not_found`. */
export async function setClipFacts(
  trx: CatalogDb,
  clipId: ClipId,
  facts: { readonly media?: MediaInfo; readonly certificate?: Certificate; readonly originalSha256?: string },
): Promise<void> {
  await within(trx, async (inner) => {
    const changed = await inner
      .updateTable('clips')
      .set({
        revision: await nextRevision(inner),
        ...(facts.media === undefined ? {} : { media: JSON.stringify(facts.media) }),
        ...(facts.certificate === undefined ? {} : { certificate: JSON.stringify(facts.certificate) }),
        ...(facts.originalSha256 === undefined ? {} : { original_sha256: facts.originalSha256 }),
      })
      .where('id', '=', clipId)
      .executeTakeFirst()
    if (changed.numUpdatedRows === 0n) throw new AppError('not_found')
  })
}

/** Says where one of the clip's objects lies; a second call for the same kind replaces the first. */
export async function addClipBlob(
  trx: CatalogDb,
  blob: {
    readonly clipId: ClipId
    readonly kind: BlobKind
    readonly area: ClipBlobRow['area']
    readonly key: string
    readonly contentType: string
    readonly sizeBytes: number
    readonly sha256: string
    /** What a reader must know, kept as JSON; for a filmstrip its tiles. */
    readonly facts?: unknown
  },
): Promise<void> {
  const columns = {
    area: blob.area,
    blob_key: blob.key,
    content_type: blob.contentType,
    size_bytes: blob.sizeBytes,
    sha256: blob.sha256,
    facts: blob.facts === undefined ? null : JSON.stringify(blob.facts),
  }
  await within(trx, async (inner) => {
    await inner
      .insertInto('clip_blobs')
      .values({ clip_id: blob.clipId, kind: blob.kind, ...columns })
      .onConflict((conflict) => conflict.columns(['clip_id', 'kind']).doUpdateSet(columns))
      .execute()
    await touchClip(inner, blob.clipId)
  })
}

/** The clip's row, or undefined. */
export function findClip(db: CatalogDb, clipId: ClipId): Promise<ClipRow | undefined> {
  return db.selectFrom('clips').selectAll().where('id', '=', clipId).executeTakeFirst()
}

/** The clip's row. Errors: `not_found`. */
export async function getClip(db: CatalogDb, clipId: ClipId): Promise<ClipRow> {
  const clip = await findClip(db, clipId)
  if (clip === undefined) throw new AppError('not_found')
  return clip
}

/** One of the clip's objects, or undefined while there is none. */
export function clipBlob(db: CatalogDb, clipId: ClipId, kind: BlobKind): Promise<ClipBlobRow | undefined> {
  return db
    .selectFrom('clip_blobs')
    .selectAll()
    .where('clip_id', '=', clipId)
    .where('kind', '=', kind)
    .executeTakeFirst()
}

/** Gives the clip a new revision, because something that hangs on it changed. To be called in a transaction. */
export async function touchClip(trx: CatalogDb, clipId: ClipId): Promise<void> {
  await trx
    .updateTable('clips')
    .set({ revision: await nextRevision(trx) })
    .where('id', '=', clipId)
    .execute()
}

/** The newest revision that was given out. */
export async function latestRevision(db: CatalogDb): Promise<number> {
  return (await db.selectFrom('revision_counter').select('value').executeTakeFirstOrThrow()).value
}

/** Takes the next revision. The counter's row serialises writers, so revisions are committed in order. */
async function nextRevision(trx: CatalogDb): Promise<number> {
  const row = await trx
    .updateTable('revision_counter')
    .set({ value: sql<number>`value + 1` })
    .returning('value')
    .executeTakeFirstOrThrow()
  return row.value
}

async function freeReel(trx: CatalogDb, projectId: ProjectId): Promise<string> {
  for (let draw = 0; draw < REEL_DRAWS; draw++) {
    const reel = drawReel()
    const taken = await trx
      .selectFrom('clips')
      .select('id')
      .where('project_id', '=', projectId)
      .where('reel', '=', reel)
      .executeTakeFirst()
    if (taken === undefined) return reel
  }
  throw new AppError('storage_failed', { details: { reason: 'no_free_reel' } })
}
