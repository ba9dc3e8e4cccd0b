/** Plain files on this machine, read by range and written whole: for scratch space and the command line. */

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from '../../domain/errors.ts'
import { toolFileMode } from './run-tool.ts'

/** Bytes that can be read from any place. */
export type RandomReader = {
  readonly size: number
  /** Up to `length` bytes from `offset`; fewer only at the end. */
  read(offset: number, length: number): Promise<Buffer>
  close(): Promise<void>
}

/** Opens a plain file for reading by range; links are refused. The caller closes it. */
async function openLocalFile(path: string): Promise<RandomReader> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const facts = await handle.stat()
  if (!facts.isFile()) {
    await handle.close()
    throw new AppError('container_not_accepted', { details: { reason: 'not_a_plain_file' } })
  }
  return {
    size: facts.size,
    async read(offset, length) {
      const wanted = Math.max(0, Math.min(length, facts.size - offset))
      const buffer = Buffer.allocUnsafe(wanted)
      let filled = 0
      while (filled < wanted) {
        const { bytesRead } = await handle.read(buffer, filled, wanted - filled, offset + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return buffer.subarray(0, filled)
    },
    close: () => handle.close(),
  }
}

/** A new file that is written from front to end. */
export type SequentialWriter = {
  write(data: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** Creates a file in scratch space, which must not exist yet and which tools can read. The caller closes it. Errors: `disk_full`, `storage_failed`. */
export async function createLocalFile(path: string): Promise<SequentialWriter> {
  const handle = await open(path, 'wx', 0o600)
  await handle.chmod(toolFileMode())
  return {
    async write(data) {
      try {
        let written = 0
        while (written < data.length) written += (await handle.write(data, written)).bytesWritten
      } catch (cause) {
        const full =
          cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
        throw new AppError(full ? 'disk_full' : 'storage_failed', { cause })
      }
    },
    close: () => handle.close(),
  }
}

/** Removes a file; nothing happens where there is none. */
export async function removeLocalFile(path: string): Promise<void> {
  await rm(path, { force: true })
}

/** Runs `work` on an opened file and closes it. */
export async function withLocalFile<T>(path: string, work: (file: RandomReader) => Promise<T>): Promise<T> {
  const file = await openLocalFile(path)
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

/** Size in bytes of a file, or undefined where there is none. */
export async function localFileSize(path: string): Promise<number | undefined> {
  try {
    const facts = await stat(path)
    return facts.isFile() ? facts.size : undefined
  } catch {
    return undefined
  }
}

/** SHA-256 of a file as 64 hex digits, read in pieces. */
export async function digestLocalFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await withLocalFile(path, async (file) => {
    for (let offset = 0; offset < file.size; offset += 1 << 20) {
      signal?.throwIfAborted()
      hash.update(await file.read(offset, 1 << 20))
    }
  })
  return hash.digest('hex')
}

/** Writes a small file, private. */
export async function writeLocalFile(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content, { mode: 0o600 })
}

/** Puts a copy of `from` at `to`, beside first, so that nobody sees half of it. */
export async function deliverFile(from: string, to: string): Promise<void> {
  const beside = join(dirname(to), `.${process.pid}-${Date.now().toString(36)}.part`)
  try {
    await copyFile(from, beside, constants.COPYFILE_FICLONE)
    const handle = await open(beside, 'r+')
    try {
      await handle.chmod(0o600)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(beside, to)
  } catch (cause) {
    await rm(beside, { force: true })
    throw new AppError('storage_failed', { cause })
  }
}

/** Makes a folder and those above it. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
}
