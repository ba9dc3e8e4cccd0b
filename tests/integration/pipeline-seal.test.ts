import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseBlobKey, type BlobStore } from '../../src/adapters/blobs/blob-store.ts'
import { openAge } from '../../src/adapters/sealing.ts'
import { clipBlob, findClip } from '../../src/catalog/clips.ts'
import type { Worker } from '../../src/jobs/worker.ts'
import { createSqliteQueue } from '../../src/jobs/sqlite-queue.ts'
import { createPipeline } from '../../src/process/pipeline.ts'
import { startWorkerApp, type WorkerAppDeps } from '../../src/worker-app.ts'
import {
  clipIn,
  collectingLogger,
  makeWorkerStorage,
  objectsInCatalog,
  objectsOnDisk,
  openWorkerStorage,
  sendUpload,
  until,
  type Sent,
  type WorkerStorage,
} from '../support/worker-storage.ts'

let storage: WorkerStorage
let worker: Worker | undefined
beforeEach(async () => {
  storage = await makeWorkerStorage()
  // What a paused contributor sends is sealed and goes no further: this set is about sealing alone.
  await storage.catalogDb.updateTable('contributors').set({ state: 'paused' }).execute()
})
afterEach(async () => {
  await worker?.stop()
  worker = undefined
  await storage.remove()
})

const start = async (more: Partial<WorkerAppDeps> = {}): Promise<void> => {
  worker = await startWorkerApp({
    ...storage,
    clock: { now: () => Date.now() },
    logger: collectingLogger(),
    sandboxProven: true,
    pollMs: 20,
    backOffMs: () => 20,
    ...more,
  })
}
const stop = async (): Promise<void> => {
  await worker?.stop()
  worker = undefined
}
const uploadState = async (sent: Sent): Promise<string> =>
  (
    await storage.intakeDb
      .selectFrom('uploads')
      .select('state')
      .where('id', '=', sent.uploadId)
      .executeTakeFirstOrThrow()
  ).state
const settled = (sent: Sent, state: string) =>
  until(`the upload is ${state}`, async () => ((await uploadState(sent)) === state ? true : undefined))
const quarantineGone = (sent: Sent) =>
  until('quarantine is cleared', async () =>
    (await readdir(`${storage.root}/quarantine`)).includes(sent.uploadId) ? undefined : true,
  )
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const quarantined = (sent: Sent): string => `${storage.root}/quarantine/${sent.uploadId}`
const openWithVault = async (sent: Sent): Promise<Buffer> => {
  const key = parseBlobKey((await clipBlob(storage.catalogDb, sent.clipId, 'original'))?.blob_key ?? '')
  if (key === undefined) throw new Error('no original')
  const pieces: Buffer[] = []
  for await (const piece of openAge(await storage.blobs.open('sealed', key), {
    identity: storage.vault.identity,
  }))
    pieces.push(piece)
  return Buffer.concat(pieces)
}

