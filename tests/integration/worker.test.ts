import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  migrateCatalog,
  openCatalogDb,
  transact,
  type CatalogDb,
} from '../../src/adapters/database/database.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { Job, JobQueue } from '../../src/jobs/queue.ts'
import { createSqliteQueue } from '../../src/jobs/sqlite-queue.ts'
import { startWorker, type JobHandler, type Worker, type WorkerOptions } from '../../src/jobs/worker.ts'
import { collectingLogger, until } from '../support/worker-storage.ts'

let folder: string
let db: CatalogDb
let queue: JobQueue
let workers: Worker[]
const logger = collectingLogger()
const clock = { now: () => Date.now() }

beforeEach(async () => {
  folder = await mkdtemp(`${tmpdir()}/worker-loop-`)
  db = openCatalogDb(folder)
  await migrateCatalog(db)
  queue = createSqliteQueue(db, clock)
  workers = []
})
afterEach(async () => {
  for (const worker of workers) await worker.stop()
  await db.destroy()
  await rm(folder, { recursive: true, force: true })
})

const add = (subject: string, kind = 'work') => transact(db, (trx) => queue.enqueue(trx, { kind, subject }))
const start = (handler: Partial<JobHandler>, more: Partial<WorkerOptions> = {}): Worker => {
  const worker = startWorker({
    queue,
    catalogDb: db,
    handler: { run: () => Promise.resolve(), giveUp: () => Promise.resolve(), ...handler },
    slots: [['work']],
    errands: [],
    clock,
    logger,
    pollMs: 10,
    backOffMs: () => 5,
    ...more,
  })
  workers.push(worker)
  return worker
}
const empty = () =>
  until('the queue is empty', async () =>
    (await queue.counts()).waiting + (await queue.counts()).running === 0 ? true : undefined,
  )

