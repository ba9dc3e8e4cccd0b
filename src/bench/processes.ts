/** Starts our own programs as processes of their own, so that what is measured does not share one with the measurer. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { AppError } from '../domain/errors.ts'

export type Program = {
  readonly pid: number
  /** Asks it to stop and returns when it is gone; after `graceMs` it is made to. */
  stop(graceMs?: number): Promise<void>
}

const START_MS = 60_000
const STOP_MS = 15_000
/** Linux counts processor time in hundredths of a second for every program that asks. */
const TICKS_PER_SECOND = 100

const CLI = fileURLToPath(new URL('../cli.ts', import.meta.url))

/** The path of one of the programs beside this file. */
export function beside(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/**
 * Starts a program of ours and returns it with the first JSON value it prints.
 *
 * It gets nothing of our environment but what is given. Errors: `internal` when it ends or stays silent.
 */
export async function startProgram(
  script: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly program: Program; readonly report: unknown }> {
  const child = spawn(process.execPath, [script, ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // Interrupted, nothing of ours may be left behind; the supervisor's children go with it by themselves.
  const onExit = (): void => {
    child.kill('SIGKILL')
  }
  process.prependOnceListener('exit', onExit)
  child.once('exit', () => {
    process.off('exit', onExit)
  })
  const program: Program = { pid: child.pid ?? 0, stop: (graceMs = STOP_MS) => stop(child, graceMs) }
  try {
    return { program, report: await firstJson(child) }
  } catch (error) {
    await program.stop(0)
    throw error
  }
}

/** `serve` with `args` on an installation. */
export function startServer(
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<{ readonly program: Program; readonly report: unknown }> {
  return startProgram(CLI, ['serve', '--json', ...args], environment)
}

/** Runs a program of ours to its end and returns the JSON it printed. Errors: `internal`. */
export async function runProgram(script: string, args: readonly string[]): Promise<unknown> {
  return JSON.parse(await output(script, args, {}))
}

async function output(
  script: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...args], {
      env: { ...environment },
      maxBuffer: 64 * 1024 * 1024,
    })
    return stdout
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : ''
    throw new AppError('internal', { cause, details: { program: script.replace(/^.*\//, ''), said } })
  }
}

/** Runs a verb of the command line and returns what it printed. Errors: `internal`. */
export function runVerb(
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<string> {
  return output(CLI, args, environment)
}

/** Runs a program of the system to its end. Errors: `internal`. */
export async function runSystem(path: string, args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(path, args, { env: {} })
  } catch (cause) {
    throw new AppError('internal', { cause, details: { program: path } })
  }
}

/** Seconds of processor time that a process and its threads have used; its children are not in it. */
export async function cpuSeconds(pid: number): Promise<number> {
  const { user, system } = await readProcess(String(pid))
  return user + system
}

/** Parent, and processor seconds, of a process. Source: proc_pid_stat(5). */
export async function readProcess(
  process: string,
): Promise<{ parent: string; user: number; system: number }> {
  const stat = await readFile(`/proc/${process}/stat`, 'utf8')
  // The name, in brackets, may hold anything; the numbers are behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    parent: fields[1] ?? '',
    user: Number(fields[11]) / TICKS_PER_SECOND,
    system: Number(fields[12]) / TICKS_PER_SECOND,
  }
}

async function firstJson(child: ChildProcess): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const silent = setTimeout(() => {
    reject(new AppError('internal', { details: { why: 'a program said nothing' } }))
  }, START_MS)
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    try {
      resolve(JSON.parse(text))
    } catch {
      // Not all of it is here yet.
    }
  })
  child.once('error', reject)
  child.once('close', () => {
    reject(new AppError('internal', { details: { why: 'a program ended before it was ready' } }))
  })
  try {
    return await promise
  } finally {
    clearTimeout(silent)
  }
}

async function stop(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await gone
  clearTimeout(timer)
}
