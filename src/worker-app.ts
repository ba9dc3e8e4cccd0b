/** The worker on one screen: what it clears away at its start, the work it takes, and what it does beside. */
import { waitForLock } from './adapters/database/lock.ts'
import { emptyScratch } from './adapters/tools/scratch.ts'
import { endStrays } from './adapters/tools/strays.ts'
import type { Clock } from './domain/clock.ts'
import { createSqliteQueue } from './jobs/sqlite-queue.ts'
import {
  clearQuarantine,
  dropStrayWraps,
  dropWraps,
  forgetUploads,
  nudgeForgottenClips,
  removeOrphans,
  settleUploads,
} from './jobs/upkeep.ts'
import { startWorker, type Errand, type Worker, type WorkerOptions } from './jobs/worker.ts'
import {
  clipOfObject,
  createPipeline,
  HELD_STATE,
  SLOTS,
  SLOTS_WITHOUT_MEDIA,
  STEP_AFTER,
} from './process/pipeline.ts'
import type { StepDeps } from './process/step.ts'

/** A letter waits this long at most before its clip is on the board. */
const MAIL_EVERY_MS = 500
/** How soon a clip goes on after its contributor is no longer paused, or after its job was lost. */
const NUDGE_EVERY_MS = 15_000
const UPKEEP_EVERY_MS = 600_000
/** Long enough to look at a refused clip again. */
const WINDOW_DAYS = 1

export type WorkerAppDeps = StepDeps & {
  readonly clock: Clock
  /**
   * Did the sandbox prove itself at this start? Where it did not, no media is touched. Sealing parses nothing and goes
   * on: a contributor who waits for the receipt would keep the clip on the phone meanwhile.
   */
  readonly sandboxProven: boolean
  /** Whole days after *published* or *refused* for which an original may still be opened. */
  readonly processingWindowDays?: number
  /** How long another worker may take to be gone. */
  readonly lockWaitMs?: number
} & Partial<Pick<WorkerOptions, 'leaseMs' | 'pollMs' | 'backOffMs'>>

/**
 * Starts the one worker of an installation: half-written objects and scratch files of the last one are removed first.
 * Errors: `storage_in_use` where another one goes on working.
 */
export async function startWorkerApp(deps: WorkerAppDeps): Promise<Worker> {
  const { intakeDb, keyringDb, catalogDb, segments, blobs, clock, logger } = deps
  if (!deps.sandboxProven)
    logger.warn('the sandbox is not proven: clips are sealed and wait', { code: 'sandbox_unproven' })
  const { scratchRoot } = deps.tools
  const lock = await waitForLock(`${scratchRoot}/worker.lock`, deps.lockWaitMs)
  await endStrays(scratchRoot)
  await emptyScratch(scratchRoot)
  await blobs.removeUnfinished()

  const queue = createSqliteQueue(catalogDb, clock)
  const pipeline = createPipeline({ ...deps, queue })
  const errands: Errand[] = [
    { name: 'mail', everyMs: MAIL_EVERY_MS, run: () => pipeline.collectMail() },
    {
      name: 'nudge',
      everyMs: NUDGE_EVERY_MS,
      run: async () => (await nudgeForgottenClips(catalogDb, queue, STEP_AFTER, HELD_STATE)) > 0,
    },
    {
      name: 'upkeep',
      everyMs: UPKEEP_EVERY_MS,
      run: async () => {
        await settleUploads(intakeDb, catalogDb)
        await clearQuarantine(intakeDb, catalogDb, segments)
        await forgetUploads(intakeDb, segments, clock.now())
        await dropStrayWraps(keyringDb, catalogDb)
        await dropWraps(keyringDb, catalogDb, clock.now(), deps.processingWindowDays ?? WINDOW_DAYS)
        await removeOrphans(catalogDb, blobs, clipOfObject)
        return false
      },
    },
  ]
  const slots = deps.sandboxProven ? SLOTS : SLOTS_WITHOUT_MEDIA
  const worker = startWorker({ ...deps, queue, handler: pipeline, slots, errands })
  return {
    async stop() {
      await worker.stop()
      lock.release()
    },
  }
}
