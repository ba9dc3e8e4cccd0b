/**
 * What a crash, a power cut or time leaves behind, put right. Every function may run at any time and twice.
 *
 * Databases are never locked together: each function reads one, then acts on the other, and a row that moved on in
 * between is met by the state it is in.
 */
import { transact, type CatalogDb, type IntakeDb, type KeyringDb } from '../adapters/database/database.ts'
import type { CatalogDatabase } from '../adapters/database/schema.ts'
import type { ClipId, ClipState, UploadId } from '../domain/clip.ts'
import { dayOf } from '../domain/clock.ts'
import type { JobQueue } from './queue.ts'

const DAY_MS = 86_400_000
const BATCH = 200
const DONE: readonly ClipState[] = ['published', 'refused']
const ENDS: readonly ClipState[] = ['published', 'refused', 'corrupt', 'incomplete']

/**
 * The last UTC day on which an original may still be opened that was published or refused at `now` (UTC ms): the day
 * itself and `keptDays` that follow. Two make 72 h at most.
 */
export function lastDayOfWrap(now: number, keptDays: number): string {
  return dayOf(now + keptDays * DAY_MS)
}

/**
 * Deletes the keys of originals whose time is over, and gives a last day to those that were published or refused
 * without getting one. Returns how many were deleted.
 */
export async function dropWraps(
  keyringDb: KeyringDb,
  catalogDb: CatalogDb,
  now: number,
  keptDays: number,
): Promise<number> {
  const undated = await keyringDb
    .selectFrom('processing_wraps')
    .select('clip_id')
    .distinct()
    .where('drop_after_day', 'is', null)
    .execute()
  for (const part of batches(undated.map((row) => row.clip_id))) {
    const done = await catalogDb
      .selectFrom('clips')
      .select('id')
      .where('id', 'in', part)
      .where('state', 'in', DONE)
      .execute()
    if (done.length === 0) continue
    await keyringDb
      .updateTable('processing_wraps')
      .set({ drop_after_day: lastDayOfWrap(now, keptDays) })
      .where(
        'clip_id',
        'in',
        done.map((row) => row.id),
      )
      .where('drop_after_day', 'is', null)
      .execute()
  }
  const dropped = await keyringDb
    .deleteFrom('processing_wraps')
    .where('drop_after_day', '<', dayOf(now))
    .executeTakeFirst()
  return Number(dropped.numDeletedRows)
}

/**
 * Deletes the keys of sealed objects that a killed step left behind, where the catalogue names another object as the
 * clip's original. Returns how many.
 */
export async function dropStrayWraps(keyringDb: KeyringDb, catalogDb: CatalogDb): Promise<number> {
  const several = await keyringDb
    .selectFrom('processing_wraps')
    .select('clip_id')
    .groupBy('clip_id')
    .having((is) => is(is.fn.countAll(), '>', 1))
    .execute()
  let dropped = 0
  for (const { clip_id: clipId } of several) {
    const original = await catalogDb
      .selectFrom('clip_blobs')
      .select('blob_key')
      .where('clip_id', '=', clipId)
      .where('kind', '=', 'original')
      .executeTakeFirst()
    if (original === undefined) continue
    const result = await keyringDb
      .deleteFrom('processing_wraps')
      .where('clip_id', '=', clipId)
      .where('blob_key', '!=', original.blob_key)
      .executeTakeFirst()
    dropped += Number(result.numDeletedRows)
  }
  return dropped
}

/** For so long somebody may ask what became of an upload. */
const UPLOAD_KEPT_DAYS = 7

/**
 * Forgets uploads that came to an end more than a week ago: intake's database is the one that stands at the door, and
 * need not know who has ever sent what. An upload whose bytes are still in quarantine stays. Returns how many.
 */
export async function forgetUploads(
  intakeDb: IntakeDb,
  segments: { list(): AsyncIterable<UploadId> },
  now: number,
): Promise<number> {
  const kept = new Set<UploadId>()
  for await (const id of segments.list()) kept.add(id)
  const ended = await intakeDb
    .selectFrom('uploads')
    .select('id')
    .where('state', 'in', ['sealed', 'removed'])
    .where('last_active_day', '<', dayOf(now - UPLOAD_KEPT_DAYS * DAY_MS))
    .execute()
  const past = ended.map(({ id }) => id).filter((id) => !kept.has(id))
  for (const part of batches(past)) {
    await transact(intakeDb, async (trx) => {
      await trx.deleteFrom('outbox').where('upload_id', 'in', part).execute()
      await trx.deleteFrom('segments').where('upload_id', 'in', part).execute()
      await trx.deleteFrom('uploads').where('id', 'in', part).execute()
    })
  }
  return past.length
}

/**
 * Removes quarantine objects that nobody needs: of uploads that were removed or expired, and of those that the
 * catalogue, too, knows as sealed. Objects without a row stay: a database from an old backup must cost nothing.
 * Returns how many.
 */
