/**
 * The port to ffmpeg. fluent-ffmpeg orders the arguments and nothing else: it starts no program and
 * chooses no names, so that it can be replaced in a day (it is archived upstream). `run-tool.ts`
 * starts ffmpeg in the sandbox.
 */

import fluentFfmpeg from 'fluent-ffmpeg'
import { AppError } from '../../domain/errors.ts'
import { MAX_PIXELS, untrustedInput, type AvContainer } from './formats.ts'
import { machineFailed, runTool } from './run-tool.ts'

/** One output: what to map, how to filter and code it, and the file below `/out` or standard output. */
export type FfmpegOutput = {
  readonly target: { readonly file: string } | 'stdout'
  readonly videoFilters?: readonly string[]
  readonly audioFilters?: readonly string[]
  readonly options: readonly string[]
}

/** One run over one input. */
export type FfmpegPlan = {
  readonly container: AvContainer
  /** Stop at the first error instead of making the best of a damaged file. */
  readonly strict: boolean
  readonly outputs: readonly FfmpegOutput[]
}

/** What a run may use; all of it scales with the length of the clip. */
export type FfmpegRun = {
  readonly input: string
  readonly outputDir: string
  readonly deadlineMs: number
  readonly outputBytes: number
  readonly signal?: AbortSignal | undefined
  readonly onStdout?: (chunk: Buffer) => void
  /** Called with milliseconds of the clip that are done. */
  readonly onProgress?: (doneMs: number) => void
}

/** The same number on every machine: x264's output depends on it. */
const THREADS = '4'
const MAX_ALLOC = String(512 * 1024 * 1024)

type WithArguments = { _getArguments(): string[] }

/** Options that make an output the same on every run and say nothing of when and by what it was made. */
export const ANONYMOUS: readonly string[] = [
  ...['-map_metadata', '-1', '-map_chapters', '-1', '-sn', '-dn'],
  ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact'],
]

/** Further options for MP4: no handler names, no timecode. The index comes last: `rebuild-mp4.ts` writes it anew, with timecode of ours. */
export const ANONYMOUS_MP4: readonly string[] = ['-empty_hdlr_name', '1', '-write_tmcd', '0', '-f', 'mp4']

/** The complete argument list of a plan. Pure. */
export function ffmpegArguments(plan: FfmpegPlan): string[] {
  const command = fluentFfmpeg()
  // More than one argument at a time, here and below: fluent-ffmpeg would split a single one at its space.
  command
    .input('/in')
    .inputOptions(
      ...pair('-nostdin', '-hide_banner', [
        ...[
          '-v',
          'error',
          '-nostats',
          '-progress',
          'pipe:2',
          '-filter_threads',
          '1',
          '-max_alloc',
          MAX_ALLOC,
        ],
        ...[...untrustedInput(plan.container), '-max_pixels', String(MAX_PIXELS), '-threads', THREADS],
        ...(plan.strict ? ['-xerror', '-err_detect', '+explode'] : []),
      ]),
    )
  for (const output of plan.outputs) {
    command.output(output.target === 'stdout' ? 'pipe:1' : `/out/${output.target.file}`)
    if (output.videoFilters !== undefined) command.videoFilters([...output.videoFilters])
    if (output.audioFilters !== undefined) command.audioFilters([...output.audioFilters])
    command.outputOptions(...pair('-threads', THREADS, output.options))
  }
  return (command as unknown as WithArguments)._getArguments()
}

function pair(first: string, second: string, rest: readonly string[]): [string, string, ...string[]] {
  return [first, second, ...rest]
}

/**
 * Runs a plan.
 *
 * Effects: the plan's files in `outputDir`.
 * Errors: `media_damaged` when ffmpeg gives up on the input, `tool_timeout`, `tool_failed`.
 */
export async function runFfmpeg(plan: FfmpegPlan, run: FfmpegRun): Promise<void> {
  const result = await runTool({
    name: 'ffmpeg',
    program: '/usr/bin/ffmpeg',
    args: ffmpegArguments(plan),
    input: run.input,
    outputDir: run.outputDir,
    deadlineMs: run.deadlineMs,
    limits: {
      addressSpaceBytes: 6_000_000_000,
      dataBytes: 4_000_000_000,
      cpuSeconds: Math.ceil(run.deadlineMs / 1000) * 4,
      fileBytes: run.outputBytes,
      processes: 128,
    },
    stdoutBytes: Number.MAX_SAFE_INTEGER,
    ...(run.onStdout === undefined ? {} : { onStdout: run.onStdout }),
    ...(run.onProgress === undefined ? {} : { onStderr: progressReader(run.onProgress) }),
    signal: run.signal,
  })
  if (result.exitCode === 0) return
  if (/No space left|Disk quota/i.test(result.stderr)) throw new AppError('disk_full')
  if (/File too large/i.test(result.stderr)) {
    throw new AppError('tool_failed', { details: { tool: 'ffmpeg', reason: 'output_too_big' } })
  }
  if (/Cannot allocate memory/i.test(result.stderr)) {
    throw new AppError('tool_failed', { details: { tool: 'ffmpeg', reason: 'memory' } })
  }
  if (machineFailed(result))
    throw new AppError('tool_failed', { details: { tool: 'ffmpeg', reason: 'machine' } })
  throw new AppError('media_damaged', { details: { status: result.exitCode } })
}

/** Reads `out_time_us=…` lines, which may be cut anywhere. */
function progressReader(report: (doneMs: number) => void): (chunk: Buffer) => void {
  let rest = ''
  return (chunk) => {
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = (lines.pop() ?? '').slice(-200)
    for (const line of lines) {
      const micro = /^out_time_us=(\d+)$/.exec(line)?.[1]
      if (micro !== undefined) report(Number(micro) / 1000)
    }
  }
}
