/** Quarantine on a local disk: one folder, one growing file an upload, named by its random id. */
import { constants } from 'node:fs'
import { open, opendir, rm, statfs, type FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { parseUploadId, type UploadId } from '../../domain/clip.ts'
import { AppError } from '../../domain/errors.ts'
import { onDisk, syncFolder, writePieces } from './on-disk.ts'
import { uploadPath } from './safe-path.ts'
import type { SegmentLog, SegmentWriter } from './segment-log.ts'

/** Narrowed further by the umask; the worker reads what intake wrote through the group. */
const FILE_MODE = 0o640
const READ_BYTES = 262_144
/** One system call for several 64 KiB chunks; what a slow upload has gathered is flushed when it is acknowledged. */
const WRITE_BYTES = 262_144

type Options = {
  /** Makes a file's bytes durable. Replaced where a test wants to see a disk that fails to. */
  readonly sync?: (file: FileHandle) => Promise<void>
  /** Makes a folder's names durable. Replaced likewise. */
  readonly syncNames?: (folder: string) => Promise<void>
}

/** Opens the log in folder `root`, which exists. */
export function createDiskSegmentLog(root: string, options: Options = {}): SegmentLog {
  const sync = options.sync ?? ((file) => file.datasync())
  const syncNames = options.syncNames ?? syncFolder
  return {
    async open(id, at) {
      const file = await openForWriting(root, id)
      try {
        const { size } = await onDisk(file.stat())
        // Bytes that were acknowledged and are not there: writing on would hide the hole.
        if (size < at) throw new AppError('storage_failed')
        // What a crash or a failed sync left behind goes, and with it whatever the kernel still holds of it.
        if (size > at) await onDisk(file.truncate(at))
        // Otherwise a power cut can take the name away from bytes that are safe. Also where the file is there: who made
        // it may have failed or been killed before this.
        if (at === 0) await syncNames(root)
        return segmentWriter(file, at, sync)
      } catch (error) {
        await file.close()
        throw error
      }
    },

    async read(id, offset, bytes) {
      const file = await onDisk(open(uploadPath(root, id), constants.O_RDONLY | constants.O_NOFOLLOW))
      return file.createReadStream({
        start: offset,
        end: offset + bytes - 1,
        highWaterMark: READ_BYTES,
      }) satisfies Readable
    },

    async remove(id) {
      await onDisk(rm(uploadPath(root, id), { force: true }))
      await syncFolder(root)
    },

    async *list() {
      for await (const entry of await onDisk(opendir(root))) {
        const id: UploadId | undefined = entry.isFile() ? parseUploadId(entry.name) : undefined
        if (id !== undefined) yield id
      }
    },

    async freeBytes() {
      const { bavail, bsize } = await onDisk(statfs(root))
      return bavail * bsize
    },
  }
}

async function openForWriting(root: string, id: UploadId): Promise<FileHandle> {
  const path = uploadPath(root, id)
  try {
    return await onDisk(open(path, constants.O_WRONLY | constants.O_NOFOLLOW))
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'not_found') throw error
  }
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  return onDisk(open(path, flags, FILE_MODE))
}

/**
 * One write is under way while the caller prepares the next pieces; its failure comes out of a later call.
 *
 * After any failure the writer is spent. In particular a failed sync is never repeated on the same descriptor: the
 * kernel may have dropped the pages and would answer "fine". The segment counts as not written, and the next `open`
 * cuts it off and starts with a fresh descriptor.
 */
function segmentWriter(
  file: FileHandle,
  at: number,
  sync: (file: FileHandle) => Promise<void>,
): SegmentWriter {
  let end = at
  let gathered: Uint8Array[] = []
  let gatheredBytes = 0
  let underWay = Promise.resolve()
  let spent = false
  const flush = async (): Promise<void> => {
    await underWay
    if (gatheredBytes === 0) return
    underWay = writePieces(file, gathered, end)
    underWay.catch(() => undefined)
    end += gatheredBytes
    gathered = []
    gatheredBytes = 0
  }
  const letGo = async (): Promise<void> => {
    if (spent) return
    spent = true
    await underWay.catch(() => undefined)
    await file.close()
  }
  return {
    async write(bytes) {
      if (spent) throw new AppError('storage_failed')
      gathered.push(bytes)
      gatheredBytes += bytes.length
      if (gatheredBytes >= WRITE_BYTES) await flush()
    },
    async commit() {
      if (spent) throw new AppError('storage_failed')
      try {
        await flush()
        await underWay
        await onDisk(sync(file))
      } finally {
        await letGo()
      }
      return { endBytes: end }
    },
    abandon: letGo,
  }
}
