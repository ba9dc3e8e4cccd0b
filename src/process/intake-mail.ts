/** What the worker reads from intake's database and tells it: no transaction spans it and the catalogue. */
import type { CatalogDb, IntakeDb } from '../adapters/database/database.ts'
import { transact } from '../adapters/database/database.ts'
import type { IntakeDatabase } from '../adapters/database/schema.ts'
import type { Logger } from '../adapters/logger.ts'
import { findClip, recordClip } from '../catalog/clips.ts'
import type { UploadId } from '../domain/clip.ts'
import type { JobQueue } from '../jobs/queue.ts'

const LETTERS_AT_ONCE = 100

type Upload = IntakeDatabase['uploads']
type Segment = IntakeDatabase['segments']

/**
 * Empties intake's outbox: each complete upload becomes a clip with its first job, in one transaction of the
 * catalogue, and then the letter is marked as read. Returns whether there was one.
 *
 * A crash in between repeats a letter, which then changes nothing. A letter that cannot be handled stays and does not
 * hold up the others.
 */
export async function collectMail(deps: {
  readonly intakeDb: IntakeDb
  readonly catalogDb: CatalogDb
  readonly queue: JobQueue
  readonly logger: Logger
  readonly checkpoint?: (place: string) => void
}): Promise<boolean> {
  const letters = await deps.intakeDb
    .selectFrom('outbox')
    .innerJoin('uploads', 'uploads.id', 'outbox.upload_id')
    .select([
      'outbox.id as letter',
      'uploads.id',
      'uploads.clip_id',
      'uploads.contributor_id',
      'uploads.project_id',
    ])
    .select(['uploads.offset_bytes', 'uploads.truncated', 'uploads.last_active_day'])
    .where('outbox.done', '=', 0)
    .limit(LETTERS_AT_ONCE)
    .execute()
  let handled = false
  for (const { letter, ...upload } of letters) {
    try {
      await transact(deps.catalogDb, async (trx) => {
        await recordClip(trx, {
          clipId: upload.clip_id,
          uploadId: upload.id,
          projectId: upload.project_id,
          contributorId: upload.contributor_id,
          originalBytes: upload.offset_bytes,
          partial: upload.truncated === 1,
          day: upload.last_active_day,
        })
        const clip = await findClip(trx, upload.clip_id)
        if (clip?.state !== 'quarantined') return
        await deps.queue.enqueue(trx, { kind: 'seal', subject: clip.id, lane: upload.contributor_id })
      })
      deps.checkpoint?.('mail:recorded')
      await deps.intakeDb.updateTable('outbox').set({ done: 1 }).where('id', '=', letter).execute()
      handled = true
    } catch (error) {
      deps.logger.error('a complete upload could not be entered', error, { clip: upload.clip_id })
    }
  }
  return handled
}

/** An upload's row, or undefined. */
export function findUpload(db: IntakeDb, id: UploadId): Promise<Upload | undefined> {
  return db.selectFrom('uploads').selectAll().where('id', '=', id).executeTakeFirst()
}

/** An upload's segments in the order of the original's bytes. */
export function segmentsOf(db: IntakeDb, id: UploadId): Promise<Segment[]> {
  return db
    .selectFrom('segments')
    .selectAll()
    .where('upload_id', '=', id)
    .orderBy('part')
    .orderBy('plain_offset')
    .orderBy('seq')
    .execute()
}

/** Tells intake, and so the contributor, what became of a complete upload. */
export async function settleUpload(db: IntakeDb, id: UploadId, state: 'sealed' | 'corrupt'): Promise<void> {
  await db
    .updateTable('uploads')
    .set({ state })
    .where('id', '=', id)
    .where('state', '=', 'complete')
    .execute()
}
