import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { readdir, rename, truncate } from 'node:fs/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parseBlobKey } from '../../src/adapters/blobs/blob-store.ts'
import type { BlobKind } from '../../src/adapters/database/schema.ts'
import { openAge } from '../../src/adapters/sealing.ts'
import { clipBlob, findClip } from '../../src/catalog/clips.ts'
import { mediaInfoSchema, certificateSchema, waveformSchema } from '../../src/contract/clips.ts'
import type { ClipId } from '../../src/domain/clip.ts'
import type { JobQueue } from '../../src/jobs/queue.ts'
import { createSqliteQueue } from '../../src/jobs/sqlite-queue.ts'
import type { Worker } from '../../src/jobs/worker.ts'
import { retryJob } from '../../src/process/pipeline.ts'
import { verifyAll, verifyClip } from '../../src/process/verify.ts'
import { startWorkerApp, type WorkerAppDeps } from '../../src/worker-app.ts'
import { PLANTED_MODEL, PLANTED_PLACE, smallClip } from '../support/small-clip.ts'
import {
  addContributor,
  clipIn,
  collectingLogger,
  makeWorkerStorage,
  objectsInCatalog,
  objectsOnDisk,
  sendUpload,
  until,
  type WorkerStorage,
} from '../support/worker-storage.ts'

const KINDS: readonly BlobKind[] = ['original', 'master', 'proxy', 'poster', 'filmstrip', 'waveform']
const DAY_MS = 86_400_000
/** Beyond `sealed`: a native parser has seen it. */
const BEYOND = ['inspected', 'sanitized', 'derived', 'published'] as const

let clip: Buffer
let storage: WorkerStorage
let worker: Worker | undefined
let logger = collectingLogger()
let queue: JobQueue
beforeAll(() => {
  clip = smallClip()
})
beforeEach(async () => {
  storage = await makeWorkerStorage()
  logger = collectingLogger()
  queue = createSqliteQueue(storage.catalogDb, { now: () => Date.now() })
})
afterEach(async () => {
  await stop()
  await storage.remove()
})

const start = async (more: Partial<WorkerAppDeps> = {}): Promise<void> => {
  worker = await startWorkerApp({
    ...storage,
    clock: { now: () => Date.now() },
    logger,
    sandboxProven: true,
    pollMs: 20,
    backOffMs: () => 50,
    ...more,
  })
}
const stop = async (): Promise<void> => {
  await worker?.stop()
  worker = undefined
}
const objectPath = async (clipId: ClipId, kind: BlobKind): Promise<string> => {
  const row = await clipBlob(storage.catalogDb, clipId, kind)
  return `${storage.root}/${row?.area ?? ''}/${row?.blob_key ?? ''}`
}
const scratchIsEmpty = async (): Promise<boolean> =>
  (await readdir(`${storage.root}/scratch`)).every((name) => name === 'worker.lock')

