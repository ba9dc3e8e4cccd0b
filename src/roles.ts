/** What each of the three processes does: intake receives, desk shows, worker processes. */
import type { Server } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { proveSandbox } from './adapters/tools/sandbox-selftest.ts'
import type { RoleName } from './adapters/accounts.ts'
import { waitForLock } from './adapters/database/lock.ts'
import { storagePaths } from './adapters/storage-layout.ts'
import { readCertificate, selfSignedCertificate, type TlsMaterial } from './adapters/tls.ts'
import { writeServerFact } from './catalog/server-facts.ts'
import type { Config, FrontConfig } from './config/config.ts'
import { openDesk, openIntake, openWorker } from './context.ts'
import { configureDeskServer, createDeskApp } from './desk-app.ts'
import { listenFront, type Front } from './http/listen.ts'
import { createIntakeApp } from './intake-app.ts'
import { startWorkerApp } from './worker-app.ts'

export type RoleReport = {
  readonly role: RoleName
  readonly url?: string
  /** SHA-256 of a self-signed certificate, for people to compare. */
  readonly fingerprint?: string
  readonly sandbox?: { readonly proven: boolean; readonly checks: number; readonly failed: readonly string[] }
}

export type RunningRole = { readonly report: RoleReport; stop(): Promise<void> }

/** Running requests get this long at a stop; uploads are told to come to an end and are durable before that. */
const FRONT_GRACE_MS = 3_000

/** Starts one role in this process and returns when it does its work. */
export function runRole(config: Config, role: RoleName): Promise<RunningRole> {
  switch (role) {
    case 'intake':
      return runIntake(config)
    case 'desk':
      return runDesk(config)
    case 'worker':
      return runWorker(config)
  }
}

/**
 * Runs intake, the only one on its storage: another would cut off what this one writes behind the acknowledged end, and
 * end the forms that it is receiving. `lockWaitMs` is how long another may take to be gone. Errors: `storage_in_use`.
 */
export async function runIntake(config: Config, lockWaitMs?: number): Promise<RunningRole> {
  const lock = await waitForLock(`${storagePaths(config.storageRoot).intakeDatabase}/intake.lock`, lockWaitMs)
  try {
    const running = await startIntake(config)
    return {
      report: running.report,
      stop: async () => {
        await running.stop()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

async function startIntake(config: Config): Promise<RunningRole> {
  // What arrives is many large buffers and few objects: marking beside our own thread takes the second of two cores
  // away from sender and disk. Without it: 5.2 → 3.5 s of processor a GB, 180 → 330 MB/s (docs/benchmarks.md, intake).
  setFlagsFromString('--no-concurrent-marking')
  const opened = await openIntake(config)
  const intake = await createIntakeApp(opened.deps)
  const { front, report } = await listen(config, 'intake', config.intake, intake.app, (server) => {
    intake.attach(server)
  })
  return {
    report,
    stop: async () => {
      const closed = front.close(FRONT_GRACE_MS)
      await intake.drain()
      await closed
      // Once more, for what came in between: every connection is gone, and what it brought is still being put in safety.
      await intake.drain()
      await opened.close()
    },
  }
}

async function runDesk(config: Config): Promise<RunningRole> {
  const closing = new AbortController()
  const opened = await openDesk(config, closing.signal)
  const { front, report } = await listen(
    config,
    'desk',
    config.desk,
    createDeskApp(opened.deps),
    configureDeskServer,
  )
  return {
    report,
    stop: async () => {
      closing.abort()
      await front.close(FRONT_GRACE_MS)
      await opened.close()
    },
  }
}

async function runWorker(config: Config): Promise<RunningRole> {
  const opened = await openWorker(config)
  const { deps } = opened
  const proof = await proveSandbox()
  const failed = proof.checks.filter((check) => !check.ok).map((check) => check.name)
  await writeServerFact(deps.catalogDb, 'sandbox', { proven: proof.proven, failed })
  if (proof.proven) await writeServerFact(deps.catalogDb, 'versions', await deps.tools.versions())
  const worker = await startWorkerApp({ ...deps, sandboxProven: proof.proven })
  return {
    report: { role: 'worker', sandbox: { proven: proof.proven, checks: proof.checks.length, failed } },
    stop: async () => {
      await worker.stop()
      await opened.close()
    },
  }
}

async function listen(
  config: Config,
  role: 'intake' | 'desk',
  at: FrontConfig,
  app: Parameters<typeof listenFront>[0],
  configure: (server: Server) => void,
): Promise<{ front: Front; report: RoleReport }> {
  const tls = await tlsOf(config, role, at)
  const front = await listenFront(app, { host: at.host, port: at.port, tls, configure })
  const shown =
    at.transport.kind === 'self_signed' && tls !== undefined ? { fingerprint: tls.fingerprint } : {}
  return { front, report: { role, url: at.publicUrl, ...shown } }
}

/** A self-signed pair lies in the role's own folder of keys: no role can answer in another's name. */
async function tlsOf(
  config: Config,
  role: 'intake' | 'desk',
  at: FrontConfig,
): Promise<TlsMaterial | undefined> {
  switch (at.transport.kind) {
    case 'plain':
      return undefined
    case 'certificate':
      return readCertificate(at.transport.certPath, at.transport.keyPath)
    case 'self_signed': {
      const host = new URL(at.publicUrl).hostname.replace(/^\[|\]$/g, '')
      return selfSignedCertificate(storagePaths(config.storageRoot).tls[role], role, host)
    }
  }
}
