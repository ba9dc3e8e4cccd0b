import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  migrateCatalog,
  openCatalogDb,
  transact,
  type CatalogDb,
} from '../../src/adapters/database/database.ts'
import type { Job, JobQueue } from '../../src/jobs/queue.ts'
import { createSqliteQueue } from '../../src/jobs/sqlite-queue.ts'

type Rig = {
  readonly db: CatalogDb
  readonly clock: { now(): number; advance(ms: number): void }
  /** A queue as another process would open it: on a connection of its own. */
  open(): JobQueue
  close(): Promise<void>
}

function manualClock(start = 1_800_000_000_000): Rig['clock'] {
  let now = start
  return {
    now: () => now,
    advance(ms) {
      now += ms
    },
  }
}

/** What every queue promises. */
function queueSuite(name: string, makeRig: () => Promise<Rig>): void {
  describe(name, () => {
    let rig: Rig
    let queue: JobQueue
    beforeEach(async () => {
      rig = await makeRig()
      queue = rig.open()
    })
    afterEach(async () => rig.close())

    const add = (subject: string, more: { kind?: string; lane?: string; runAfter?: number } = {}) =>
      transact(rig.db, (trx) => queue.enqueue(trx, { kind: 'work', subject, ...more }))
    const claim = async (from = queue): Promise<Job> => {
      const job = await from.claim(['work'], 1000)
      if (job === undefined) throw new Error('nothing to claim')
      return job
    }

    it('hands out what was enqueued, once', async () => {
      await add('a')
      expect(await claim()).toMatchObject({ kind: 'work', subject: 'a', attempts: 1, takenOver: false })
      expect(await queue.claim(['work'], 1000)).toBeUndefined()
    })

    it('enqueues exactly when the transaction around it is committed', async () => {
      await expect(
        transact(rig.db, async (trx) => {
          await queue.enqueue(trx, { kind: 'work', subject: 'a' })
          throw new Error('changed my mind')
        }),
      ).rejects.toThrow('changed my mind')
      expect(await queue.claim(['work'], 1000)).toBeUndefined()
    })

    it('keeps one unfinished job a kind and subject', async () => {
      await add('a')
      await add('a')
      await add('a', { kind: 'other' })
      const job = await claim()
      await add('a')
      expect(await queue.claim(['work'], 1000)).toBeUndefined()
      await queue.complete(job)
      await add('a')
      expect((await claim()).subject).toBe('a')
      expect(await queue.claim(['other'], 1000)).toMatchObject({ kind: 'other' })
    })

    it('hands out only the kinds that were asked for, those further ahead first', async () => {
      await add('a', { kind: 'last' })
      await add('b', { kind: 'first' })
      await add('c', { kind: 'never' })
      expect(await queue.claim(['first', 'last'], 1000)).toMatchObject({ kind: 'first' })
      expect(await queue.claim(['first', 'last'], 1000)).toMatchObject({ kind: 'last' })
      expect(await queue.claim(['first', 'last'], 1000)).toBeUndefined()
    })

    it('does not hand out a job before its time', async () => {
      await add('a', { runAfter: rig.clock.now() + 500 })
      expect(await queue.claim(['work'], 1000)).toBeUndefined()
      rig.clock.advance(500)
      expect((await claim()).subject).toBe('a')
    })

    it('gives every job to exactly one of two claimers that race', async () => {
      const other = rig.open()
      for (let i = 0; i < 40; i++) await add(`s${i}`, { lane: `l${i % 3}` })
      const drain = async (from: JobQueue): Promise<string[]> => {
        const subjects: string[] = []
        for (;;) {
          const job = await from.claim(['work'], 60_000)
          if (job === undefined) return subjects
          subjects.push(job.subject)
        }
      }
      const [mine, theirs] = await Promise.all([drain(queue), drain(other)])
      expect(new Set([...mine, ...theirs]).size).toBe(40)
      expect(mine.length + theirs.length).toBe(40)
      expect(mine.length).toBeGreaterThan(0)
      expect(theirs.length).toBeGreaterThan(0)
    })

    it('hands a job on when its lease is over, and the old claimer can settle nothing', async () => {
      await add('a')
      const old = await claim()
      rig.clock.advance(999)
      expect(await queue.claim(['work'], 1000)).toBeUndefined()
      rig.clock.advance(1)
      const taken = await claim(rig.open())
      expect(taken).toMatchObject({ id: old.id, attempts: 2, takenOver: true })
      expect(taken.token).toBeGreaterThan(old.token)

      expect(await queue.renew(old, 1000)).toBe(false)
      expect(await queue.complete(old)).toBe(false)
      expect(await queue.retry(old, 0, 'internal')).toBe(false)
      expect(await queue.release(old)).toBe(false)
      expect(await queue.setAside(old, 'internal')).toBe(false)
      expect(await queue.counts()).toMatchObject({ running: 1, waiting: 0, setAside: 0 })
      expect(await queue.complete(taken)).toBe(true)
    })

    it('holds a job as long as its lease is renewed', async () => {
      await add('a')
      const job = await claim()
      for (let i = 0; i < 5; i++) {
        rig.clock.advance(800)
        expect(await queue.renew(job, 1000)).toBe(true)
        expect(await queue.claim(['work'], 1000)).toBeUndefined()
      }
    })

    it('completes in the transaction of the outcome, or not at all', async () => {
      await add('a')
      const job = await claim()
      await expect(
        transact(rig.db, async (trx) => {
          expect(await queue.complete(job, trx)).toBe(true)
          throw new Error('the outcome failed')
        }),
      ).rejects.toThrow('the outcome failed')
      expect(await queue.renew(job, 1000)).toBe(true)
      expect(await queue.complete(job)).toBe(true)
      expect(await queue.complete(job)).toBe(false)
    })

    it('brings a retried job back at its time, with its attempts counted and its reason shown', async () => {
      await add('a')
      await queue.retry(await claim(), rig.clock.now() + 100, 'disk_full')
      expect(await queue.claim(['work'], 1000)).toBeUndefined()
      expect(await queue.failing()).toMatchObject([{ subject: 'a', state: 'retrying', reason: 'disk_full' }])
      rig.clock.advance(100)
      expect(await claim()).toMatchObject({ attempts: 2, takenOver: false })
    })

    it('forgets a claim that was released', async () => {
      await add('a')
      await queue.release(await claim())
      expect(await claim()).toMatchObject({ attempts: 1, takenOver: false })
    })

    it('keeps what was set aside until a person retries it', async () => {
      await add('a')
      const job = await claim()
      await queue.setAside(job, 'tool_failed')
      rig.clock.advance(1_000_000_000)
      expect(await queue.claim(['work'], 1000)).toBeUndefined()
      expect(await queue.failing()).toEqual([
        { id: job.id, kind: 'work', subject: 'a', attempts: 1, state: 'set_aside', reason: 'tool_failed' },
      ])
      expect(await queue.retryNow(job.id)).toMatchObject({ subject: 'a', state: 'set_aside' })
      expect(await queue.retryNow(job.id)).toBeUndefined()
      expect(await queue.failing()).toEqual([])
      expect(await claim()).toMatchObject({ id: job.id, attempts: 1 })
    })

    it('replaces a job that was set aside when the same one is enqueued again', async () => {
      await add('a')
      await queue.setAside(await claim(), 'tool_failed')
      await add('a')
      expect(await queue.failing()).toEqual([])
      expect(await claim()).toMatchObject({ subject: 'a', attempts: 1 })
    })

    it('serves lanes in turn: one clip of one person does not wait behind the hundred of another', async () => {
      for (let i = 0; i < 100; i++) await add(`many${i}`, { lane: 'many' })
      await claim()
      rig.clock.advance(10)
      await add('one', { lane: 'one' })
      const next = [await claim(), await claim(), await claim()].map((job) => job.subject)
      expect(next.slice(0, 2)).toContain('one')
    })

    it('serves lanes in turn while somebody else asks for kinds of which there are none', async () => {
      for (let i = 0; i < 6; i++) {
        await add(`many${i}`, { lane: 'many' })
        await add(`more${i}`, { lane: 'more' })
      }
      const order: string[] = []
      for (let i = 0; i < 12; i++) {
        expect(await queue.claim(['nothing'], 1000)).toBeUndefined()
        order.push((await claim()).subject.slice(0, 4))
      }
      for (let i = 1; i < 12; i++) expect(order[i], order.join()).not.toBe(order[i - 1])
    })

    it('counts what waits, runs and was set aside', async () => {
      for (const subject of ['a', 'b', 'c', 'd']) await add(subject)
      await add('later', { runAfter: rig.clock.now() + 5000 })
      rig.clock.advance(200)
      await claim()
      await queue.setAside(await claim(), 'internal')
      expect(await queue.counts()).toEqual({ waiting: 3, running: 1, setAside: 1, oldestWaitingMs: 200 })
      expect(await rig.open().counts()).toEqual(await queue.counts())
    })
  })
}

queueSuite('The queue on SQLite', async () => {
  const folder = await mkdtemp(`${tmpdir()}/queue-`)
  const opened: CatalogDb[] = []
  const connect = (): CatalogDb => {
    const db = openCatalogDb(folder)
    opened.push(db)
    return db
  }
  const db = connect()
  await migrateCatalog(db)
  const clock = manualClock()
  return {
    db,
    clock,
    open: () => createSqliteQueue(connect(), clock),
    async close() {
      for (const one of opened) await one.destroy()
      await rm(folder, { recursive: true, force: true })
    },
  }
})
