/**
 * The five steps in order. Each looks at a clip in the state it needs, and its outcome, the clip's next state, the end
 * of its job and the next job are one transaction of the catalogue.
 */
import { randomBytes } from 'node:crypto'
import { parseBlobKey, type BlobArea, type BlobKey } from '../adapters/blobs/blob-store.ts'
import { transact, type CatalogDb } from '../adapters/database/database.ts'
import type { BlobKind } from '../adapters/database/schema.ts'
import { addClipBlob, clipBlob, findClip, moveClip, type ClipRow } from '../catalog/clips.ts'
import { parseId, type ClipId, type ClipState, type JobId } from '../domain/clip.ts'
import { AppError, isRefusal } from '../domain/errors.ts'
import type { Job, JobQueue } from '../jobs/queue.ts'
import { collectMail, settleUpload } from './intake-mail.ts'
import { forgetFileKey } from './keyring.ts'
import type { Step, StepDeps, StepOutcome, StepRun, StoredObject } from './step.ts'
import { seal } from './steps/1-seal.ts'
import { inspect } from './steps/2-inspect.ts'
import { sanitize } from './steps/3-sanitize.ts'
import { derive } from './steps/4-derive.ts'
import { publish } from './steps/5-publish.ts'

const STEPS: readonly Step[] = [seal, inspect, sanitize, derive, publish]

/** The state from which a paused contributor's clip goes no further: received and sealed, and held unseen. */
export const HELD_STATE: ClipState = 'sealed'
/** The kind of job that each state waits for. */
export const STEP_AFTER: ReadonlyMap<ClipState, string> = new Map(
  STEPS.map((step) => [step.needs, step.kind]),
)
/**
 * What a worker does side by side: somebody is waiting for the receipt of a seal and must not wait for a stranger's
 * transcoding. Of the rest, what is nearest to its end comes first.
 */
export const SLOTS: readonly (readonly string[])[] = [['seal'], ['publish', 'derive', 'sanitize', 'inspect']]
/** Of those the ones that parse no media, and need no sandbox. */
export const SLOTS_WITHOUT_MEDIA: readonly (readonly string[])[] = [['seal']]

/** Less than this, and what failed is likely to have failed for want of room. */
const NEARLY_FULL_BYTES = 32 * 1_048_576
const DETAIL_LENGTH = 300

export type PipelineDeps = StepDeps & { readonly queue: JobQueue }

/** What the worker is handed: how to do a job, how to give one up, and where new work comes from. */
export type Pipeline = {
  run(job: Job, signal: AbortSignal): Promise<void>
  giveUp(trx: CatalogDb, job: Job, error: AppError): Promise<void>
  /** Enters what intake has completed; true when there was something. */
  collectMail(): Promise<boolean>
}

/** Builds the pipeline on its collaborators. */
export function createPipeline(deps: PipelineDeps): Pipeline {
  return {
    async run(job, signal) {
      const step = STEPS.find((candidate) => candidate.kind === job.kind)
      const clip = await findClip(deps.catalogDb, clipIdOf(job))
      // The state is the truth: whatever else the clip is by now, this job has nothing to do with it.
      if (step === undefined || clip?.state !== step.needs) return
      if (clip.state === HELD_STATE && (await isPaused(deps.catalogDb, clip))) return
      await runStep(deps, step, clip, job, signal)
    },

    async giveUp(trx, job, error) {
      const step = STEPS.find((candidate) => candidate.kind === job.kind)
      if (step === undefined) return
      await moveClip(trx, clipIdOf(job), step.needs, 'stuck', { reason: error.code, detail: detailOf(error) })
    },

    collectMail: () => collectMail(deps),
  }
}

/**
 * Tries a failing job again: the clip goes back to where the job finds it, and the job is due.
 * Errors: `not_found` where no such job is failing.
 */
export async function retryJob(
  deps: { readonly catalogDb: CatalogDb; readonly queue: JobQueue },
  jobId: JobId,
): Promise<void> {
  await transact(deps.catalogDb, async (trx) => {
    const job = await deps.queue.retryNow(jobId, trx)
    const step = STEPS.find((candidate) => candidate.kind === job?.kind)
    if (job === undefined || step === undefined) throw new AppError('not_found')
    const clip = await findClip(trx, clipIdOf(job))
    if (clip?.state === 'stuck') await moveClip(trx, clip.id, 'stuck', step.needs)
  })
}

/** Whose an object is, by its name; undefined where the name is not one of ours. */
export function clipOfObject(key: BlobKey): ClipId | undefined {
  const hex = /^([0-9a-f]{32})-/.exec(key)?.[1]
  return hex === undefined ? undefined : parseId('clip', `clip_${hex}`)
}

async function runStep(
  deps: PipelineDeps,
  step: Step,
  clip: ClipRow,
  job: Job,
  signal: AbortSignal,
): Promise<void> {
  const at = (place: string): void => {
    deps.checkpoint?.(`${step.kind}:${place}`)
  }
  const attempt = startAttempt(deps, clip, signal, at)
  let outcome: StepOutcome
  try {
    at('begun')
    outcome = await step.run(deps, attempt.run)
    signal.throwIfAborted()
  } catch (error) {
    await attempt.discard()
    signal.throwIfAborted()
    if (!step.judges || !isRefusal(error)) throw await betterReason(deps, error)
    await refuse(deps, step, clip, job, error)
    return
  }
  const replaced = await replacedBy(deps.catalogDb, clip, outcome.objects ?? [])
  at('before-commit')
  try {
    await transact(deps.catalogDb, (trx) => commit(deps, trx, step, clip, job, outcome))
  } catch (error) {
    await attempt.discard()
    throw error
  }
  at('after-commit')
  try {
    await outcome.after?.()
    for (const object of replaced) await deps.blobs.delete(object.area, object.key)
  } catch (error) {
    deps.logger.error('what follows a step failed; upkeep does it later', error, {
      clip: clip.id,
      step: step.kind,
    })
  }
}