export async function clearQuarantine(
  intakeDb: IntakeDb,
  catalogDb: CatalogDb,
  segments: { list(): AsyncIterable<UploadId>; remove(id: UploadId): Promise<void> },
): Promise<number> {
  let removed = 0
  for await (const id of segments.list()) {
    const upload = await intakeDb
      .selectFrom('uploads')
      .select('state')
      .where('id', '=', id)
      .executeTakeFirst()
    if (upload?.state === 'sealed') {
      const original = await catalogDb
        .selectFrom('clips')
        .innerJoin('clip_blobs', 'clip_blobs.clip_id', 'clips.id')
        .select('clips.id')
        .where('clips.upload_id', '=', id)
        .where('clip_blobs.kind', '=', 'original')
        .executeTakeFirst()
      if (original === undefined) continue
    } else if (upload?.state !== 'removed' && upload?.state !== 'expired') {
      continue
    }
    await segments.remove(id)
    removed++
  }
  return removed
}

/**
 * Tells intake which uploads the catalogue knows as sealed or corrupt, where a crash came between the two.
 * Returns how many.
 */
export async function settleUploads(intakeDb: IntakeDb, catalogDb: CatalogDb): Promise<number> {
  const waiting = await intakeDb.selectFrom('uploads').select('id').where('state', '=', 'complete').execute()
  let settled = 0
  for (const part of batches(waiting.map((row) => row.id))) {
    const clips = await catalogDb
      .selectFrom('clips')
      .select(['upload_id', 'state'])
      .where('upload_id', 'in', part)
      .where((is) => is.or([is('original_sha256', 'is not', null), is('state', '=', 'corrupt')]))
      .execute()
    for (const clip of clips) {
      await intakeDb
        .updateTable('uploads')
        .set({ state: clip.state === 'corrupt' ? 'corrupt' : 'sealed' })
        .where('id', '=', clip.upload_id)
        .where('state', '=', 'complete')
        .execute()
      settled++
    }
  }
  return settled
}

/**
 * Enqueues the next step of every clip that is on its way without a job: the state is the truth, a lost job must not
 * stop it. Clips of contributors who are paused wait where `held` says so. Returns how many were enqueued.
 */
export async function nudgeForgottenClips(
  catalogDb: CatalogDb,
  queue: JobQueue,
  steps: ReadonlyMap<ClipState, string>,
  held: ClipState,
): Promise<number> {
  const forgotten = await catalogDb
    .selectFrom('clips')
    .leftJoin('contributors', 'contributors.id', 'clips.contributor_id')
    .select(['clips.id', 'clips.state', 'clips.contributor_id'])
    .where('clips.state', 'in', [...steps.keys()])
    .where((is) =>
      is.or([
        is('clips.state', '!=', held),
        is('contributors.state', 'is', null),
        is('contributors.state', '!=', 'paused'),
      ]),
    )
    .where((is) =>
      is.not(
        is.exists(
          is
            .selectFrom('jobs')
            .select('jobs.id')
            .whereRef('jobs.subject', '=', is.ref('clips.id').$castTo<string>())
            .where('jobs.state', 'in', ['ready', 'leased']),
        ),
      ),
    )
    .execute()
  for (const clip of forgotten) {
    const kind = steps.get(clip.state)
    if (kind === undefined) continue
    await transact(catalogDb, (trx) =>
      queue.enqueue(trx, { kind, subject: clip.id, lane: clip.contributor_id }),
    )
  }
  return forgotten.length
}

type Area = CatalogDatabase['clip_blobs']['area']
type Blobs<Key extends string> = {
  list(area: Area): AsyncIterable<Key>
  delete(area: Area, key: Key): Promise<void>
}

/**
 * Deletes objects that a killed step stored and never told of, once the step was done again: the clip names other
 * objects in that area, or came to an end without one. Anything else that the catalogue does not name stays: a
 * database from an old backup must not cost an original. `clipOf` says whose an object is. Returns how many.
 */
export async function removeOrphans<Key extends string>(
  catalogDb: CatalogDb,
  blobs: Blobs<Key>,
  clipOf: (key: Key) => ClipId | undefined,
): Promise<number> {
  let removed = 0
  for (const area of ['sealed', 'clean', 'derived'] as const) {
    for await (const key of blobs.list(area)) {
      const clipId = clipOf(key)
      if (clipId === undefined || (await mayBeNeeded(catalogDb, area, key, clipId))) continue
      await blobs.delete(area, key)
      removed++
    }
  }
  return removed
}

async function mayBeNeeded(catalogDb: CatalogDb, area: Area, key: string, clipId: ClipId): Promise<boolean> {
  const running = await catalogDb
    .selectFrom('jobs')
    .select('id')
    .where('subject', '=', clipId)
    .where('state', '=', 'leased')
    .executeTakeFirst()
  if (running !== undefined) return true
  // Looked up after the running job: a job that ended in between has told by now.
  const named = await catalogDb
    .selectFrom('clip_blobs')
    .select('blob_key')
    .where('clip_id', '=', clipId)
    .where('area', '=', area)
    .execute()
  if (named.length > 0) return named.some((row) => row.blob_key === key)
  const clip = await catalogDb.selectFrom('clips').select('state').where('id', '=', clipId).executeTakeFirst()
  return area === 'sealed' || clip === undefined || !ENDS.includes(clip.state)
}

function batches<Item>(items: readonly Item[]): Item[][] {
  const parts: Item[][] = []
  for (let at = 0; at < items.length; at += BATCH) parts.push(items.slice(at, at + BATCH))
  return parts
}