describe('The pipeline', () => {
  it('takes a clip from quarantine to published, with every part in its place and nothing left over', async () => {
    const sent = await sendUpload(storage, clip)
    await start()
    const row = await clipIn(storage, sent.clipId, 'published', 'stuck', 'refused')
    expect(row).toMatchObject({ state: 'published', reason: null, partial: 0, original_sha256: sent.sha256 })
    const media = mediaInfoSchema.parse(JSON.parse(row.media ?? ''))
    expect(media).toMatchObject({
      kind: 'video',
      video: { width: 320, height: 180, frameRate: { num: 30, den: 1 } },
    })
    const certificate = certificateSchema.parse(JSON.parse(row.certificate ?? ''))
    const master = readFileSync(await objectPath(sent.clipId, 'master'))
    expect(certificate).toMatchObject({
      originalSha256: sent.sha256,
      masterSha256: createHash('sha256').update(master).digest('hex'),
    })
    expect(certificate.removed).toMatchObject({ location: expect.any(Number) as number })

    const verified = await verifyClip(storage, sent.clipId)
    expect(verified.ok).toBe(true)
    expect(verified.objects.map((object) => object.kind)).toEqual(KINDS)
    const facts = (await clipBlob(storage.catalogDb, sent.clipId, 'filmstrip'))?.facts
    expect(JSON.parse(facts ?? '')).toMatchObject({
      count: expect.any(Number) as number,
      columns: expect.any(Number) as number,
    })
    const waveform = waveformSchema.parse(
      JSON.parse(readFileSync(await objectPath(sent.clipId, 'waveform'), 'utf8')),
    )
    expect((waveform.peaks.length / 2) * waveform.windowMs).toBeGreaterThanOrEqual(1900)

    await until('nothing waits', async () => ((await queue.counts()).running === 0 ? true : undefined))
    expect(await queue.counts()).toMatchObject({ waiting: 0, running: 0, setAside: 0 })
    expect(await objectsOnDisk(storage.root)).toEqual(await objectsInCatalog(storage.catalogDb))
    expect(await readdir(`${storage.root}/quarantine`)).toEqual([])
    expect(await scratchIsEmpty()).toBe(true)
    // Sealed or gone: neither file, nor row, nor line of the log holds what the phone wrote.
    await stop()
    for (const secret of [PLANTED_PLACE, PLANTED_MODEL]) {
      expect(clip.includes(secret)).toBe(true)
      expect(filesWith(storage.root, secret)).toEqual([])
      expect(logger.lines.filter((line) => line.includes(secret))).toEqual([])
    }
  })

  it('opens an original for at most 72 hours after publishing; then the vault key alone does', async () => {
    const sent = await sendUpload(storage, clip)
    const sentToo = await sendUpload(storage, Buffer.from('#EXTM3U\nhttp://example.org/secret.ts\n'))
    await start()
    await clipIn(storage, sent.clipId, 'published')
    await clipIn(storage, sentToo.clipId, 'refused')
    await stop()
    const wraps = () => storage.keyringDb.selectFrom('processing_wraps').select('drop_after_day').execute()
    const now = Date.UTC(2027, 0, 10, 23, 59)
    const upkeepAt = async (ms: number, expected: number): Promise<void> => {
      await start({ clock: { now: () => ms }, processingWindowDays: 2 })
      await until(`${String(expected)} keys are left`, async () =>
        (await wraps()).length === expected ? true : undefined,
      )
      await until('they have their day', async () =>
        (await wraps()).every((row) => row.drop_after_day !== null) ? true : undefined,
      )
      await stop()
    }
    await upkeepAt(now, 2)
    await upkeepAt(now + 2 * DAY_MS, 2)
    await upkeepAt(now + 2 * DAY_MS + 60_000, 0)

    const key = parseBlobKey((await clipBlob(storage.catalogDb, sent.clipId, 'original'))?.blob_key ?? '')
    if (key === undefined) throw new Error('no original')
    const hash = createHash('sha256')
    for await (const piece of openAge(await storage.blobs.open('sealed', key), {
      identity: storage.vault.identity,
    }))
      hash.update(piece)
    expect(hash.digest('hex')).toBe(sent.sha256)
    const closed = openAge(await storage.blobs.open('sealed', key), {
      identity: storage.keys.processingIdentity,
    })
    await expect(closed.next()).rejects.toMatchObject({ code: 'blob_damaged' })
  })

  it('refuses what is not media with its reason, keeps the original sealed and goes on', async () => {
    const bad = await sendUpload(storage, Buffer.from('<html><script>alert(1)</script></html>'.repeat(100)))
    const empty = await sendUpload(storage, Buffer.alloc(0))
    await start()
    const row = await clipIn(storage, bad.clipId, 'refused', 'stuck')
    expect(row).toMatchObject({
      state: 'refused',
      reason: 'container_not_accepted',
      original_sha256: bad.sha256,
    })
    expect(await clipIn(storage, empty.clipId, 'refused', 'stuck')).toMatchObject({
      state: 'refused',
      reason: 'media_empty',
    })
    expect((await objectsOnDisk(storage.root)).map((name) => name.split('/')[0])).toEqual([
      'sealed',
      'sealed',
    ])
    expect(await queue.failing()).toEqual([])
    expect(await scratchIsEmpty()).toBe(true)
  })

  it('holds the clips of a paused contributor sealed and unseen, and takes them on when the pause ends', async () => {
    const contributors = storage.catalogDb.updateTable('contributors').where('id', '=', storage.contributorId)
    await contributors.set({ state: 'paused' }).execute()
    const held = await sendUpload(storage, clip)
    const other = await sendUpload(storage, clip, { contributorId: await addContributor(storage) })
    await start()
    await clipIn(storage, other.clipId, ...BEYOND)
    expect(await findClip(storage.catalogDb, held.clipId)).toMatchObject({ state: 'sealed' })
    await stop()
    await start()
    await contributors.set({ state: 'active' }).execute()
    await stop()
    await start()
    await clipIn(storage, held.clipId, ...BEYOND)
  })

  it('says that a key is gone, and takes the clip on when a person retries after putting it back', async () => {
    const sent = await sendUpload(storage, clip)
    const wraps = storage.keyringDb
    await storage.catalogDb.updateTable('contributors').set({ state: 'paused' }).execute()
    await start()
    await clipIn(storage, sent.clipId, 'sealed')
    await stop()
    const kept = await wraps.selectFrom('processing_wraps').selectAll().executeTakeFirstOrThrow()
    await wraps.deleteFrom('processing_wraps').execute()
    await storage.catalogDb.updateTable('contributors').set({ state: 'active' }).execute()
    await start()
    expect(await clipIn(storage, sent.clipId, 'stuck')).toMatchObject({ reason: 'original_locked' })
    const [failing] = await queue.failing()
    expect(failing).toMatchObject({ kind: 'inspect', subject: sent.clipId, state: 'set_aside', attempts: 3 })
    if (failing === undefined) throw new Error('it fails')

    await wraps.insertInto('processing_wraps').values(kept).execute()
    await retryJob({ catalogDb: storage.catalogDb, queue }, failing.id)
    expect(await clipIn(storage, sent.clipId, ...BEYOND)).toMatchObject({
      reason: null,
      reason_detail: null,
    })
    await expect(retryJob({ catalogDb: storage.catalogDb, queue }, failing.id)).rejects.toMatchObject({
      code: 'not_found',
    })
  })

  it('takes a clip on whose job was lost', async () => {
    const sent = await sendUpload(storage, clip)
    let lost = false
    await start({
      checkpoint: (place) => {
        if (place === 'inspect:begun' && !lost) {
          lost = true
          throw new Error('stopped here')
        }
      },
      backOffMs: () => 60_000,
    })
    await until('the job waits', async () => ((await queue.failing()).length > 0 ? true : undefined))
    await stop()
    await storage.catalogDb.deleteFrom('jobs').execute()
    await start()
    await clipIn(storage, sent.clipId, ...BEYOND)
  })

  it('does not publish a clip whose master was changed on the disk, and tells which part', async () => {
    const sent = await sendUpload(storage, clip)
    await start({
      checkpoint: (place) => {
        if (place !== 'publish:begun') return
        const [name] = readdirSync(`${storage.root}/clean`)
        execFileSync(
          '/usr/bin/dd',
          [`of=${storage.root}/clean/${name ?? ''}`, 'bs=1', 'seek=1000', 'conv=notrunc', 'status=none'],
          { input: 'X' },
        )
      },
    })
    expect(await clipIn(storage, sent.clipId, 'stuck')).toMatchObject({
      reason: 'blob_damaged',
      reason_detail: 'what: master',
    })
    const verified = []
    for await (const one of verifyAll(storage)) verified.push(one)
    expect(verified).toMatchObject([{ clipId: sent.clipId, ok: false }])
    expect(verified[0]?.objects.filter((object) => object.found !== 'same')).toMatchObject([
      { kind: 'master', found: 'different' },
    ])
  })

  it('finds objects that are missing or cut', async () => {
    const sent = await sendUpload(storage, clip)
    await start()
    await clipIn(storage, sent.clipId, 'published')
    await stop()
    await truncate(await objectPath(sent.clipId, 'proxy'), 100)
    await rename(await objectPath(sent.clipId, 'original'), `${storage.root}/elsewhere`)
    const { ok, objects } = await verifyClip(storage, sent.clipId)
    expect(ok).toBe(false)
    expect(Object.fromEntries(objects.map((object) => [object.kind, object.found]))).toMatchObject({
      original: 'missing',
      master: 'same',
      proxy: 'different',
    })
  })

  it('gives the job back and ends its programs when it is stopped in the middle of one', async () => {
    const sent = await sendUpload(storage, smallClip(60))
    await start()
    await clipIn(storage, sent.clipId, 'sanitized')
    await until('ffmpeg runs', () => (programsOf(storage.root).length > 0 ? true : undefined))
    const asked = performance.now()
    await stop()
    expect(performance.now() - asked).toBeLessThan(3000)
    expect(programsOf(storage.root)).toEqual([])
    expect(await scratchIsEmpty()).toBe(true)
    expect(await queue.counts()).toMatchObject({ waiting: 1, running: 0 })
    expect(await queue.failing()).toEqual([])
    expect(await findClip(storage.catalogDb, sent.clipId)).toMatchObject({ state: 'sanitized' })
    expect(await objectsOnDisk(storage.root)).toEqual(await objectsInCatalog(storage.catalogDb))
  })

  it.runIf(process.getuid?.() === 0)(
    'waits while the disk is full and goes on when there is room, with nothing half written',
    async () => {
      const area = `${storage.root}/clean`
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', area])
      try {
        const sent = await sendUpload(storage, clip)
        await start()
        await until('the job waits for room', async () =>
          (await queue.failing())[0]?.reason === 'disk_full' ? true : undefined,
        )
        expect(await findClip(storage.catalogDb, sent.clipId)).toMatchObject({ state: 'inspected' })
        expect(await readdir(area)).toEqual([])
        execFileSync('mount', ['-o', 'remount,size=64m', area])
        await clipIn(storage, sent.clipId, 'published')
        expect((await verifyClip(storage, sent.clipId)).ok).toBe(true)
      } finally {
        await stop()
        execFileSync('umount', [area])
      }
    },
  )

  it('does not blame the clip when the machine kills a program that reads it', async () => {
    const sent = await sendUpload(storage, clip)
    await start()
    // As the kernel does when memory runs out. A program that ended by itself in between is let go.
    await until('a kill is noticed', () => {
      const reader = descendants(process.pid).find(({ command }) =>
        /^\/usr\/bin\/ff(probe|mpeg) /.test(command),
      )
      try {
        if (reader !== undefined) process.kill(reader.pid, 'SIGKILL')
      } catch {
        return undefined
      }
      return logger.lines.some((line) => line.includes('tool_failed')) ? true : undefined
    })
    expect(await clipIn(storage, sent.clipId, 'published', 'refused', 'stuck')).toMatchObject({
      state: 'published',
    })
  })

  it('refuses to work on storage that another worker works on, and takes over when it is gone', async () => {
    await start()
    const second = startWorkerApp({
      ...{ ...storage, logger, sandboxProven: true, lockWaitMs: 300 },
      clock: { now: () => Date.now() },
    })
    await expect(second).rejects.toMatchObject({ code: 'storage_in_use' })
    await stop()
    await start({ lockWaitMs: 0 })
  })

  it('does not begin what would fill the disk', async () => {
    const sent = await sendUpload(storage, clip)
    let free = 1000
    await start({ blobs: { ...storage.blobs, freeBytes: () => Promise.resolve(free) } })
    await until('the job waits for room', async () =>
      (await queue.failing())[0]?.reason === 'disk_full' ? true : undefined,
    )
    expect(await objectsOnDisk(storage.root)).toEqual([])
    free = 10 ** 12
    await clipIn(storage, sent.clipId, 'sealed', ...BEYOND)
  })

  it('brings the one clip of one contributor through between the many of another', async () => {
    const many = []
    const small = smallClip(1)
    for (let i = 0; i < 4; i++) many.push(await sendUpload(storage, small))
    const one = await sendUpload(storage, small, { contributorId: await addContributor(storage) })
    await start()
    await clipIn(storage, one.clipId, 'published')
    const states = await Promise.all(
      many.map(async (sent) => (await findClip(storage.catalogDb, sent.clipId))?.state),
    )
    // In turns, step by step: the other's first clip is about as far, its second hardly begun.
    expect(states.filter((state) => state === 'published').length).toBeLessThanOrEqual(2)
    expect(states.some((state) => state !== undefined && state !== 'quarantined')).toBe(true)
  })

  it('removes what a killed step left behind, and never an original that an old catalogue does not know', async () => {
    const sent = await sendUpload(storage, clip)
    await start()
    await clipIn(storage, sent.clipId, 'published')
    await stop()
    const hex = sent.clipId.slice('clip_'.length)
    const stranger = 'f'.repeat(32)
    const put = (area: 'sealed' | 'clean' | 'derived', name: string) => {
      const key = parseBlobKey(name)
      if (key === undefined) throw new Error(name)
      return storage.blobs.put(
        area,
        key,
        (async function* () {
          yield Buffer.from('x')
        })(),
      )
    }
    await put('sealed', `${hex}-original-00000000.age`)
    await put('clean', `${hex}-master-00000000.mp4`)
    await put('derived', `${hex}-poster-00000000.jpg`)
    await put('sealed', `${stranger}-original-00000000.age`)
    await put('clean', `${stranger}-master-00000000.mp4`)
    await start()
    const expected = [
      ...(await objectsInCatalog(storage.catalogDb)),
      `clean/${stranger}-master-00000000.mp4`,
      `sealed/${stranger}-original-00000000.age`,
    ]
    await until('the leftovers are gone', async () => {
      const found = await objectsOnDisk(storage.root)
      return JSON.stringify(found) === JSON.stringify(expected.sort()) ? true : undefined
    })
  })
})

/** Every process below `root`, with its command line. */
function descendants(root: number): { pid: number; command: string }[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const parent = Number(/\) . (\d+) /.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1])
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return [{ pid: Number(name), parent, command }]
      } catch {
        return []
      }
    })
  const below = new Set([root])
  for (let grown = true; grown;) {
    grown = false
    for (const { pid, parent } of all) {
      if (below.has(pid) || !below.has(parent)) continue
      below.add(pid)
      grown = true
    }
  }
  return all.filter(({ pid }) => pid !== root && below.has(pid))
}

/** Command lines of running programs that name `text`. */
function programsOf(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })
    .filter((line) => line.includes(text))
}

function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name}`)
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text))
}