async function commit(
  deps: PipelineDeps,
  trx: CatalogDb,
  step: Step,
  clip: ClipRow,
  job: Job,
  outcome: StepOutcome,
): Promise<void> {
  const { objects = [], after: _after, ...learnt } = outcome
  for (const object of objects) await addClipBlob(trx, { clipId: clip.id, ...object })
  const moved = await moveClip(trx, clip.id, step.needs, step.leaves, learnt)
  // Another worker was faster, or somebody moved the clip: nothing of this attempt may be seen.
  if (!moved || !(await deps.queue.complete(job, trx))) throw new AppError('busy')
  const next = STEP_AFTER.get(step.leaves)
  if (next !== undefined) {
    await deps.queue.enqueue(trx, { kind: next, subject: clip.id, lane: clip.contributor_id })
  }
}

/** The media's fault: the clip ends here with its reason, and the original stays sealed. */
async function refuse(
  deps: PipelineDeps,
  step: Step,
  clip: ClipRow,
  job: Job,
  error: AppError,
): Promise<void> {
  const to = error.code === 'original_corrupt' ? 'corrupt' : 'refused'
  await transact(deps.catalogDb, async (trx) => {
    const moved = await moveClip(trx, clip.id, step.needs, to, {
      reason: error.code,
      detail: detailOf(error),
    })
    if (!moved || !(await deps.queue.complete(job, trx))) throw new AppError('busy')
  })
  deps.logger.info('clip not accepted', { clip: clip.id, step: step.kind, code: error.code })
  if (to === 'corrupt') await settleUpload(deps.intakeDb, clip.upload_id, 'corrupt')
}

/** One try at a step: objects get names of their own, and go again when nothing comes of it. */
function startAttempt(
  deps: StepDeps,
  clip: ClipRow,
  signal: AbortSignal,
  at: (place: string) => void,
): { run: StepRun; discard(): Promise<void> } {
  const suffix = randomBytes(4).toString('hex')
  const stored: { kind: BlobKind; area: BlobArea; key: BlobKey }[] = []
  return {
    run: {
      clip,
      signal,
      at,
      async store(kind, area, extension, contentType, source, facts) {
        const key = parseBlobKey(`${clip.id.slice('clip_'.length)}-${kind}-${suffix}.${extension}`)
        if (key === undefined) throw new AppError('internal')
        stored.push({ kind, area, key })
        const blob = await deps.blobs.put(area, key, source)
        at(`stored-${kind}`)
        return { kind, area, key, contentType, ...blob, ...(facts === undefined ? {} : { facts }) }
      },
    },
    async discard() {
      for (const { kind, area, key } of stored) {
        try {
          // A commit that was reported as failed and is there all the same must not lose its objects.
          if ((await clipBlob(deps.catalogDb, clip.id, kind))?.blob_key === key) continue
          await deps.blobs.delete(area, key)
          if (area === 'sealed') await forgetFileKey(deps.keyringDb, clip.id, key)
        } catch (error) {
          deps.logger.error('an object was left behind', error, { clip: clip.id })
        }
      }
    },
  }
}

/** Objects that the clip names now and that `objects` take the place of. */
async function replacedBy(
  db: CatalogDb,
  clip: ClipRow,
  objects: readonly StoredObject[],
): Promise<{ area: BlobArea; key: BlobKey }[]> {
  const replaced: { area: BlobArea; key: BlobKey }[] = []
  for (const object of objects) {
    const row = await clipBlob(db, clip.id, object.kind)
    const key = row === undefined ? undefined : parseBlobKey(row.blob_key)
    if (row !== undefined && key !== undefined && key !== object.key) replaced.push({ area: row.area, key })
  }
  return replaced
}

/** A program that fails on a full disk only says that it failed. */
async function betterReason(deps: StepDeps, error: unknown): Promise<unknown> {
  const vague = error instanceof AppError && (error.code === 'tool_failed' || error.code === 'storage_failed')
  if (!vague) return error
  return (await deps.blobs.freeBytes()) < NEARLY_FULL_BYTES
    ? new AppError('disk_full', { cause: error })
    : error
}

async function isPaused(db: CatalogDb, clip: ClipRow): Promise<boolean> {
  const row = await db
    .selectFrom('contributors')
    .select('state')
    .where('id', '=', clip.contributor_id)
    .executeTakeFirst()
  return row?.state === 'paused'
}

function clipIdOf(job: Pick<Job, 'subject'>): ClipId {
  const id = parseId('clip', job.subject)
  if (id === undefined) throw new AppError('internal')
  return id
}

/** `details` in one line. They hold names and numbers; a name that came from a file is kept short and plain. */
function detailOf(error: AppError): string | null {
  const parts = Object.entries(error.details).map(([name, value]) => `${name}: ${plain(String(value))}`)
  return parts.length === 0 ? null : parts.join(', ').slice(0, DETAIL_LENGTH)
}

function plain(text: string): string {
  return text.replace(/[^\p{L}\p{N} .:_/-]/gu, '?').slice(0, 80)
}
