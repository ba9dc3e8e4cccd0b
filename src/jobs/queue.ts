/**
 * The port to the queue. A job is a nudge to look at something; the thing's own state is the truth.
 *
 * Promises every queue keeps (tests/conformance/queue.test.ts): a job enqueued in a transaction is there exactly when
 * the transaction is; a job is held by one claimer at a time, and after its lease is over by the next; who lost a job
 * can no longer settle it; lanes are served in turn.
 */
import type { CatalogDb } from '../adapters/database/database.ts'
import type { JobId } from '../domain/clip.ts'
import type { ErrorCode } from '../domain/errors.ts'

/** A claimed job. Its `token` is what later calls are checked against. */
export type Job = {
  readonly id: JobId
  readonly kind: string
  readonly subject: string
  /** How often it was claimed, this time included; claims that were released do not count. */
  readonly attempts: number
  readonly token: number
  /** The claimer before went away without a word: it was killed, or the power went. */
  readonly takenOver: boolean
}

export type FailingJob = {
  readonly id: JobId
  readonly kind: string
  readonly subject: string
  readonly attempts: number
  /** `retrying` waits for its next turn by itself; `set_aside` waits for a person. */
  readonly state: 'retrying' | 'set_aside'
  readonly reason: string
}

export type QueueCounts = {
  readonly waiting: number
  readonly running: number
  readonly setAside: number
  /** How long the longest waiting job could have run already; 0 where none waits. */
  readonly oldestWaitingMs: number
}

export interface JobQueue {
  /**
   * Adds a job in the caller's transaction; does nothing while one of the same kind and subject waits or runs.
   * A job of the same kind and subject that was set aside is replaced.
   */
  enqueue(
    trx: CatalogDb,
    job: {
      readonly kind: string
      readonly subject: string
      /** Whose turn it takes; jobs without one share a lane. */
      readonly lane?: string
      /** UTC ms before which it is not claimed; now where left out. */
      readonly runAfter?: number
    },
  ): Promise<void>
  /**
   * Takes the next job that is due, for `leaseMs`, or undefined. Lanes come in turn; inside a lane `kinds` that stand
   * further ahead come first.
   */
  claim(kinds: readonly string[], leaseMs: number): Promise<Job | undefined>
  /** Holds on to a job for `leaseMs` from now; false where it is lost, and then its work must end. */
  renew(job: Job, leaseMs: number): Promise<boolean>
  /** Finishes a job, in the caller's transaction where given; false where it is lost. */
  complete(job: Job, trx?: CatalogDb): Promise<boolean>
  /** Gives a job back to be claimed from `runAfter` on (UTC ms); false where it is lost. */
  retry(job: Job, runAfter: number, reason: ErrorCode): Promise<boolean>
  /** Gives a job back as if it had not been claimed; false where it is lost. */
  release(job: Job): Promise<boolean>
  /** Keeps a job for a person to look at; false where it is lost. */
  setAside(job: Job, reason: ErrorCode, trx?: CatalogDb): Promise<boolean>
  counts(): Promise<QueueCounts>
  /** What did not work so far, set aside first. */
  failing(): Promise<readonly FailingJob[]>
  /**
   * Makes a failing job due now, with its attempts forgotten, and returns it; undefined where there is none of that id
   * that is failing.
   */
  retryNow(id: JobId, trx?: CatalogDb): Promise<FailingJob | undefined>
}
