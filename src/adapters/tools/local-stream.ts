/** Streams into and out of scratch files: for what is too large for memory and must have a path for a tool. */
import { open } from 'node:fs/promises'
import { AppError } from '../../domain/errors.ts'

const READ_BYTES = 1_048_576

/**
 * Writes everything `source` yields to a new private file and returns its size.
 *
 * What `source` throws goes through; the file may then be there in part, in a folder that is thrown away.
 * Errors: `disk_full`, `storage_failed`. An aborted `signal` throws its reason.
 */
export async function saveLocalFile(
  path: string,
  source: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<number> {
  const file = await onDisk(open(path, 'wx', 0o600))
  let sizeBytes = 0
  try {
    for await (const piece of source) {
      signal?.throwIfAborted()
      for (let at = 0; at < piece.length;) {
        at += (await onDisk(file.write(piece, at, piece.length - at))).bytesWritten
      }
      sizeBytes += piece.length
    }
  } finally {
    await file.close()
  }
  return sizeBytes
}

/** Yields a file's bytes. Errors: `storage_failed`. An aborted `signal` throws its reason. */
export async function* readLocalFile(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const file = await onDisk(open(path, 'r'))
  try {
    for (;;) {
      signal?.throwIfAborted()
      // A buffer for each piece: whoever takes it may keep it.
      const { bytesRead, buffer } = await onDisk(
        file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, null),
      )
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

async function onDisk<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (cause) {
    const full =
      cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
    throw new AppError(full ? 'disk_full' : 'storage_failed', { cause })
  }
}
