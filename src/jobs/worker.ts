/**
 * Claims jobs, runs them under a renewed lease, and settles what came of them; drains on stop.
 *
 * It does not know the work: a handler is handed to it. A job that was done is completed by its handler, in the
 * transaction of its outcome; the worker settles only what went wrong.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { transact, type CatalogDb } from '../adapters/database/database.ts'
import type { Logger } from '../adapters/logger.ts'
import type { Clock } from '../domain/clock.ts'
import { AppError } from '../domain/errors.ts'
import type { Job, JobQueue } from './queue.ts'

/** What a job means. */
export type JobHandler = {
  /**
   * Does the work and completes the job in the transaction of the outcome; a job that has nothing to do may be left
   * as it is. Ends soon after `signal` is aborted.
   */
  run(job: Job, signal: AbortSignal): Promise<void>
  /** Marks the job's subject as stuck, in the transaction that sets the job aside. */
  giveUp(trx: CatalogDb, job: Job, error: AppError): Promise<void>
}

/** Something small that is done again and again beside the jobs: emptying the outbox, upkeep. */
export type Errand = {
  readonly name: string
  readonly everyMs: number
  /** Returns true when it made work for the queue. */
  run(): Promise<boolean>
}

export type WorkerOptions = {
  readonly queue: JobQueue
  readonly catalogDb: CatalogDb
  readonly handler: JobHandler
  /** One job at a time for each slot; inside a slot kinds that stand further ahead come first. */
  readonly slots: readonly (readonly string[])[]
  readonly errands: readonly Errand[]
  readonly clock: Clock
  readonly logger: Logger
  /** How long a killed worker's job waits for the next one. */
  readonly leaseMs?: number
  readonly pollMs?: number
  /** Milliseconds before the next try after `attempts` failed ones. */
  readonly backOffMs?: (attempts: number) => number
}

export type Worker = {
  /** Gives back what is being worked on, ends its tools and returns when nothing runs any more. */
  stop(): Promise<void>
}

const LEASE_MS = 15_000
const POLL_MS = 500
/** A fault that stays through three tries will not go away by itself. */
const MAX_ATTEMPTS = 3
/** A job that was running at so many deaths of its worker is likelier to be the killer than ten power cuts are. */
const MAX_DEATHS = 10
const FIRST_BACK_OFF_MS = 2_000
const LONGEST_BACK_OFF_MS = 300_000

const backOff = (attempts: number): number =>
  Math.min(FIRST_BACK_OFF_MS * 2 ** Math.min(attempts - 1, 20), LONGEST_BACK_OFF_MS)

/** Starts working. Returns at once; errors of jobs and of the database are logged and outlived. */
export function startWorker(options: WorkerOptions): Worker {
  const { queue, logger, pollMs = POLL_MS } = options
  const stopping = new AbortController()
  let wake = Promise.withResolvers<undefined>()
  const nudge = (): void => {
    wake.resolve(undefined)
    wake = Promise.withResolvers()
  }
  /** Until there may be something to do: a nudge, the time, or the end. */
  const pause = async (ms: number): Promise<void> => {
    const awake = new AbortController()
    try {
      await Promise.race([
        wake.promise,
        sleep(ms, undefined, { signal: AbortSignal.any([stopping.signal, awake.signal]) }),
      ])
    } catch {
      // Stopping: the loop looks for itself.
    } finally {
      awake.abort()
    }
  }

  const workOn = async (kinds: readonly string[]): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const job = await queue.claim(kinds, options.leaseMs ?? LEASE_MS)
        if (job === undefined) {
          await pause(pollMs)
          continue
        }
        await perform(options, job, stopping.signal)
        nudge()
      } catch (error) {
        // The database does not answer, or a job could not be settled: its lease runs out and it comes back.
        logger.error('the queue can not be used', error)
        await pause(Math.max(pollMs, 1_000))
      }
    }
  }

  const keepDoing = async (errand: Errand): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        if (await errand.run()) nudge()
      } catch (error) {
        logger.error('an errand failed', error, { step: errand.name })
      }
      await sleep(errand.everyMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  const loops = [...options.slots.map(workOn), ...options.errands.map(keepDoing)]
  return {
    async stop() {
      stopping.abort()
      await Promise.all(loops)
    },
  }
}

async function perform(options: WorkerOptions, job: Job, stopping: AbortSignal): Promise<void> {
  const { queue, handler, logger, clock } = options
  const started = clock.now()
  const lease = holdLease(options, job, stopping)
  const fields = { clip: job.subject, job: job.id, step: job.kind }
  try {
    if (job.takenOver && job.attempts > MAX_DEATHS)
      throw new AppError('tool_failed', { details: { reason: 'worker_died' } })
    await handler.run(job, lease.signal)
    await queue.complete(job)
    logger.info('job done', { ...fields, durationMs: clock.now() - started })
  } catch (thrown) {
    if (lease.lost()) {
      logger.warn('job lost to another worker', fields)
    } else if (stopping.aborted) {
      await queue.release(job)
    } else {
      await settleFailure(options, job, thrown)
    }
  } finally {
    lease.end()
  }
}

async function settleFailure(options: WorkerOptions, job: Job, thrown: unknown): Promise<void> {
  const { queue, handler, logger, clock } = options
  const error = thrown instanceof AppError ? thrown : new AppError('internal', { cause: thrown })
  const fields = { clip: job.subject, job: job.id, step: job.kind, code: error.code, count: job.attempts }
  if (error.retryable) logger.warn('job waits for better times', fields)
  else logger.error('job failed', thrown, fields)
  if (!error.retryable && job.attempts >= MAX_ATTEMPTS) {
    await transact(options.catalogDb, async (trx) => {
      if (await queue.setAside(job, error.code, trx)) await handler.giveUp(trx, job, error)
    })
    return
  }
  await queue.retry(job, clock.now() + (options.backOffMs ?? backOff)(job.attempts), error.code)
}

/** Renews a job's lease until `end`; `signal` is aborted when the worker stops and when the lease is lost. */
function holdLease(
  { queue, leaseMs = LEASE_MS }: WorkerOptions,
  job: Job,
  stopping: AbortSignal,
): { signal: AbortSignal; lost(): boolean; end(): void } {
  const losing = new AbortController()
  // Monotonic: a clock that is set back must not make a lease look longer than it is.
  let heldUntil = performance.now() + leaseMs
  const renew = async (): Promise<void> => {
    const asked = performance.now()
    try {
      if (await queue.renew(job, leaseMs)) heldUntil = asked + leaseMs
      else losing.abort(new AppError('busy'))
    } catch {
      // A busy database is asked again; only a lease that ran out is lost.
      if (performance.now() > heldUntil) losing.abort(new AppError('busy'))
    }
  }
  const timer = setInterval(() => void renew(), Math.ceil(leaseMs / 3))
  return {
    signal: AbortSignal.any([stopping, losing.signal]),
    lost: () => losing.signal.aborted,
    end: () => {
      clearInterval(timer)
    },
  }
}