describe('The worker', () => {
  it('does one job at a time in each slot, and slots side by side', async () => {
    for (const kind of ['work', 'other']) for (let i = 0; i < 5; i++) await add(`s${i}`, kind)
    const running = { work: 0, other: 0 }
    let most = 0
    let together = false
    start(
      {
        async run(job) {
          const kind = job.kind as 'work' | 'other'
          most = Math.max(most, ++running[kind])
          together ||= running.work > 0 && running.other > 0
          await sleep(5)
          running[kind]--
        },
      },
      { slots: [['work'], ['other']] },
    )
    await empty()
    expect(most).toBe(1)
    expect(together).toBe(true)
  })

  it('tries a fault three times, then sets the job aside and gives its subject up in one transaction', async () => {
    await add('a')
    await add('b')
    const tried: string[] = []
    const givenUp: string[] = []
    start({
      run(job) {
        tried.push(job.subject)
        return job.subject === 'a' ? Promise.reject(new AppError('tool_failed')) : Promise.resolve()
      },
      async giveUp(trx, job, error) {
        // The job is set aside in this very transaction.
        const row = await trx.selectFrom('jobs').select('state').where('id', '=', job.id).executeTakeFirst()
        givenUp.push(`${job.subject} ${error.code} ${row?.state ?? ''}`)
      },
    })
    await until('it is given up', () => (givenUp.length > 0 ? true : undefined))
    await empty()
    expect(tried.filter((subject) => subject === 'a')).toHaveLength(3)
    expect(tried).toContain('b')
    expect(givenUp).toEqual(['a tool_failed set_aside'])
    expect(await queue.failing()).toMatchObject([{ subject: 'a', state: 'set_aside', reason: 'tool_failed' }])
  })

  it('keeps of what was set aside no time that is finer than a day', async () => {
    await add('broken')
    start({ run: () => Promise.reject(new AppError('tool_failed')) })
    await until('it is set aside', async () => ((await queue.counts()).setAside === 1 ? true : undefined))
    const [row] = await db.selectFrom('jobs').selectAll().execute()
    expect(row).toMatchObject({ state: 'set_aside', leased_until: null })
    expect((row?.run_after ?? 1) % 86_400_000).toBe(0)
  })

  it('calls what is not one of our errors a bug', async () => {
    await add('a')
    const givenUp: string[] = []
    start({
      run: () => Promise.reject(new TypeError('undefined is not a function')),
      giveUp: (_trx, _job, error) => {
        givenUp.push(error.code)
        return Promise.resolve()
      },
    })
    await until('it is given up', () => (givenUp.length > 0 ? true : undefined))
    expect(givenUp).toEqual(['internal'])
  })

  it('waits without end for better times, and other jobs go on meanwhile', async () => {
    await add('full')
    await add('fine')
    let tries = 0
    const done: string[] = []
    start({
      run(job) {
        if (job.subject === 'full' && ++tries < 8) return Promise.reject(new AppError('disk_full'))
        done.push(job.subject)
        return Promise.resolve()
      },
    })
    await empty()
    expect(done).toEqual(['fine', 'full'])
    expect(await queue.failing()).toEqual([])
  })

  it('gives a job back when it stops, uncounted, and returns only when the work has ended', async () => {
    await add('a')
    let ended = false
    const begun = Promise.withResolvers<undefined>()
    const worker = start({
      async run(_job, signal) {
        begun.resolve(undefined)
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve)
        })
        await sleep(30)
        ended = true
        signal.throwIfAborted()
      },
    })
    await begun.promise
    await worker.stop()
    expect(ended).toBe(true)
    expect(await queue.claim(['work'], 1000)).toMatchObject({ subject: 'a', attempts: 1, takenOver: false })
  })

  it('stops at once while it waits', async () => {
    const worker = start(
      {},
      { pollMs: 60_000, errands: [{ name: 'rare', everyMs: 60_000, run: () => Promise.resolve(false) }] },
    )
    await sleep(30)
    const asked = performance.now()
    await worker.stop()
    expect(performance.now() - asked).toBeLessThan(1000)
  })

  it('keeps a job longer than its lease by renewing it', async () => {
    await add('a')
    let runs = 0
    const options = { leaseMs: 120 }
    const handler = {
      async run(): Promise<void> {
        runs++
        await sleep(500)
      },
    }
    start(handler, options)
    start(handler, options)
    await empty()
    expect(runs).toBe(1)
  })

  it('ends work whose lease another has taken over, and settles nothing of it', async () => {
    await add('a')
    const begun = Promise.withResolvers<Job>()
    const reason = Promise.withResolvers<unknown>()
    start(
      {
        async run(job, signal) {
          begun.resolve(job)
          await new Promise((resolve) => {
            signal.addEventListener('abort', resolve)
          })
          reason.resolve(signal.reason)
          signal.throwIfAborted()
        },
      },
      { leaseMs: 150 },
    )
    const job = await begun.promise
    // What another worker's claim does after this one was paused for longer than its lease.
    await db
      .updateTable('jobs')
      .set({ token: job.token + 1 })
      .where('id', '=', job.id)
      .execute()
    expect(await reason.promise).toMatchObject({ code: 'busy' })
    await sleep(30)
    expect(await queue.counts()).toMatchObject({ running: 1, waiting: 0, setAside: 0 })
  })

  it('sets aside what was running at ten deaths of its worker, and goes on with the rest', async () => {
    await add('poison')
    let now = Date.now()
    const dying = createSqliteQueue(db, { now: () => now })
    for (let death = 0; death < 10; death++) {
      expect(await dying.claim(['work'], 1000)).toMatchObject({ attempts: death + 1 })
      now += 1000
    }
    await add('fine')
    const ran: string[] = []
    start(
      {
        run(job) {
          ran.push(job.subject)
          return Promise.resolve()
        },
      },
      {
        queue: createSqliteQueue(db, { now: () => Date.now() + 60_000 }),
        clock: { now: () => Date.now() + 60_000 },
      },
    )
    await empty()
    expect(ran).toEqual(['fine'])
    expect(await queue.failing()).toMatchObject([
      { subject: 'poison', state: 'set_aside', reason: 'tool_failed' },
    ])
  })

  it('outlives errands that fail and a database that does not answer', async () => {
    let errands = 0
    let claims = 0
    const flaky: JobQueue = {
      ...queue,
      claim: (kinds, leaseMs) =>
        ++claims < 2 ? Promise.reject(new Error('disk I/O error')) : queue.claim(kinds, leaseMs),
    }
    await add('a')
    start(
      {},
      {
        queue: flaky,
        errands: [{ name: 'bad', everyMs: 5, run: () => Promise.reject(new Error(`no ${++errands}`)) }],
      },
    )
    await empty()
    await until('errands go on', () => (errands > 3 ? true : undefined))
  })
})
