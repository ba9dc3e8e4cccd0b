/** Boots the real server, three processes and all, on free ports with a storage folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../src/bench/processes.ts'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const START_MS = 60_000

export type CliResult = { readonly status: number; readonly stdout: string; readonly stderr: string }

export type TestServer = {
  readonly intakeUrl: string
  readonly deskUrl: string
  readonly storage: string
  /** The first administrator's link of the latest start, when there was none yet. */
  readonly setupLink: string | undefined
  /** Everything all processes have said so far. */
  said(): string
  /** Runs a verb of the command line on the same storage. */
  cli(...args: string[]): Promise<CliResult>
  /** SIGKILL to every process at once, as a power cut would. */
  kill(): Promise<void>
  /** Starts again on the same ports and storage. */
  start(): Promise<void>
  /** SIGTERM, as an operator would; returns the exit status. */
  stop(): Promise<number | null>
  /** Stops what runs and removes the storage; keeps and names it when `failed`. */
  dispose(failed?: boolean): Promise<void>
}

/** Starts a server; `environment` adds variables of `.env.example`. */
export async function startServer(environment: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const storage = await mkdtemp(join(tmpdir(), 'footbridge-'))
  const [intakePort, deskPort] = [await freePort(), await freePort()]
  const env = {
    PATH: process.env['PATH'] ?? '',
    FOOTBRIDGE_STORAGE: storage,
    FOOTBRIDGE_INTAKE_LISTEN: `127.0.0.1:${String(intakePort)}`,
    FOOTBRIDGE_DESK_LISTEN: `127.0.0.1:${String(deskPort)}`,
    FOOTBRIDGE_RESERVE: '100MB',
    ...environment,
  }
  let child: ChildProcess | undefined
  let gone: Promise<number | null> = Promise.resolve(null)
  let output = ''
  let setupLink: string | undefined

  const start = async (): Promise<void> => {
    // Detached: a process group of its own, so that `kill` reaches every process at once.
    const started = spawn(process.execPath, [CLI, 'serve', '--json'], {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    gone = new Promise((resolve) => {
      started.once('close', (status) => {
        resolve(status)
      })
    })
    let announced = ''
    const ready = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`the server did not start:\n${output}`))
      }, START_MS)
      started.stdout.on('data', (chunk: Buffer) => {
        announced += chunk.toString()
        output += chunk.toString()
        if (!/\n}\n$/.test(announced)) return
        clearTimeout(timer)
        const report = JSON.parse(announced) as { setupLink: string | null }
        setupLink = report.setupLink ?? undefined
        resolve()
      })
      started.once('close', (status) => {
        clearTimeout(timer)
        reject(new Error(`the server ended with ${String(status)}:\n${output}`))
      })
    })
    started.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    await ready
  }
  const signal = (name: NodeJS.Signals, wholeGroup: boolean): void => {
    if (child?.pid === undefined) return
    try {
      process.kill(wholeGroup ? -child.pid : child.pid, name)
    } catch {
      // It is gone already, which is what was wanted.
    }
  }
  const cli = (...args: string[]): Promise<CliResult> => runCli(args, env)
  await start()
  return {
    intakeUrl: `http://localhost:${String(intakePort)}`,
    deskUrl: `http://127.0.0.1:${String(deskPort)}`,
    storage,
    get setupLink() {
      return setupLink
    },
    said: () => output,
    cli,
    kill: async () => {
      signal('SIGKILL', true)
      await gone
    },
    start,
    stop: async () => {
      signal('SIGTERM', false)
      return gone
    },
    dispose: async (failed = false) => {
      signal('SIGTERM', false)
      await gone
      signal('SIGKILL', true)
      if (failed) process.stderr.write(`kept for looking at: ${storage}\n${output}\n`)
      else await rm(storage, { recursive: true, force: true })
    },
  }
}

/** Runs one verb of the command line to its end. */
function runCli(args: readonly string[], env: Readonly<Record<string, string>>): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (status) => {
      resolve({ status: status ?? -1, stdout, stderr })
    })
  })
}