describe('Sealing', () => {
  it('turns the segments of an upload into one age file that the vault key opens, and clears quarantine', async () => {
    const bytes = randomBytes(1_234_567)
    const sent = await sendUpload(storage, bytes, { segmentBytes: 250_000 })
    await start()
    const clip = await clipIn(storage, sent.clipId, 'sealed')
    expect(clip).toMatchObject({
      original_sha256: sent.sha256,
      original_bytes: bytes.length,
      partial: 0,
      reason: null,
    })
    expect(sha256(await openWithVault(sent))).toBe(sent.sha256)
    await settled(sent, 'sealed')
    await quarantineGone(sent)
    await until('the letter is read', async () => {
      const open = await storage.intakeDb
        .selectFrom('outbox')
        .select('id')
        .where('done', '=', 0)
        .executeTakeFirst()
      return open === undefined ? true : undefined
    })
  })

  it.runIf(hasAge())('makes a file that the stock age program opens', async () => {
    const bytes = randomBytes(200_000)
    const sent = await sendUpload(storage, bytes)
    await start()
    await clipIn(storage, sent.clipId, 'sealed')
    await writeFile(`${storage.root}/vault.key`, `${storage.vault.identity}\n`, { mode: 0o600 })
    const blob = await clipBlob(storage.catalogDb, sent.clipId, 'original')
    const opened = execFileSync('age', [
      '-d',
      '-i',
      `${storage.root}/vault.key`,
      `${storage.root}/sealed/${blob?.blob_key ?? ''}`,
    ])
    expect(sha256(opened)).toBe(sent.sha256)
  })

  it('keeps what arrived of an upload that broke off, and says that it is a part', async () => {
    const sent = await sendUpload(storage, randomBytes(300_000), { truncatedFrom: 900_000 })
    await start()
    expect(await clipIn(storage, sent.clipId, 'sealed')).toMatchObject({
      partial: 1,
      original_sha256: sent.sha256,
    })
  })

  it('calls an upload corrupt when a byte of a segment was changed, and keeps it in quarantine', async () => {
    const sent = await sendUpload(storage, randomBytes(500_000))
    const file = await readFile(quarantined(sent))
    file[250_000] = (file[250_000] ?? 0) ^ 1
    await writeFile(quarantined(sent), file)
    await start()
    const clip = await clipIn(storage, sent.clipId, 'corrupt')
    expect(clip).toMatchObject({
      reason: 'original_corrupt',
      reason_detail: 'segment: 2, part: 0',
      original_sha256: null,
    })
    await settled(sent, 'corrupt')
    expect(await objectsOnDisk(storage.root)).toEqual([])
    expect(await readdir(`${storage.root}/quarantine`)).toEqual([sent.uploadId])
    expect(await storage.keyringDb.selectFrom('processing_wraps').selectAll().execute()).toEqual([])
    expect(await createSqliteQueue(storage.catalogDb, { now: () => Date.now() }).failing()).toEqual([])
  })

  it('calls an upload corrupt when a segment was cut short', async () => {
    const sent = await sendUpload(storage, randomBytes(500_000))
    await truncate(quarantined(sent), 490_000)
    await start()
    expect(await clipIn(storage, sent.clipId, 'corrupt')).toMatchObject({ reason: 'original_corrupt' })
  })

  it('calls an upload corrupt when a segment is missing or out of its place', async () => {
    const cases: Sent[] = []
    for (const change of ['missing', 'moved'] as const) {
      const sent = await sendUpload(storage, randomBytes(500_000))
      cases.push(sent)
      const rows = storage.intakeDb
        .updateTable('segments')
        .where('upload_id', '=', sent.uploadId)
        .where('seq', '=', 4)
      if (change === 'moved') await rows.set({ plain_offset: 350_000 }).execute()
      else
        await storage.intakeDb
          .deleteFrom('segments')
          .where('upload_id', '=', sent.uploadId)
          .where('seq', '=', 4)
          .execute()
    }
    await start()
    for (const sent of cases)
      expect(await clipIn(storage, sent.clipId, 'corrupt')).toMatchObject({ reason: 'original_corrupt' })
  })

  it('blames itself, not the contributor, when the worker has the wrong key or the object is gone', async () => {
    const lost = await sendUpload(storage, randomBytes(100_000))
    await storage.segments.remove(lost.uploadId)
    await start()
    expect(await clipIn(storage, lost.clipId, 'stuck')).toMatchObject({ reason: 'storage_failed' })
    expect(await uploadState(lost)).toBe('complete')
    await stop()

    const sent = await sendUpload(storage, randomBytes(100_000))
    const other = await makeWorkerStorage()
    await start({ keys: other.keys })
    expect(await clipIn(storage, sent.clipId, 'stuck')).toMatchObject({ reason: 'config_invalid' })
    expect(await uploadState(sent)).toBe('complete')
    expect(await readdir(`${storage.root}/quarantine`)).toEqual([sent.uploadId])
    await other.remove()
  })

  it('keeps quarantine when the stored file would open for the server and not for the vault', async () => {
    const sent = await sendUpload(storage, randomBytes(10_000))
    let damages = 1
    const blobs: BlobStore = {
      ...storage.blobs,
      async put(area, key, source) {
        const stored = await storage.blobs.put(area, key, source)
        if (damages-- > 0) {
          const path = `${storage.root}/${area}/${key}`
          const file = await readFile(path)
          // Inside the stanza of the vault, which the worker does not need.
          const at = file.indexOf('-> X25519 ') + 12
          file.writeUInt8(file.readUInt8(at) === 65 ? 66 : 65, at)
          await writeFile(path, file)
        }
        return stored
      },
    }
    const logger = collectingLogger()
    await start({ blobs, logger })
    await settled(sent, 'sealed')
    expect(logger.lines.filter((line) => line.includes('storage_failed'))).toHaveLength(1)
    expect(sha256(await openWithVault(sent))).toBe(sent.sha256)
  })

  it('MB-13: seals and gives the receipt, and touches no media, while the sandbox is not proven', async () => {
    const sent = await sendUpload(storage, randomBytes(1000))
    await start({ sandboxProven: false })
    await clipIn(storage, sent.clipId, 'sealed')
    await settled(sent, 'sealed')
    const queue = createSqliteQueue(storage.catalogDb, { now: () => Date.now() })
    await stop()
    // The next step was queued and nobody took it; a worker with a sandbox does at once.
    expect((await queue.counts()).waiting).toBe(1)
    await start()
    await until('it is taken', async () => ((await queue.counts()).waiting === 0 ? true : undefined))
  })

  it('waits for a vault key, and goes on when there is one', async () => {
    await storage.intakeDb.deleteFrom('settings').where('key', '=', 'vault_recipient').execute()
    const sent = await sendUpload(storage, randomBytes(1000))
    await start()
    const queue = createSqliteQueue(storage.catalogDb, { now: () => Date.now() })
    await until('the job waits', async () =>
      (await queue.failing())[0]?.reason === 'vault_missing' ? true : undefined,
    )
    await storage.intakeDb
      .insertInto('settings')
      .values({ key: 'vault_recipient', value: storage.vault.recipient })
      .execute()
    await clipIn(storage, sent.clipId, 'sealed')
    expect(await queue.failing()).toEqual([])
  })

  it('ends with one readable original when two workers seal the same clip at once', async () => {
    const sent = await sendUpload(storage, randomBytes(2_000_000))
    let now = Date.now()
    const clock = { now: () => now }
    const others = [await openWorkerStorage(storage.root), await openWorkerStorage(storage.root)]
    const pipelines = others.map((opened) => {
      const queue = createSqliteQueue(opened.catalogDb, clock)
      return { queue, pipeline: createPipeline({ ...opened, queue, logger: collectingLogger() }) }
    })
    const [slow, fast] = pipelines
    if (slow === undefined || fast === undefined) throw new Error('two were made')
    await slow.pipeline.collectMail()
    const first = await slow.queue.claim(['seal'], 1000)
    now += 1000
    const second = await fast.queue.claim(['seal'], 1000)
    if (first === undefined || second === undefined) throw new Error('both claim it')
    expect(second.takenOver).toBe(true)

    const ends = await Promise.allSettled([
      slow.pipeline.run(first, new AbortController().signal),
      fast.pipeline.run(second, new AbortController().signal),
    ])
    expect(ends[0]).toMatchObject({ status: 'rejected', reason: { code: 'busy' } })
    expect(ends[1]).toMatchObject({ status: 'fulfilled' })
    expect(await findClip(storage.catalogDb, sent.clipId)).toMatchObject({
      state: 'sealed',
      original_sha256: sent.sha256,
    })
    expect(await objectsOnDisk(storage.root)).toEqual(await objectsInCatalog(storage.catalogDb))
    expect(await storage.keyringDb.selectFrom('processing_wraps').select('clip_id').execute()).toHaveLength(1)
    expect(sha256(await openWithVault(sent))).toBe(sent.sha256)
    expect(await fast.queue.claim(['seal'], 1000)).toBeUndefined()
    for (const opened of others) await opened.close()
  })

  it('enters an upload once however often its letter is read', async () => {
    const sent = await sendUpload(storage, randomBytes(1000))
    const queue = createSqliteQueue(storage.catalogDb, { now: () => Date.now() })
    const crashing = createPipeline({
      ...storage,
      queue,
      logger: collectingLogger(),
      checkpoint: (place) => {
        if (place === 'mail:recorded') throw new Error('killed between the two databases')
      },
    })
    for (let i = 0; i < 3; i++) await crashing.collectMail()
    expect(await storage.catalogDb.selectFrom('clips').select('id').execute()).toEqual([{ id: sent.clipId }])
    expect(await queue.counts()).toMatchObject({ waiting: 1 })
    await start()
    await clipIn(storage, sent.clipId, 'sealed')
    await storage.intakeDb.updateTable('outbox').set({ done: 0 }).execute()
    await until('the letter is read again', async () => {
      const [row] = await storage.intakeDb.selectFrom('outbox').select('done').execute()
      return row?.done === 1 ? true : undefined
    })
    expect(await findClip(storage.catalogDb, sent.clipId)).toMatchObject({ state: 'sealed' })
    expect(await queue.counts()).toMatchObject({ waiting: 0, running: 0 })
  })
})

function hasAge(): boolean {
  try {
    execFileSync('age', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
