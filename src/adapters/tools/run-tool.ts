/**
 * The only door to programs that read media. Whatever goes through it runs in the sandbox of
 * `sandbox.ts`, with a deadline, bounded output and no way to outlive us.
 */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, lstat, readdir, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { AppError } from '../../domain/errors.ts'
import { sandboxCommand, type SandboxHost, type SandboxLimits, type SandboxMount } from './sandbox.ts'

/** One run of one program. */
export type ToolSpec = {
  /** A short name for messages and logs, such as `ffprobe`. */
  readonly name: string
  /** Absolute path as seen inside the sandbox, such as `/usr/bin/ffprobe` or something under `mounts`. */
  readonly program: string
  readonly args: readonly string[]
  /** The one file the program reads, at `/in`. A path that we made. */
  readonly input?: string
  /** The one folder it may write to, at `/out`; afterwards it holds plain files only. */
  readonly outputDir?: string
  readonly mounts?: readonly SandboxMount[]
  readonly deadlineMs: number
  readonly limits?: Partial<SandboxLimits>
  /** Receives standard output as it comes, instead of `stdout` in the result. */
  readonly onStdout?: (chunk: Buffer) => void
  /** Sees standard error as it comes; `stderr` in the result keeps the last part all the same. */
  readonly onStderr?: (chunk: Buffer) => void
  /** Longest standard output that is accepted; more ends the program. */
  readonly stdoutBytes?: number
  readonly signal?: AbortSignal | undefined
}

/** How a program ended. A status other than 0 is for the caller to judge. */
export type ToolResult = {
  readonly exitCode: number
  readonly stdout: Buffer
  /** The last part of what it said. May hold values from the file: never log it, never show it. */
  readonly stderr: string
  readonly wallMs: number
}

const MIB = 1024 * 1024

/** What a program gets unless it asks for something else. Measured: 1080p to 720p fails at 500 MB and works at 700 MB. */
export const DEFAULT_LIMITS: SandboxLimits = {
  addressSpaceBytes: 1500 * MIB,
  dataBytes: 1500 * MIB,
  cpuSeconds: 120,
  fileBytes: 64 * MIB,
  openFiles: 64,
  processes: 64,
  tmpBytes: 64 * MIB,
}

const STDOUT_BYTES = 16 * MIB
const STDERR_BYTES = 16 * 1024
const PIPE_GRACE_MS = 3000
/** bubblewrap reports a program ended by signal N as status 128 + N; SIGXCPU is 24. */
const ENDED_BY_CPU_LIMIT = 128 + 24
const KILLED = 128 + 9

/**
 * Runs a program in the sandbox and returns how it ended.
 *
 * Effects: files in `outputDir` only, owned by us and private afterwards.
 * Errors: `tool_missing`; `tool_timeout` at the deadline or the limit of processor time;
 * `tool_failed` when it says more than it may or leaves something that is not a plain file.
 * An aborted `signal` ends the whole tree by SIGKILL and throws its reason.
 */
export async function runTool(spec: ToolSpec): Promise<ToolResult> {
  spec.signal?.throwIfAborted()
  for (const path of [spec.program, spec.input, spec.outputDir]) {
    if (path !== undefined && !isAbsolute(path)) throw new TypeError('paths given to a tool must be absolute')
  }
  const host = sandboxHost()
  const { file, args } = sandboxCommand(
    {
      program: spec.program,
      args: spec.args,
      ...(spec.input === undefined ? {} : { input: spec.input }),
      ...(spec.outputDir === undefined ? {} : { outputDir: spec.outputDir }),
      mounts: spec.mounts ?? [],
      limits: { ...DEFAULT_LIMITS, ...spec.limits },
    },
    host,
  )
  if (spec.outputDir !== undefined && host.root) await chmod(spec.outputDir, 0o777)
  try {
    return await runToEnd(spec, file, args)
  } finally {
    if (spec.outputDir !== undefined) await settleOutput(spec.outputDir, host.root)
  }
}

/**
 * The mode of a file in scratch space that a later tool reads. As root tools run as another user,
 * so others may read; the folders above are closed to them.
 */
export function toolFileMode(): number {
  return process.geteuid?.() === 0 ? 0o644 : 0o600
}

/**
 * Was it the machine and not the file? True where the program was killed from outside (out of memory, say) and where
 * the walls around it could not be built: neither is a reason to refuse what somebody filmed.
 */
