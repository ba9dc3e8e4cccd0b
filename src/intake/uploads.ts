/** The rows of uploads, segments and outbox: every fact about an upload changes in one transaction here. */
import { randomBytes } from 'node:crypto'
import { transact, type IntakeDb } from '../adapters/database/database.ts'
import type { IntakeDatabase, UploadState } from '../adapters/database/schema.ts'
import { newId, newUploadId } from '../adapters/ids.ts'
import type { TypeHint } from '../contract/intake.ts'
import type { ContributorId, UploadId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'
import type { Contributor } from '../domain/people.ts'

export type UploadRow = IntakeDatabase['uploads']

/** Unfinished uploads of one contributor at a time: more is a script gone wild, and each costs a file. */
const MAX_UNFINISHED = 100

export type NewUpload = {
  /** Drawn before, where somebody holds its turn already. */
  readonly id?: UploadId
  readonly via: UploadRow['via']
  /** Undefined where only the end will tell. */
  readonly lengthBytes: number | undefined
  readonly typeHint: TypeHint | undefined
  /** SHA-256 of the key that the client made. */
  readonly creationKey: Uint8Array | undefined
  readonly day: string
}

/**
 * Makes the row of a new upload and reserves its bytes from the contributor's quota.
 *
 * Errors: `quota_exceeded`, `too_many_uploads`, `not_signed_in` (revoked meanwhile), `busy` when the same creation
 * key is being used at this very moment.
 */
export async function insertUpload(db: IntakeDb, who: Contributor, wanted: NewUpload): Promise<UploadRow> {
  const row: UploadRow = {
    id: wanted.id ?? newUploadId(),
    clip_id: newId('clip'),
    contributor_id: who.contributorId,
    project_id: who.projectId,
    state: 'receiving',
    via: wanted.via,
    length_bytes: wanted.lengthBytes ?? null,
    offset_bytes: 0,
    type_hint: wanted.typeHint ?? null,
    digest_state: null,
    creation_key: wanted.creationKey ?? null,
    phone_matched: null,
    truncated: 0,
    last_active_day: wanted.day,
  }
  return transact(db, async (trx) => {
    await assertActive(trx, who.contributorId)
    const { count } = await trx
      .selectFrom('uploads')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('contributor_id', '=', who.contributorId)
      .where('state', '=', 'receiving')
      .executeTakeFirstOrThrow()
    if (count >= MAX_UNFINISHED) throw new AppError('too_many_uploads')
    await reserve(trx, who.contributorId, wanted.lengthBytes ?? 0)
    if (
      wanted.creationKey !== undefined &&
      (await byKey(trx, who.contributorId, wanted.creationKey)) !== undefined
    ) {
      throw new AppError('busy', { details: { retryAfterSeconds: 1 } })
    }
    await trx.insertInto('uploads').values(row).execute()
    return row
  })
}

/** The caller's upload, or undefined: the same for what is not there, somebody else's, or removed. */
export async function findUpload(
  db: IntakeDb,
  contributorId: ContributorId,
  id: UploadId,
): Promise<UploadRow | undefined> {
  return db
    .selectFrom('uploads')
    .selectAll()
    .where('id', '=', id)
    .where('contributor_id', '=', contributorId)
    .where('state', '!=', 'removed')
    .executeTakeFirst()
}

/** The upload that a repeated creation means, or undefined. */
export async function findByCreationKey(
  db: IntakeDb,
  contributorId: ContributorId,
  key: Uint8Array,
): Promise<UploadRow | undefined> {
  return byKey(db, contributorId, key)
}

/** The caller's unfinished resumable uploads, oldest day first and without order inside a day. */
export async function listUnfinished(db: IntakeDb, contributorId: ContributorId): Promise<UploadRow[]> {
  return db
    .selectFrom('uploads')
    .selectAll()
    .where('contributor_id', '=', contributorId)
    .where('state', '=', 'receiving')
    .where('via', '=', 'tus')
    .orderBy('last_active_day')
    .orderBy('id')
    .execute()
}

/** Where the next segment of an upload begins: its number, and the end of the quarantine object. */
export async function nextSegment(db: IntakeDb, id: UploadId): Promise<{ seq: number; fileOffset: number }> {
  const last = await db
    .selectFrom('segments')
    .select(['seq', 'file_offset', 'file_bytes'])
    .where('upload_id', '=', id)
    .where('part', '=', 0)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last === undefined
    ? { seq: 0, fileOffset: 0 }
    : { seq: last.seq + 1, fileOffset: last.file_offset + last.file_bytes }
}

export type DurableSegment = {
  readonly seq: number
  readonly plainOffset: number
  readonly plainBytes: number
  readonly fileOffset: number
  readonly fileBytes: number
}

/**
 * Acknowledges a segment that is durable: its row, the new offset, the digest's state, and when it was the last one
 * also the end of the upload and the word to the worker.
 *
 * Errors: `not_signed_in` when the contributor was revoked meanwhile, `upload_gone` when the upload was removed or
 * has moved, `quota_exceeded` for a form's bytes; nothing is written then.
 */
export async function acknowledge(
  db: IntakeDb,
  upload: UploadRow,
  segment: DurableSegment,
  fields: { readonly digestState: Uint8Array; readonly complete: boolean; readonly day: string },
): Promise<void> {
  const offset = segment.plainOffset + segment.plainBytes
  await transact(db, async (trx) => {
    await assertActive(trx, upload.contributor_id)
    const moved = await trx
      .updateTable('uploads')
      .set({
        offset_bytes: offset,
        digest_state: fields.digestState,
        last_active_day: fields.day,
        ...(fields.complete ? { state: 'complete' as const } : {}),
      })
      .where('id', '=', upload.id)
      .where('state', '=', 'receiving')
      .where('offset_bytes', '=', segment.plainOffset)
      .executeTakeFirst()
    if (moved.numUpdatedRows !== 1n) throw new AppError('upload_gone')
    if (upload.via === 'form') await reserve(trx, upload.contributor_id, segment.plainBytes)
    await trx
      .insertInto('segments')
      .values({
        upload_id: upload.id,
        part: 0,
        seq: segment.seq,
        plain_offset: segment.plainOffset,
        plain_bytes: segment.plainBytes,
        file_offset: segment.fileOffset,
        file_bytes: segment.fileBytes,
      })
      .execute()
    if (fields.complete) await tellWorker(trx, upload.id)
  })
}

/** Ends a form's upload at what has arrived. `truncated`: the sender went away before the end. */
export async function finishForm(db: IntakeDb, id: UploadId, truncated: boolean): Promise<void> {
  await transact(db, async (trx) => {
    const ended = await trx
      .updateTable('uploads')
      .set((eb) => ({
        state: 'complete' as const,
        length_bytes: eb.ref('offset_bytes'),
        truncated: truncated ? 1 : 0,
      }))
      .where('id', '=', id)
      .where('state', '=', 'receiving')
      .executeTakeFirst()
    if (ended.numUpdatedRows === 1n) await tellWorker(trx, id)
  })
}

/** Forms that a stop of the process broke off: whose bytes can never be completed, only kept. */
export async function listBrokenForms(db: IntakeDb): Promise<UploadRow[]> {
  return db
    .selectFrom('uploads')
    .selectAll()
    .where('state', '=', 'receiving')
    .where('via', '=', 'form')
    .execute()
}

/**
 * Forgets an unfinished upload: its rows of segments, keys and digest go, the quota gets its bytes back.
 *
 * Errors: `upload_finished` when the last byte was in.
 */
export async function forgetUpload(db: IntakeDb, upload: UploadRow): Promise<void> {
  await transact(db, async (trx) => {
    const gone = await trx
      .updateTable('uploads')
      .set({ state: 'removed', digest_state: null, creation_key: null, type_hint: null })
      .where('id', '=', upload.id)
      .where('state', '=', 'receiving')
      .executeTakeFirst()
    if (gone.numUpdatedRows !== 1n) throw new AppError('upload_finished')
    await trx.deleteFrom('segments').where('upload_id', '=', upload.id).execute()
    const bytes = upload.length_bytes ?? upload.offset_bytes
    await trx
      .updateTable('contributors')
      .set((eb) => ({ used_bytes: eb.fn<number>('max', [eb.val(0), eb('used_bytes', '-', bytes)]) }))
      .where('id', '=', upload.contributor_id)
      .execute()
  })
}

/** Notes whether the phone's digest equalled ours. The first answer stands: a finished file does not change. */
export async function recordMatch(db: IntakeDb, id: UploadId, matched: boolean): Promise<void> {
  await transact(db, (trx) =>
    trx
      .updateTable('uploads')
      .set({ phone_matched: matched ? 1 : 0 })
      .where('id', '=', id)
      .where('phone_matched', 'is', null)
      .execute(),
  )
}

/** Is the upload past its last byte? */
export function isFinished(state: UploadState): boolean {
  return state === 'complete' || state === 'sealed' || state === 'corrupt'
}

async function byKey(
  db: IntakeDb,
  contributorId: ContributorId,
  key: Uint8Array,
): Promise<UploadRow | undefined> {
  return db
    .selectFrom('uploads')
    .selectAll()
    .where('contributor_id', '=', contributorId)
    .where('creation_key', '=', key)
    .executeTakeFirst()
}

async function assertActive(trx: IntakeDb, id: ContributorId): Promise<void> {
  const person = await trx.selectFrom('contributors').select('state').where('id', '=', id).executeTakeFirst()
  if (person?.state !== 'active' && person?.state !== 'paused') throw new AppError('not_signed_in')
}

async function reserve(trx: IntakeDb, id: ContributorId, bytes: number): Promise<void> {
  const within = await trx
    .updateTable('contributors')
    .set((eb) => ({ used_bytes: eb('used_bytes', '+', bytes) }))
    .where('id', '=', id)
    .where((eb) => eb(eb('used_bytes', '+', bytes), '<=', eb.ref('quota_bytes')))
    .executeTakeFirst()
  if (within.numUpdatedRows !== 1n) throw new AppError('quota_exceeded')
}

async function tellWorker(trx: IntakeDb, id: UploadId): Promise<void> {
  await trx
    .insertInto('outbox')
    .values({
      id: `outbox_${randomBytes(16).toString('hex')}`,
      kind: 'upload_complete',
      upload_id: id,
      done: 0,
    })
    .execute()
}
