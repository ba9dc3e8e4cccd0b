/** Receiving: our intake, sealing and syncing, beside stock `@tus/server` with its file store, which does neither. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { UPLOADS_PATH } from '../domain/upload.ts'
import { median, rounded, type BenchOptions, type Benchmark, type Figures } from './benchmark.ts'
import { createInstallation, openSession } from './installation.ts'
import {
  beside,
  cpuSeconds,
  runProgram,
  runSystem,
  startProgram,
  startServer,
  type Program,
} from './processes.ts'
import type { Load } from './tus-load-program.ts'

const MIB = 1_048_576
const SIZES = {
  quick: { pairs: 3, one: 256 * MIB, twenty: 16 * MIB },
  full: { pairs: 5, one: 1024 * MIB, twenty: 32 * MIB },
} as const

type Side = { readonly program: Program; readonly url: string; readonly bearer: string | undefined }
type Run = { readonly megabytesPerSecond: number; readonly cpuSecondsPerGb: number }

/** One stream and twenty, pair by pair in the same run, each side first in turn; medians. */
export const intakeBench: Benchmark = {
  name: 'intake',
  summary: 'MB/s of our intake beside stock tus with its file store; one stream, twenty streams',
  run: async (options) => {
    const stockFolder = join(options.folder, 'stock')
    await mkdir(stockFolder)
    const installation = await createInstallation(options.folder)
    const { program: ours } = await startServer(installation.environment, ['--role', 'intake'])
    try {
      const { program: stock, report } = await startProgram(beside('stock-tus-program.ts'), [stockFolder])
      try {
        const token = await openSession(installation.intakeUrl, installation.code)
        return await compare(
          options,
          { program: ours, url: `${installation.intakeUrl}${UPLOADS_PATH}`, bearer: token },
          { program: stock, url: (report as { url: string }).url, bearer: undefined },
        )
      } finally {
        await stock.stop()
      }
    } finally {
      await ours.stop()
    }
  },
}

async function compare(options: BenchOptions, ours: Side, stock: Side): Promise<Figures> {
  const size = options.full ? SIZES.full : SIZES.quick
  // Both have seen bytes before the clock runs.
  for (const side of [ours, stock]) await send(side, 1, 16 * MIB)

  const ratios = async (
    streams: number,
    bytesEach: number,
  ): Promise<{ ratio: number; ours: Run[]; stock: Run[] }> => {
    const runs: { ours: Run[]; stock: Run[] } = { ours: [], stock: [] }
    for (let pair = 0; pair < size.pairs; pair++) {
      const order = pair % 2 === 0 ? (['ours', 'stock'] as const) : (['stock', 'ours'] as const)
      for (const name of order)
        runs[name].push(await send(name === 'ours' ? ours : stock, streams, bytesEach))
      const [mine, theirs] = [runs.ours.at(-1), runs.stock.at(-1)]
      options.note(
        `${String(streams)} × ${String(bytesEach / MIB)} MiB: ours ${speed(mine)}, stock ${speed(theirs)} MB/s`,
      )
    }
    const each = runs.ours.map(
      (run, index) => run.megabytesPerSecond / (runs.stock[index]?.megabytesPerSecond ?? Number.NaN),
    )
    return { ratio: median(each), ...runs }
  }
  const one = await ratios(1, size.one)
  const twenty = await ratios(20, size.twenty)
  return {
    vsStockOne: rounded(one.ratio),
    vsStockTwenty: rounded(twenty.ratio),
    cpuSecPerGB: rounded(median(one.ours.map((run) => run.cpuSecondsPerGb))),
    cpuSecPerGBStock: rounded(median(one.stock.map((run) => run.cpuSecondsPerGb))),
    mbPerSecOne: rounded(median(one.ours.map((run) => run.megabytesPerSecond))),
    mbPerSecOneStock: rounded(median(one.stock.map((run) => run.megabytesPerSecond))),
    mbPerSecTwenty: rounded(median(twenty.ours.map((run) => run.megabytesPerSecond))),
    mbPerSecTwentyStock: rounded(median(twenty.stock.map((run) => run.megabytesPerSecond))),
  }
}

async function send(side: Side, streams: number, bytesEach: number): Promise<Run> {
  // What the run before left for the disk to write would otherwise be paid for by this one.
  await runSystem('/usr/bin/sync', [])
  const load: Load = { url: side.url, bearer: side.bearer, streams, bytesEach }
  const before = await cpuSeconds(side.program.pid)
  const sent = (await runProgram(beside('tus-load-program.ts'), [JSON.stringify(load)])) as {
    seconds: number
    bytes: number
  }
  const used = (await cpuSeconds(side.program.pid)) - before
  return { megabytesPerSecond: sent.bytes / 1e6 / sent.seconds, cpuSecondsPerGb: (used * 1e9) / sent.bytes }
}

function speed(run: Run | undefined): string {
  return (run?.megabytesPerSecond ?? 0).toFixed(0)
}
