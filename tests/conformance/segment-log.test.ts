import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDiskSegmentLog } from '../../src/adapters/blobs/disk-segment-log.ts'
import type { SegmentLog } from '../../src/adapters/blobs/segment-log.ts'
import { newUploadId } from '../../src/adapters/ids.ts'
import type { UploadId } from '../../src/domain/clip.ts'
import { AppError } from '../../src/domain/errors.ts'

async function append(log: SegmentLog, id: UploadId, at: number, ...pieces: Uint8Array[]): Promise<number> {
  const writer = await log.open(id, at)
  for (const piece of pieces) await writer.write(piece)
  return (await writer.commit()).endBytes
}
const read = async (log: SegmentLog, id: UploadId, offset: number, bytes: number): Promise<Buffer> =>
  buffer(await log.read(id, offset, bytes))

/** What every log promises; `open` gives a fresh, empty one. */
function segmentLogSuite(name: string, open: () => Promise<SegmentLog>): void {
  describe(name, () => {
    let log: SegmentLog
    beforeAll(async () => {
      log = await open()
    })

    it('lays segments end to end and gives back any of them', async () => {
      const id = newUploadId()
      const [one, two, three] = [randomBytes(10), randomBytes(700_001), randomBytes(1)]
      const first = await append(log, id, 0, one)
      const second = await append(log, id, first, two.subarray(0, 5), two.subarray(5))
      const third = await append(log, id, second, three)
      expect([first, second, third]).toEqual([10, 700_011, 700_012])
      expect((await read(log, id, 0, 10)).equals(one)).toBe(true)
      expect((await read(log, id, first, two.length)).equals(two)).toBe(true)
      expect((await read(log, id, second, 1)).equals(three)).toBe(true)
    })

    it('cuts off what a crash left behind the end that the database knows', async () => {
      const id = newUploadId()
      const end = await append(log, id, 0, Buffer.from('kept'))
      const crashed = await log.open(id, end)
      await crashed.write(randomBytes(400_000))
      await crashed.abandon()
      expect(await append(log, id, end, Buffer.from('next'))).toBe(8)
      expect((await read(log, id, 0, 100)).toString()).toBe('keptnext')
    })

    it('will not write behind a hole', async () => {
      const id = newUploadId()
      await append(log, id, 0, Buffer.from('four'))
      await expect(log.open(id, 5)).rejects.toMatchObject({ code: 'storage_failed' })
      expect((await read(log, id, 0, 100)).toString()).toBe('four')
    })

    it('takes nothing after the segment was closed', async () => {
      const id = newUploadId()
      const writer = await log.open(id, 0)
      await writer.write(Buffer.from('x'))
      await writer.commit()
      await expect(writer.write(Buffer.from('y'))).rejects.toMatchObject({ code: 'storage_failed' })
      await expect(writer.commit()).rejects.toMatchObject({ code: 'storage_failed' })
    })

    it('lists what it has and forgets what is removed', async () => {
      const id = newUploadId()
      await append(log, id, 0, Buffer.from('x'))
      const listed = async (): Promise<UploadId[]> => {
        const ids: UploadId[] = []
        for await (const one of log.list()) ids.push(one)
        return ids
      }
      expect(await listed()).toContain(id)
      await log.remove(id)
      await log.remove(id)
      expect(await listed()).not.toContain(id)
      await expect(log.read(id, 0, 1)).rejects.toMatchObject({ code: 'not_found' })
      expect(await log.freeBytes()).toBeGreaterThan(0)
    })
  })
}

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'footbridge-segments-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

segmentLogSuite('the segment log on a disk', async () =>
  createDiskSegmentLog(await mkdtemp(join(root, 'log-'))),
)

describe('the segment log on a disk that misbehaves', () => {
  it('throws a segment away whose sync failed, and starts it again on a fresh descriptor', async () => {
    const folder = await mkdtemp(join(root, 'sync-'))
    let failures = 1
    const synced: number[] = []
    const log = createDiskSegmentLog(folder, {
      sync: async (file) => {
        synced.push(file.fd)
        if (failures-- > 0) throw Object.assign(new Error('i/o'), { code: 'EIO' })
        await file.datasync()
      },
    })
    const id = newUploadId()
    const writer = await log.open(id, 0)
    await writer.write(Buffer.from('lost'))
    await expect(writer.commit()).rejects.toMatchObject({ code: 'storage_failed' })
    await expect(writer.commit()).rejects.toMatchObject({ code: 'storage_failed' })
    expect(synced.length).toBe(1)
    expect(await append(log, id, 0, Buffer.from('ok'))).toBe(2)
    expect((await readFile(join(folder, id))).toString()).toBe('ok')
  })

  // Mounting a small disk takes root; elsewhere this counts as skipped.
  it.skipIf(process.getuid?.() !== 0)(
    'says that a full disk is full, and keeps what was committed',
    async () => {
      const folder = await mkdtemp(join(root, 'full-'))
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder])
      try {
        const log = createDiskSegmentLog(folder)
        const id = newUploadId()
        const kept = randomBytes(1_000_000)
        const end = await append(log, id, 0, kept)
        await expect(append(log, id, end, randomBytes(2_000_000))).rejects.toMatchObject({
          code: 'disk_full',
        })
        // Its half-written bytes give their room back as soon as somebody goes on.
        expect(await append(log, id, end, Buffer.from('fits'))).toBe(end + 4)
        expect((await read(log, id, 0, end)).equals(kept)).toBe(true)
      } finally {
        execFileSync('umount', [folder])
      }
    },
  )

  it('acknowledges nothing before the name of the file is durable, also when that failed at first', async () => {
    const folder = await mkdtemp(join(root, 'names-'))
    const synced: string[] = []
    const log = createDiskSegmentLog(folder, {
      syncNames(path) {
        synced.push(path)
        return synced.length === 1 ? Promise.reject(new AppError('storage_failed')) : Promise.resolve()
      },
    })
    const id = newUploadId()
    await expect(log.open(id, 0)).rejects.toMatchObject({ code: 'storage_failed' })
    expect(await append(log, id, 0, Buffer.from('four'))).toBe(4)
    expect(synced).toEqual([folder, folder])
    await append(log, id, 4, Buffer.from('more'))
    expect(synced).toHaveLength(2)
  })

  it('writes files that others cannot read, and follows no link', async () => {
    const folder = await mkdtemp(join(root, 'modes-'))
    const log = createDiskSegmentLog(folder)
    const id = newUploadId()
    await append(log, id, 0, Buffer.from('x'))
    expect((await stat(join(folder, id))).mode & 0o007).toBe(0)
    const linked = newUploadId()
    await writeFile(join(root, 'elsewhere'), 'untouched')
    await symlink(join(root, 'elsewhere'), join(folder, linked))
    await expect(log.open(linked, 0)).rejects.toMatchObject({ code: 'storage_failed' })
    expect((await readFile(join(root, 'elsewhere'))).toString()).toBe('untouched')
  })
})
