/** The blob store on a local disk: one folder an area, one file an object. */
import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, opendir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { AppError } from '../../domain/errors.ts'
import { parseBlobKey, type BlobArea, type BlobStore } from './blob-store.ts'
import { onDisk, syncFolder, writePieces } from './on-disk.ts'
import { blobPath } from './safe-path.ts'

const AREAS: readonly BlobArea[] = ['sealed', 'clean', 'derived']
/** Narrowed further by the umask; the group is there for the front that only reads. */
const FOLDER_MODE = 0o750
const FILE_MODE = 0o640
/** A key begins with a letter or digit, so nothing that begins with a dot is ever an object. */
const UNFINISHED = /^\.unfinished-[0-9a-f]{32}$/
/** Pieces are gathered to this size: one system call for many 64 KiB chunks. */
const WRITE_BYTES = 1_048_576
const READ_BYTES = 262_144

/** Opens the store below `root`, which exists; makes the folders of the areas where they are missing. */
export async function createDiskBlobStore(root: string): Promise<BlobStore> {
  for (const area of AREAS) await onDisk(mkdir(`${root}/${area}`, { recursive: true, mode: FOLDER_MODE }))
  return {
    async put(area, key, source) {
      const target = blobPath(root, area, key)
      const beside = `${root}/${area}/.unfinished-${randomBytes(16).toString('hex')}`
      const file = await onDisk(open(beside, 'wx', FILE_MODE))
      try {
        const stored = await writeAll(file, source)
        await onDisk(rename(beside, target))
        await syncFolder(`${root}/${area}`)
        return stored
      } catch (error) {
        await file.close().catch(() => undefined)
        await rm(beside, { force: true }).catch(() => undefined)
        throw error
      }
    },

    async open(area, key, range) {
      const path = blobPath(root, area, key)
      const file = await onDisk(open(path, constants.O_RDONLY | constants.O_NOFOLLOW))
      return file.createReadStream({ ...range, highWaterMark: READ_BYTES }) satisfies Readable
    },

    async size(area, key) {
      try {
        return (await onDisk(stat(blobPath(root, area, key)))).size
      } catch (error) {
        if (error instanceof AppError && error.code === 'not_found') return undefined
        throw error
      }
    },

    async delete(area, key) {
      await onDisk(rm(blobPath(root, area, key), { force: true }))
      await syncFolder(`${root}/${area}`)
    },

    async *list(area) {
      for await (const entry of await onDisk(opendir(`${root}/${area}`))) {
        const key = entry.isFile() ? parseBlobKey(entry.name) : undefined
        if (key !== undefined) yield key
      }
    },

    async removeUnfinished() {
      let removed = 0
      for (const area of AREAS) {
        for await (const entry of await onDisk(opendir(`${root}/${area}`))) {
          if (!UNFINISHED.test(entry.name)) continue
          await onDisk(rm(`${root}/${area}/${entry.name}`, { force: true }))
          removed++
        }
      }
      return removed
    },

    async freeBytes() {
      const { bavail, bsize } = await onDisk(statfs(root))
      return bavail * bsize
    },
  }
}

/** Writes, syncs and closes. What `source` throws goes through as it is; only the disk's errors are translated. */
async function writeAll(
  file: FileHandle,
  source: AsyncIterable<Uint8Array>,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  let written = 0
  let gathered: Uint8Array[] = []
  let gatheredBytes = 0
  const flush = async (): Promise<void> => {
    if (gatheredBytes === 0) return
    await writePieces(file, gathered, written)
    written += gatheredBytes
    gathered = []
    gatheredBytes = 0
  }
  for await (const piece of source) {
    hash.update(piece)
    sizeBytes += piece.length
    gathered.push(piece)
    gatheredBytes += piece.length
    if (gatheredBytes >= WRITE_BYTES) await flush()
  }
  await flush()
  // Sync before the name appears: otherwise a power cut can leave the name with nothing behind it.
  await onDisk(file.sync())
  await onDisk(file.close())
  return { sizeBytes, sha256: hash.digest('hex') }
}
