/**
 * Runs the server: supervises intake, desk and worker as children, or is one of them.
 *
 * The supervisor prepares storage and keys, starts each role under its own account where there are accounts, starts a
 * role again when it falls, and brings all of them down in order. A child whose supervisor is gone stops by itself, so
 * nothing is left behind even by SIGKILL.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  findAccounts,
  ROLES_WITH_ACCOUNTS,
  type Account,
  type Accounts,
  type RoleName,
} from './adapters/accounts.ts'
import { createLogger, type Logger } from './adapters/logger.ts'
import type { Config } from './config/config.ts'
import { loadConfig } from './config/config.ts'
import { readEnvironment } from './config/env.ts'
import { prepareInstallation } from './context.ts'
import { AppError } from './domain/errors.ts'
import { runRole, type RoleReport } from './roles.ts'

const SELF = fileURLToPath(import.meta.url)
/** A worker ends its tool and gives the job back within a second; an intake flushes its uploads. */
const STOP_GRACE_MS = 10_000
const FIRST_RESTART_MS = 250
const LONGEST_RESTART_MS = 30_000

export type Separation = { readonly separated: boolean; readonly why: string }

export type Running = {
  readonly reports: Readonly<Record<RoleName, RoleReport>>
  readonly separation: Separation
  /** Brings the children down; returns when the last one is gone. */
  stop(): Promise<void>
}

/** Starts all three roles and returns when each has reported. Errors: what preparing the installation throws. */
export async function supervise(config: Config): Promise<Running> {
  const logger = createLogger('supervisor', config.logLevel)
  const accounts = await findAccounts()
  const separation = decideSeparation(config, accounts)
  const used = separation.separated ? accounts : undefined
  await prepareInstallation(config, used, separation.separated)
  const keep = (role: RoleName): KeptRole => keepRunning(role, used?.roles[role], logger)
  const kept = [keep('intake'), keep('desk'), keep('worker')] as const
  const stop = async (): Promise<void> => {
    await Promise.all(kept.map((one) => one.stop()))
  }
  try {
    const [ofIntake, ofDesk, ofWorker] = kept
    const [intake, desk, worker] = await Promise.all([
      ofIntake.firstReport,
      ofDesk.firstReport,
      ofWorker.firstReport,
    ])
    return { reports: { intake, desk, worker }, separation, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Separate users need root, the accounts, and code that those accounts can read. Says which is missing. */
function decideSeparation(config: Config, accounts: Accounts | undefined): Separation {
  if (process.getuid?.() !== 0) return { separated: false, why: 'not started as root' }
  if (accounts === undefined) return { separated: false, why: 'the accounts are missing: run scripts/setup' }
  const can = (role: RoleName, test: '-r' | '-x', path: string): boolean =>
    spawnSync('/usr/bin/setpriv', [...dropTo(accounts.roles[role]), '/usr/bin/test', test, path]).status === 0
  for (const role of ROLES_WITH_ACCOUNTS) {
    if (!can(role, '-r', `${config.projectRoot}/src/main.ts`))
      return { separated: false, why: 'other users can not read the folder with the code' }
    if (!can(role, '-x', nearestFolder(dirname(config.storageRoot))))
      return { separated: false, why: 'other users can not enter the folder above the storage' }
  }
  return { separated: true, why: 'intake, desk and worker run as different users' }
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path))
}

function dropTo(account: Account): readonly string[] {
  const groups = account.groups.length === 0 ? ['--clear-groups'] : [`--groups=${account.groups.join(',')}`]
  return [`--reuid=${String(account.uid)}`, `--regid=${String(account.gid)}`, ...groups, '--no-new-privs']
}

/** What a child tells its supervisor: that it works, or why it does not. */
type RoleMessage = RoleReport | { readonly failed: Pick<AppError, 'code' | 'details'> }

type KeptRole = { readonly firstReport: Promise<RoleReport>; stop(): Promise<void> }

function keepRunning(role: RoleName, account: Account | undefined, logger: Logger): KeptRole {
  let stopping = false
  let child: ChildProcess | undefined
  let gone: Promise<void> = Promise.resolve()
  let wait = FIRST_RESTART_MS
  let timer: NodeJS.Timeout | undefined
  const first = Promise.withResolvers<RoleReport>()
  let reported = false

  const start = (): void => {
    const command = [process.execPath, SELF, '--role', role]
    const [program = '', ...args] =
      account === undefined ? command : ['/usr/bin/setpriv', ...dropTo(account), ...command]
    const started = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], cwd: '/' })
    child = started
    gone = new Promise((resolve) => {
      started.once('close', () => {
        resolve()
      })
    })
    started.on('message', (message: RoleMessage) => {
      if ('failed' in message) {
        first.reject(new AppError(message.failed.code, { details: { role, ...message.failed.details } }))
        return
      }
      reported = true
      wait = FIRST_RESTART_MS
      first.resolve(message)
    })
    started.once('error', (error) => {
      first.reject(error)
    })
    started.once('close', (code) => {
      if (stopping) return
      // What fails before it ever reported will fail again: the operator must see it now, not in a loop.
      if (!reported) {
        first.reject(new AppError('internal', { details: { role } }))
        return
      }
      logger.warn('a role fell and is started again', { role, count: code ?? -1 })
      timer = setTimeout(start, wait)
      wait = Math.min(wait * 2, LONGEST_RESTART_MS)
    })
  }
  start()
  return {
    firstReport: first.promise,
    stop: async () => {
      stopping = true
      clearTimeout(timer)
      child?.kill('SIGTERM')
      const killer = setTimeout(() => child?.kill('SIGKILL'), STOP_GRACE_MS)
      await gone
      clearTimeout(killer)
    },
  }
}

/** The child's side: runs one role until a signal, or until the supervisor is gone. */
async function beRole(role: RoleName): Promise<void> {
  const { environment, unknown } = readEnvironment()
  const config = loadConfig(environment, unknown)
  const running = await runRole(config, role)
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    running.stop().then(
      () => {
        process.exit(0)
      },
      () => {
        process.exit(1)
      },
    )
  }
  process.once('disconnect', stop)
  process.on('SIGTERM', stop)
  // Last: whoever is told that the role works may ask it to stop at once. A supervisor that died meanwhile heard nothing.
  if (process.send === undefined || process.connected) process.send?.(running.report)
  else stop()
}

const roleArgument = process.argv[2] === '--role' ? process.argv[3] : undefined
const role = ROLES_WITH_ACCOUNTS.find((name) => name === roleArgument)
if (role !== undefined && process.argv[1] === SELF) {
  // Ctrl-C, or a terminal that is closed, reaches its whole group; the order in which the roles stop is the supervisor's
  // business.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
  try {
    await beRole(role)
  } catch (error) {
    createLogger(role).error('could not start', error)
    const { code, details } = error instanceof AppError ? error : new AppError('internal')
    // The channel needs its moment: an exit right away would lose the reason.
    if (process.send === undefined) process.exit(1)
    process.send({ failed: { code, details } }, () => process.exit(1))
  }
}
