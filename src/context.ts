/**
 * Builds every collaborator once, from configuration, and closes them in reverse.
 *
 * One function a process: what a role does not need is not opened in it. Intake has no catalogue, no keyring and no
 * store of finished objects; the desk has no keyring; the worker speaks to nobody.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createContributorAccess } from './access/contributors.ts'
import { findAccounts, type Accounts } from './adapters/accounts.ts'
import { createDiskBlobStore } from './adapters/blobs/disk-blob-store.ts'
import { createDiskSegmentLog } from './adapters/blobs/disk-segment-log.ts'
import {
  migrateCatalog,
  migrateIntake,
  migrateKeyring,
  openCatalogDb,
  openIntakeDb,
  openKeyringDb,
} from './adapters/database/database.ts'
import { prepareKeyFiles, readDeskSecret, readPepper, readProcessingIdentity } from './adapters/key-files.ts'
import { createLogger } from './adapters/logger.ts'
import { recipientOf } from './adapters/sealing.ts'
import { prepareStorage, storagePaths } from './adapters/storage-layout.ts'
import { createMediaTools } from './adapters/tools/media-tools.ts'
import { namesOfClips, readServerFacts, storedBytes, writeServerFact } from './catalog/server-facts.ts'
import type { Config } from './config/config.ts'
import type { ServerState } from './contract/access.ts'
import type { DeskDeps } from './desk-app.ts'
import { parseId, type ClipId, type ProjectId } from './domain/clip.ts'
import type { Clock } from './domain/clock.ts'
import { AppError } from './domain/errors.ts'
import type { IntakeDeps } from './intake-app.ts'
import type { JobQueue } from './jobs/queue.ts'
import { createSqliteQueue } from './jobs/sqlite-queue.ts'
import { retryJob } from './process/pipeline.ts'
import type { WorkerAppDeps } from './worker-app.ts'

/** What a process was built of, and how to let go of it again. */
export type Opened<Deps> = { readonly deps: Deps; close(): Promise<void> }

const systemClock: Clock = { now: () => Date.now() }

/**
 * Puts an installation in order before the first role starts: folders, databases, keys, and the settings that go with
 * them. Run again it changes nothing that is right. Errors: `storage_failed`.
 */
export async function prepareInstallation(
  config: Config,
  accounts: Accounts | undefined,
  separated: boolean,
): Promise<void> {
  // Files are born private: to their owner, and to the group where roles share a folder. The roles inherit it.
  process.umask(accounts === undefined ? 0o077 : 0o007)
  const paths = storagePaths(config.storageRoot)
  await prepareStorage(paths, accounts)
  await prepareKeyFiles(paths.keys, accounts)
  const intakeDb = openIntakeDb(paths.intakeDatabase)
  const keyringDb = openKeyringDb(paths.keyringDatabase)
  const catalogDb = openCatalogDb(paths.deskDatabase)
  try {
    await migrateIntake(intakeDb)
    await migrateKeyring(keyringDb)
    await migrateCatalog(catalogDb)
    const settings = {
      // One salt for all codes: sound because codes are generated, and needed to find a row by its code.
      kdf_salt: randomBytes(16).toString('hex'),
      processing_recipient: await recipientOf(await readProcessingIdentity(paths.keys)),
    }
    for (const [key, value] of Object.entries(settings)) {
      await intakeDb
        .insertInto('settings')
        .values({ key, value })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    }
    await writeServerFact(catalogDb, 'separated', separated)
  } finally {
    await catalogDb.destroy()
    await keyringDb.destroy()
    await intakeDb.destroy()
  }
  // Once more: the database files that were made just now get their owners too.
  await prepareStorage(paths, accounts)
}

/** Is there an installation in the storage folder already? */
async function isPrepared(config: Config): Promise<boolean> {
  try {
    await readPepper(storagePaths(config.storageRoot).keys)
    return true
  } catch {
    return false
  }
}

/** Prepares the storage folder for the command line where no server has ever run in it. */
export async function prepareIfNew(config: Config): Promise<void> {
  if (!(await isPrepared(config))) await prepareInstallation(config, await findAccounts(), false)
}

/** What intake is made of. */
export async function openIntake(config: Config): Promise<Opened<IntakeDeps>> {
  const paths = storagePaths(config.storageRoot)
  const logger = createLogger('intake', config.logLevel)
  const intakeDb = openIntakeDb(paths.intakeDatabase)
  const pepper = await readPepper(paths.keys)
  return {
    deps: {
      intakeDb,
      segments: createDiskSegmentLog(paths.quarantine),
      access: createContributorAccess({ intakeDb, pepper, clock: systemClock, logger }),
      clock: systemClock,
      logger,
      limits: { maxUploadBytes: config.maxUploadBytes, reserveBytes: config.reserveBytes },
      pageTitle: config.pageTitle,
      webRoot: join(config.projectRoot, 'dist', 'contribute'),
      hsts: config.intake.transport.kind === 'certificate',
    },
    close: () => intakeDb.destroy(),
  }
}

