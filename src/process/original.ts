/** Originals: opened for as long as the keyring holds their key, and compared with the digest they were sealed with. */
import { createHash } from 'node:crypto'
import type { BlobKey } from '../adapters/blobs/blob-store.ts'
import { parseBlobKey } from '../adapters/blobs/blob-store.ts'
import { openAge } from '../adapters/sealing.ts'
import { saveLocalFile } from '../adapters/tools/local-stream.ts'
import { clipBlob, type ClipRow } from '../catalog/clips.ts'
import { AppError } from '../domain/errors.ts'
import { findFileKey } from './keyring.ts'
import type { StepDeps } from './step.ts'

/** Room that must stay when a step begins: databases and uploads go on while it works. */
const RESERVE_BYTES = 32 * 1_048_576

/**
 * Gives `work` a scratch folder with the decrypted original in it, at the path it is called with.
 *
 * Effects: the folder is removed afterwards, whatever happened.
 * Errors: `disk_full` before anything is written; `original_locked`, `blob_damaged`; what `work` throws.
 */
export async function withOriginal<Result>(
  deps: StepDeps,
  clip: ClipRow,
  signal: AbortSignal,
  work: (path: string, folder: string) => Promise<Result>,
): Promise<Result> {
  const blob = await clipBlob(deps.catalogDb, clip.id, 'original')
  const key = blob === undefined ? undefined : parseBlobKey(blob.blob_key)
  if (key === undefined) throw new AppError('blob_damaged', { details: { what: 'original' } })
  await needRoom(deps, clip.original_bytes)
  return deps.tools.withScratch(async (folder) => {
    const path = `${folder}/original`
    const hash = createHash('sha256')
    await saveLocalFile(path, hashing(openOriginal(deps, clip, key), hash), signal)
    if (hash.digest('hex') !== clip.original_sha256)
      throw new AppError('blob_damaged', { details: { what: 'original' } })
    return work(await deps.tools.readable(path, folder), folder)
  })
}

/** Decrypts a sealed original as it streams by; `stored` sees it as it lies there. Errors: `original_locked`, `blob_damaged`. */
export async function* openOriginal(
  deps: Pick<StepDeps, 'blobs' | 'keyringDb' | 'keys'>,
  clip: Pick<ClipRow, 'id'>,
  key: BlobKey,
  stored?: Digesting,
): AsyncGenerator<Uint8Array> {
  const fileKey = await findFileKey(deps.keyringDb, deps.keys, clip.id, key)
  const source = await deps.blobs.open('sealed', key)
  yield* openAge(stored === undefined ? source : hashing(source, stored), { fileKey })
}

type Digesting = { update(bytes: Uint8Array): unknown }

/** Refuses to begin what would fill the disk: scratch copy and result are each about as large as the original. */
export async function needRoom(deps: Pick<StepDeps, 'blobs'>, originalBytes: number): Promise<void> {
  if ((await deps.blobs.freeBytes()) < 2 * originalBytes + RESERVE_BYTES) throw new AppError('disk_full')
}

/** Passes bytes on and takes their digest. */
export async function* hashing(
  source: AsyncIterable<Uint8Array>,
  hash: Digesting,
): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    hash.update(piece)
    yield piece
  }
}
