import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clipBlob, findClip } from '../../src/catalog/clips.ts'
import { verifyClip } from '../../src/process/verify.ts'
import { smallClip } from '../support/small-clip.ts'
import {
  clipIn,
  makeWorkerStorage,
  objectsInCatalog,
  objectsOnDisk,
  sendUpload,
  until,
  type Sent,
  type WorkerStorage,
} from '../support/worker-storage.ts'

const PROGRAM = fileURLToPath(new URL('../support/worker-process.ts', import.meta.url))
const KINDS = ['master', 'proxy', 'poster', 'filmstrip', 'waveform'] as const
const LEASE_MS = '1000'

/** Every place where the worker may be gone from one moment to the next, in the order in which a clip meets them. */
const PLACES = [
  'mail:recorded',
  'seal:begun',
  'seal:stored-original',
  'seal:wrapped',
  'seal:verified',
  'seal:before-commit',
  'seal:after-commit',
  'inspect:begun',
  'inspect:before-commit',
  'inspect:after-commit',
  'sanitize:begun',
  'sanitize:stored-master',
  'sanitize:before-commit',
  'sanitize:after-commit',
  'derive:begun',
  'derive:stored-proxy',
  'derive:stored-waveform',
  'derive:before-commit',
  'derive:after-commit',
  'publish:begun',
  'publish:before-commit',
]

let storage: WorkerStorage
let reference: Sent
const running = new Set<ChildProcess>()

type Started = {
  readonly child: ChildProcess
  readonly ready: Promise<void>
  readonly gone: Promise<NodeJS.Signals | number | null>
}
const startWorker = (place = '-'): Started => {
  const child = spawn(process.execPath, [PROGRAM, storage.root, place, LEASE_MS], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  const ready = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('ready\n')) resolve()
    })
  })
  const gone = new Promise<NodeJS.Signals | number | null>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve(signal ?? code)
    })
  })
  return { child, ready, gone }
}
const stopWorker = async (worker: Started): Promise<void> => {
  await worker.ready
  worker.child.kill('SIGTERM')
  expect(await worker.gone).toBe(0)
}
const digests = async (sent: Sent): Promise<Record<string, string | undefined>> =>
  Object.fromEntries(
    await Promise.all(
      KINDS.map(
        async (kind) => [kind, (await clipBlob(storage.catalogDb, sent.clipId, kind))?.sha256] as const,
      ),
    ),
  )
/** The same clip as one that nothing ever happened to, and nothing beside it. */
const expectUnharmed = async (sent: Sent): Promise<void> => {
  const row = await findClip(storage.catalogDb, sent.clipId)
  const model = await findClip(storage.catalogDb, reference.clipId)
  expect(row).toMatchObject({ state: 'published', reason: null, original_sha256: sent.sha256 })
  expect(row?.media).toBe(model?.media)
  expect(row?.certificate).toBe(model?.certificate)
  expect(await digests(sent)).toEqual(await digests(reference))
  expect((await verifyClip(storage, sent.clipId)).ok).toBe(true)
  expect(
    await storage.catalogDb.selectFrom('clips').select('id').where('upload_id', '=', sent.uploadId).execute(),
  ).toHaveLength(1)
  expect(await storage.catalogDb.selectFrom('jobs').selectAll().execute()).toEqual([])
  // Upkeep runs at every start; one more start and nothing is left of the attempts that were cut short.
  const last = startWorker()
  await until('nothing is left over', async () => {
    const found = await objectsOnDisk(storage.root)
    return JSON.stringify(found) === JSON.stringify(await objectsInCatalog(storage.catalogDb))
      ? true
      : undefined
  })
  await until('quarantine is empty', async () =>
    (await readdir(`${storage.root}/quarantine`)).length === 0 ? true : undefined,
  )
  await stopWorker(last)
  expect(await readdir(`${storage.root}/scratch`)).toEqual(['worker.lock'])
  const wraps = await storage.keyringDb
    .selectFrom('processing_wraps')
    .selectAll()
    .where('clip_id', '=', sent.clipId)
    .execute()
  expect(wraps.map((row) => row.blob_key)).toEqual([
    (await clipBlob(storage.catalogDb, sent.clipId, 'original'))?.blob_key,
  ])
  const upload = await storage.intakeDb
    .selectFrom('uploads')
    .select('state')
    .where('id', '=', sent.uploadId)
    .executeTakeFirst()
  expect(upload).toEqual({ state: 'sealed' })
}

let clip: Buffer
beforeAll(async () => {
  storage = await makeWorkerStorage()
  clip = smallClip(4)
  reference = await sendUpload(storage, clip)
  const worker = startWorker()
  await clipIn(storage, reference.clipId, 'published')
  await stopWorker(worker)
})
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await storage.remove()
})

describe('A worker that is killed', () => {
  it('at every step in turn ends, after as many starts, in the same clip', { timeout: 240_000 }, async () => {
    const sent = await sendUpload(storage, clip)
    for (const place of PLACES) {
      const { child, gone } = startWorker(place)
      const end = await Promise.race([
        gone,
        until(`it dies at ${place}`, () => undefined, 45_000).catch((error: unknown) => error),
      ])
      if (end !== 'SIGKILL') child.kill('SIGKILL')
      expect(end, place).toBe('SIGKILL')
    }
    const worker = startWorker()
    await clipIn(storage, sent.clipId, 'published')
    await stopWorker(worker)
    await expectUnharmed(sent)
  })

  it(
    'in the middle of a program takes the program with it, and the clip is the same in the end',
    { timeout: 120_000 },
    async () => {
      const sent = await sendUpload(storage, clip)
      for (const state of ['sealed', 'inspected', 'sanitized'] as const) {
        const worker = startWorker()
        await until(`a program works on the ${state} clip`, async () => {
          const row = await findClip(storage.catalogDb, sent.clipId)
          return row?.state === state && programsOf(storage.root).length > 0 ? true : undefined
        })
        worker.child.kill('SIGKILL')
        expect(await worker.gone).toBe('SIGKILL')
        await until(
          'its programs are gone',
          () => (programsOf(storage.root).length === 0 ? true : undefined),
          5000,
        )
      }
      const worker = startWorker()
      await clipIn(storage, sent.clipId, 'published')
      await stopWorker(worker)
      await expectUnharmed(sent)
    },
  )

  it('leaves no sandbox behind that the next one would not end', async () => {
    // As bubblewrap is left when the worker dies before it asked to die with it.
    const inside = `${storage.root}/scratch`
    const stray = spawn('/usr/bin/bwrap', [
      '--unshare-pid',
      '--die-with-parent',
      '--dev-bind',
      '/',
      '/',
      '--bind',
      `${inside}/.`,
      '/mnt',
      '/bin/sleep',
      '600',
    ])
    const ended = new Promise((resolve) =>
      stray.once('close', (_code, signal) => {
        resolve(signal)
      }),
    )
    await until('it runs', () => (programsOf(inside).length > 0 ? true : undefined))
    const worker = startWorker()
    expect(await ended).toBe('SIGKILL')
    await stopWorker(worker)
  })
})

/** Command lines of running programs, other than workers, that name `text`. */
function programsOf(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })
    .filter((line) => line.includes(text) && !line.includes(PROGRAM))
}
