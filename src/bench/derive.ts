/** Making what editors watch: our one decode beside plain ffmpeg commands, and how it keeps up with the clock. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createMediaTools } from '../adapters/tools/media-tools.ts'
import { deriveMedia } from '../process/derive/derive.ts'
import { sanitizeFile } from '../process/standalone.ts'
import { median, rounded, type BenchOptions, type Benchmark, type Figures } from './benchmark.ts'
import { FFMPEG, makeFootage } from './footage.ts'
import { measured, type Measured } from './measured.ts'
import { runSystem } from './processes.ts'

const SIZES = { quick: { runs: 2, seconds: 20 }, full: { runs: 3, seconds: 60 } } as const

/** 1080p30 with sound: clean it, make everything of the master, and make the same with plain commands; medians. */
export const deriveBench: Benchmark = {
  name: 'derive',
  summary: 'proxy, poster, filmstrip and waveform of 1080p30 footage, beside plain ffmpeg commands',
  run: async (options) => {
    const size = options.full ? SIZES.full : SIZES.quick
    const clip = await makeFootage(options.folder, 'clip', { seconds: size.seconds, sound: true })
    const scratchRoot = join(options.folder, 'scratch')
    const tools = createMediaTools({ scratchRoot })
    const rounds: Round[] = []
    for (let run = 0; run < size.runs; run++) {
      const folder = join(options.folder, String(run))
      await mkdir(folder)
      const master = join(folder, 'master.mp4')
      const cleaned = await measured(() => sanitizeFile(clip, master, tools))
      const derived = await measured(() =>
        tools.withScratch(async (work) => {
          const masterPath = await tools.readable(master, work)
          const outputDir = join(work, 'derived')
          await mkdir(outputDir, { mode: 0o700 })
          await deriveMedia({ masterPath, outputDir, tools })
        }),
      )
      const round = { cleaned, derived, ...(await plainCommands(folder, master, size.seconds)) }
      rounds.push(round)
      say(options, size.seconds, round)
    }
    return figures(rounds, size.seconds)
  },
}

type Round = {
  readonly cleaned: Measured
  readonly derived: Measured
  /** The proxy alone. */
  readonly encode: Measured
  /** Poster, filmstrip and waveform, each by a command that decodes by itself. */
  readonly rest: readonly Measured[]
}

async function plainCommands(
  folder: string,
  master: string,
  seconds: number,
): Promise<Pick<Round, 'encode' | 'rest'>> {
  const run = (...args: string[]): Promise<Measured> =>
    measured(() => runSystem(FFMPEG, ['-nostdin', '-v', 'error', '-y', '-i', master, ...args]))
  const tiles = `fps=1,scale=160:-2,tile=10x${String(Math.ceil(seconds / 10))}`
  const encode = await run(
    ...['-vf', 'scale=1280:720,format=yuv420p', '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23'],
    ...[
      '-force_key_frames',
      'expr:gte(t,n_forced)',
      '-c:a',
      'aac',
      '-b:a',
      '128k',
      join(folder, 'plain.mp4'),
    ],
  )
  const rest = [
    await run(
      '-vf',
      "select='gte(t,1)',scale=640:-2",
      '-frames:v',
      '1',
      '-an',
      join(folder, 'plain-poster.jpg'),
    ),
    await run('-vf', tiles, '-frames:v', '1', '-an', join(folder, 'plain-strip.jpg')),
    await run('-vn', '-f', 's16le', '-ar', '48000', '/dev/null'),
  ]
  return { encode, rest }
}

function say(options: BenchOptions, clipSeconds: number, { cleaned, derived, encode }: Round): void {
  const [clean, derive, plain] = [cleaned, derived, encode].map((part) => part.seconds.toFixed(1))
  options.note(
    `${String(clipSeconds)} s: clean ${clean ?? ''} s, derive ${derive ?? ''} s, plain encode ${plain ?? ''} s`,
  )
}

function figures(rounds: readonly Round[], clipSeconds: number): Figures {
  const middle = (of: (round: Round) => number): number => rounded(median(rounds.map(of)))
  const separate = ({ encode, rest }: Round): number =>
    rest.reduce((sum, part) => sum + part.cpuSeconds, encode.cpuSeconds)
  return {
    vsSeparateCpu: middle((round) => round.derived.cpuSeconds / separate(round)),
    vsBareEncodeCpu: middle((round) => round.derived.cpuSeconds / round.encode.cpuSeconds),
    xRealtime1080p: middle((round) => clipSeconds / round.derived.seconds),
    workSecPerMinute1080p: middle(
      (round) => ((round.cleaned.seconds + round.derived.seconds) * 60) / clipSeconds,
    ),
  }
}