/** What the desk is made of. `closing` ends streams that would last for ever. */
export async function openDesk(config: Config, closing: AbortSignal): Promise<Opened<DeskDeps>> {
  const paths = storagePaths(config.storageRoot)
  const logger = createLogger('desk', config.logLevel)
  const intakeDb = openIntakeDb(paths.intakeDatabase)
  const catalogDb = openCatalogDb(paths.deskDatabase)
  const blobs = await createDiskBlobStore(paths.root)
  const queue = createSqliteQueue(catalogDb, systemClock)
  const retry: DeskDeps['retryJob'] = async (jobId, projectId) => {
    const job = (await queue.failing()).find((candidate) => candidate.id === jobId)
    const [clip] = await namesOfClips(catalogDb, projectId, clipIdsOf(job === undefined ? [] : [job]))
    if (clip === undefined) throw new AppError('not_found')
    await retryJob({ catalogDb, queue }, jobId)
  }
  const serverState: DeskDeps['serverState'] = async (projectId) => {
    const [facts, counts, usedBytes, freeBytes, failing] = await Promise.all([
      readServerFacts(catalogDb),
      queue.counts(),
      storedBytes(catalogDb),
      blobs.freeBytes(),
      describeFailing(projectId),
    ])
    return {
      sandbox: { proven: facts.sandbox.proven, failed: [...facts.sandbox.failed] },
      separated: facts.separated,
      storage: { freeBytes, usedBytes },
      queue: {
        waiting: counts.waiting,
        running: counts.running,
        oldestWaitingSeconds: Math.round(counts.oldestWaitingMs / 1000),
      },
      failing,
      versions: { ...facts.versions, node: process.versions.node },
    }
  }
  const describeFailing = async (projectId: ProjectId): Promise<ServerState['failing']> => {
    const jobs = await queue.failing()
    const clips = await namesOfClips(catalogDb, projectId, clipIdsOf(jobs))
    return jobs.flatMap((job) => {
      const clip = clips.find(({ id }) => id === job.subject)
      if (clip === undefined) return []
      return [
        {
          jobId: job.id,
          clipId: clip.id,
          reel: clip.reel,
          state: clip.state,
          reason: job.reason,
          detail: clip.reason_detail,
          attempts: job.attempts,
        },
      ]
    })
  }
  return {
    deps: {
      intakeDb,
      catalogDb,
      blobs,
      clock: systemClock,
      logger,
      closing,
      deskSecret: await readDeskSecret(paths.keys),
      pepper: await readPepper(paths.keys),
      addresses: { intake: config.intake.publicUrl, desk: config.desk.publicUrl },
      serverState,
      retryJob: retry,
      webRoot: join(config.projectRoot, 'dist', 'desk'),
      hsts: config.desk.transport.kind === 'certificate',
    },
    close: async () => {
      await catalogDb.destroy()
      await intakeDb.destroy()
    },
  }
}

/** What the worker is made of, but for the proof of the sandbox, which comes at its start. */
export async function openWorker(config: Config): Promise<Opened<Omit<WorkerAppDeps, 'sandboxProven'>>> {
  const paths = storagePaths(config.storageRoot)
  const intakeDb = openIntakeDb(paths.intakeDatabase)
  const keyringDb = openKeyringDb(paths.keyringDatabase)
  const catalogDb = openCatalogDb(paths.deskDatabase)
  const processingIdentity = await readProcessingIdentity(paths.keys)
  return {
    deps: {
      intakeDb,
      keyringDb,
      catalogDb,
      segments: createDiskSegmentLog(paths.quarantine),
      blobs: await createDiskBlobStore(paths.root),
      tools: createMediaTools({ scratchRoot: paths.scratch }),
      keys: { processingIdentity, processingRecipient: await recipientOf(processingIdentity) },
      clock: systemClock,
      processingWindowDays: config.processingWindowDays,
      logger: createLogger('worker', config.logLevel),
    },
    close: async () => {
      await catalogDb.destroy()
      await keyringDb.destroy()
      await intakeDb.destroy()
    },
  }
}

function clipIdsOf(jobs: Awaited<ReturnType<JobQueue['failing']>>): readonly ClipId[] {
  return jobs.flatMap((job) => parseId('clip', job.subject) ?? [])
}
