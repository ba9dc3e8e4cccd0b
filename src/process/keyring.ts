/** The keyring: what lets the worker open an original, one row for each sealed object, until upkeep drops it. */
import type { BlobKey } from '../adapters/blobs/blob-store.ts'
import type { KeyringDb } from '../adapters/database/database.ts'
import { openFrom, sealTo, type FileKey } from '../adapters/sealing.ts'
import type { ClipId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'
import type { ProcessingKeys } from './step.ts'

/** Keeps the file key of a sealed object, itself sealed to the worker's key. */
export async function keepFileKey(
  db: KeyringDb,
  keys: ProcessingKeys,
  clipId: ClipId,
  key: BlobKey,
  fileKey: FileKey,
): Promise<void> {
  const wrapped = await sealTo(keys.processingRecipient, fileKey)
  await db
    .insertInto('processing_wraps')
    .values({ clip_id: clipId, blob_key: key, wrapped_file_key: wrapped, drop_after_day: null })
    .execute()
}

/** The file key of a sealed object. Errors: `original_locked` where it was dropped; `blob_damaged`. */
export async function findFileKey(
  db: KeyringDb,
  keys: ProcessingKeys,
  clipId: ClipId,
  key: string,
): Promise<FileKey> {
  const row = await db
    .selectFrom('processing_wraps')
    .select('wrapped_file_key')
    .where('clip_id', '=', clipId)
    .where('blob_key', '=', key)
    .executeTakeFirst()
  if (row === undefined) throw new AppError('original_locked')
  return openFrom(keys.processingIdentity, row.wrapped_file_key)
}

/** Forgets the key of one sealed object. */
export async function forgetFileKey(db: KeyringDb, clipId: ClipId, key: string): Promise<void> {
  await db.deleteFrom('processing_wraps').where('clip_id', '=', clipId).where('blob_key', '=', key).execute()
}

/** Forgets every key of a clip but that of `kept`: those of attempts that a crash cut short. */
export async function forgetOtherKeys(db: KeyringDb, clipId: ClipId, kept: BlobKey): Promise<void> {
  await db
    .deleteFrom('processing_wraps')
    .where('clip_id', '=', clipId)
    .where('blob_key', '!=', kept)
    .execute()
}
