/**
 * The queue as a table of leases in `catalog.db`.
 *
 * Each claim raises the job's fencing token, and every later statement names it: whoever was too slow changes nothing.
 */
import { sql } from 'kysely'
import { transact, type CatalogDb } from '../adapters/database/database.ts'
import { newId } from '../adapters/ids.ts'
import type { Clock } from '../domain/clock.ts'
import type { FailingJob, Job, JobQueue } from './queue.ts'

const DAY_MS = 86_400_000

/** Makes the queue on `db`. Turns of lanes are kept in memory: after a restart they begin anew. */
export function createSqliteQueue(db: CatalogDb, clock: Clock): JobQueue {
  /** When each lane was last served, as a count of claims. As many entries as there are contributors. */
  const served = new Map<string, number>()
  let claims = 0

  const held = (on: CatalogDb, job: Job) =>
    on
      .updateTable('jobs')
      .where('id', '=', job.id)
      .where('token', '=', job.token)
      .where('state', '=', 'leased')

  /** Takes `lane`'s next job if nobody was faster: the token is raised only from the value that was read. */
  const take = async (kinds: readonly string[], leaseMs: number, lane: string): Promise<Job | undefined> => {
    const now = clock.now()
    const next = await db
      .selectFrom('jobs')
      .select(['id', 'kind', 'subject', 'attempts', 'token', 'state'])
      .where('lane', '=', lane)
      .where('kind', 'in', kinds)
      .where(due(now))
      .orderBy(priority(kinds))
      .orderBy('run_after')
      .orderBy('id')
      .limit(1)
      .executeTakeFirst()
    if (next === undefined) return undefined
    const { state, ...row } = next
    const job: Job = {
      ...row,
      attempts: row.attempts + 1,
      token: row.token + 1,
      takenOver: state === 'leased',
    }
    const taken = await db
      .updateTable('jobs')
      .set({ state: 'leased', leased_until: now + leaseMs, token: job.token, attempts: job.attempts })
      .where('id', '=', job.id)
      .where('token', '=', row.token)
      .where(due(now))
      .executeTakeFirst()
    return taken.numUpdatedRows === 1n ? job : undefined
  }

  const queue: JobQueue = {
    async enqueue(trx, job) {
      await trx
        .deleteFrom('jobs')
        .where('kind', '=', job.kind)
        .where('subject', '=', job.subject)
        .where('state', '=', 'set_aside')
        .execute()
      await trx
        .insertInto('jobs')
        .values({
          id: newId('job'),
          kind: job.kind,
          subject: job.subject,
          lane: job.lane ?? '',
          state: 'ready',
          attempts: 0,
          run_after: job.runAfter ?? clock.now(),
          leased_until: null,
          token: 0,
          reason: null,
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async claim(kinds, leaseMs) {
      if (kinds.length === 0) return undefined
      // Another claimer may empty the chosen lane in between: then the lanes are looked at again.
      for (;;) {
        const { rows } = await sql<{ lane: string }>`SELECT DISTINCT lane FROM jobs
          WHERE kind IN (${sql.join(kinds)}) AND ${due(clock.now())}`.execute(db)
        const lane = rows
          .map((row) => row.lane)
          .sort((a, b) => (served.get(a) ?? 0) - (served.get(b) ?? 0))
          .at(0)
        if (lane === undefined) return undefined
        const job = await take(kinds, leaseMs, lane)
        if (job === undefined) continue
        served.set(lane, ++claims)
        return job
      }
    },

    async renew(job, leaseMs) {
      const result = await held(db, job)
        .set({ leased_until: clock.now() + leaseMs })
        .executeTakeFirst()
      return result.numUpdatedRows === 1n
    },

    async complete(job, trx = db) {
      const result = await trx
        .deleteFrom('jobs')
        .where('id', '=', job.id)
        .where('token', '=', job.token)
        .where('state', '=', 'leased')
        .executeTakeFirst()
      return result.numDeletedRows === 1n
    },

    async retry(job, runAfter, reason) {
      const result = await held(db, job)
        .set({ state: 'ready', leased_until: null, run_after: runAfter, reason })
        .executeTakeFirst()
      return result.numUpdatedRows === 1n
    },

    async release(job) {
      const result = await held(db, job)
        .set({ state: 'ready', leased_until: null, attempts: sql<number>`attempts - 1` })
        .executeTakeFirst()
      return result.numUpdatedRows === 1n
    },

    async setAside(job, reason, trx = db) {
      // It waits for a person, for weeks perhaps, and the time beside its lane would say when who had sent something.
      const today = clock.now() - (clock.now() % DAY_MS)
      const result = await held(trx, job)
        .set({ state: 'set_aside', leased_until: null, run_after: today, reason })
        .executeTakeFirst()
      return result.numUpdatedRows === 1n
    },

    async counts() {
      const now = clock.now()
      const { rows } = await sql<{ state: string; count: number; oldest: number }>`
        SELECT CASE WHEN ${due(now)} THEN 'due' ELSE state END AS state, count(*) AS count, min(run_after) AS oldest
        FROM jobs GROUP BY 1`.execute(db)
      const of = (state: string) => rows.find((row) => row.state === state)
      return {
        waiting: (of('due')?.count ?? 0) + (of('ready')?.count ?? 0),
        running: of('leased')?.count ?? 0,
        setAside: of('set_aside')?.count ?? 0,
        oldestWaitingMs: Math.max(0, now - (of('due')?.oldest ?? now)),
      }
    },

    async failing() {
      const rows = await db
        .selectFrom('jobs')
        .select(['id', 'kind', 'subject', 'attempts', 'state', 'reason'])
        .where('reason', 'is not', null)
        .orderBy(sql`state = 'set_aside'`, 'desc')
        .orderBy('run_after')
        .orderBy('id')
        .limit(500)
        .execute()
      return rows.map(failingJob)
    },

    async retryNow(id, trx) {
      if (trx === undefined) return transact(db, (inner) => queue.retryNow(id, inner))
      const row = await trx
        .selectFrom('jobs')
        .select(['id', 'kind', 'subject', 'attempts', 'state', 'reason'])
        .where('id', '=', id)
        .where('state', 'in', ['set_aside', 'ready'])
        .where('reason', 'is not', null)
        .executeTakeFirst()
      if (row === undefined) return undefined
      await trx
        .updateTable('jobs')
        .set({ state: 'ready', attempts: 0, run_after: clock.now(), reason: null })
        .where('id', '=', id)
        .execute()
      return failingJob(row)
    },
  }
  return queue
}

/** Waiting and due, or held by somebody whose lease is over. */
const due = (now: number) =>
  sql<boolean>`((state = 'ready' AND run_after <= ${now}) OR (state = 'leased' AND leased_until <= ${now}))`

const priority = (kinds: readonly string[]) =>
  sql`CASE kind ${sql.join(
    kinds.map((kind, rank) => sql`WHEN ${kind} THEN ${rank}`),
    sql` `,
  )} END`

function failingJob(row: {
  id: FailingJob['id']
  kind: string
  subject: string
  attempts: number
  state: string
  reason: string | null
}): FailingJob {
  return {
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    attempts: row.attempts,
    state: row.state === 'set_aside' ? 'set_aside' : 'retrying',
    reason: row.reason ?? 'internal',
  }
}
