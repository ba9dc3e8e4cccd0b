/** What both disk stores do with files: errors in our words, whole writes, folders that remember their names. */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { AppError } from '../../domain/errors.ts'

/** Puts the disk's error names into our words. Errors: `disk_full`, `not_found`, `storage_failed`. */
export async function onDisk<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new AppError('disk_full', { cause })
    if (code === 'ENOENT') throw new AppError('not_found', { cause })
    throw new AppError('storage_failed', { cause })
  }
}

/** Writes all of `bytes` at byte `at`: a disk that fills up takes a part before it says so. Errors as `onDisk`. */
async function writeFully(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await onDisk(file.write(bytes, done, bytes.length - done, at + done))
    done += bytesWritten
  }
}

/** Writes all of `pieces` one after the other from byte `at`, in one system call where the disk takes them all. Errors as `onDisk`. */
export async function writePieces(
  file: FileHandle,
  pieces: readonly Uint8Array[],
  at: number,
): Promise<void> {
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const { bytesWritten } = await onDisk(file.writev([...pieces], at))
  if (bytesWritten < total)
    await writeFully(file, Buffer.concat(pieces).subarray(bytesWritten), at + bytesWritten)
}

/** Makes names that came to or went from the folder durable. Errors as `onDisk`. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await onDisk(open(path, constants.O_RDONLY | constants.O_DIRECTORY))
  try {
    await onDisk(folder.sync())
  } finally {
    await folder.close()
  }
}