export function machineFailed(result: Pick<ToolResult, 'exitCode' | 'stderr'>): boolean {
  return result.exitCode === KILLED || /^(bwrap|prlimit|setpriv): /m.test(result.stderr)
}

/** Finds the helper programs; `tool_missing` names the one that is not installed. */
export function sandboxHost(): SandboxHost {
  return {
    bwrap: findProgram('bwrap'),
    prlimit: findProgram('prlimit'),
    setpriv: findProgram('setpriv'),
    root: process.geteuid?.() === 0,
  }
}

/** The absolute path of an installed program, by name. Errors: `tool_missing`. */
export function findProgram(name: string): string {
  const found = [`/usr/bin/${name}`, `/usr/local/bin/${name}`].find((path) => existsSync(path))
  if (found === undefined) throw new AppError('tool_missing', { details: { tool: name } })
  return found
}

function runToEnd(spec: ToolSpec, file: string, args: readonly string[]): Promise<ToolResult> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: {}, cwd: '/', detached: true })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    let stdoutBytes = 0
    let stderrBytes = 0
    let failure: Error | undefined

    // Only SIGKILL: ffmpeg ignores a single SIGTERM. The sandbox's process namespace ends with it.
    const end = (reason: unknown): void => {
      failure ??= reason instanceof Error ? reason : new AppError('tool_failed', { cause: reason })
      // The whole group: bubblewrap's child waits for a word of its parent before it asks to die with it, and where
      // the parent alone is killed in that moment the child waits for ever and keeps our pipes open. Seen under load.
      killGroup(child.pid)
      // Whatever might still hold the pipes must not hold us.
      setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
      }, PIPE_GRACE_MS).unref()
    }
    const deadline = setTimeout(
      () => end(new AppError('tool_timeout', { details: { tool: spec.name } })),
      spec.deadlineMs,
    )
    const onAbort = (): void => end(spec.signal?.reason)
    spec.signal?.addEventListener('abort', onAbort, { once: true })
    // Aborted while the walls were being prepared: the event is over, and nobody would hear it.
    if (spec.signal?.aborted === true) onAbort()

    child.stdout.on('data', (chunk: Buffer) => {
      stdoutBytes += chunk.length
      if (stdoutBytes > (spec.stdoutBytes ?? STDOUT_BYTES)) {
        end(new AppError('tool_failed', { details: { tool: spec.name, reason: 'output_too_long' } }))
      } else if (failure === undefined) {
        try {
          if (spec.onStdout === undefined) stdout.push(chunk)
          else spec.onStdout(chunk)
        } catch (error) {
          end(error)
        }
      }
    })
    child.stderr.on('data', (chunk: Buffer) => {
      spec.onStderr?.(chunk)
      stderr.push(chunk)
      stderrBytes += chunk.length
      while (stderrBytes - (stderr[0]?.length ?? 0) > STDERR_BYTES) stderrBytes -= stderr.shift()?.length ?? 0
    })
    child.on('error', (cause) => {
      failure ??= new AppError('tool_failed', { details: { tool: spec.name, reason: 'not_started' }, cause })
    })
    child.on('close', (code, signal) => {
      clearTimeout(deadline)
      spec.signal?.removeEventListener('abort', onAbort)
      if (failure === undefined && code === ENDED_BY_CPU_LIMIT) {
        failure = new AppError('tool_timeout', { details: { tool: spec.name } })
      }
      if (failure === undefined && code === null) {
        failure = new AppError('tool_failed', { details: { tool: spec.name, reason: signal ?? 'ended' } })
      }
      if (failure !== undefined) {
        reject(failure)
        return
      }
      resolve({
        exitCode: code ?? -1,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).subarray(-STDERR_BYTES).toString('utf8'),
        wallMs: performance.now() - started,
      })
    })
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}

/**
 * Makes what the program left safe to open: a link or a pipe planted in `/out` would lead us
 * elsewhere, with our rights. Nothing of the sandbox runs any more when this looks.
 */
async function settleOutput(folder: string, root: boolean): Promise<void> {
  let stranger = false
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const facts = await lstat(path)
    if (!facts.isFile() || facts.nlink !== 1) {
      stranger = true
      await rm(path, { recursive: true, force: true })
      continue
    }
    if (root) await chown(path, 0, 0)
    await chmod(path, toolFileMode())
  }
  if (root) await chmod(folder, 0o700)
  if (stranger) throw new AppError('tool_failed', { details: { reason: 'not_a_plain_file' } })
}
