/** Which benchmarks there are, and how one is run and reported. */
import { rmSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { arch, cpus, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { rounded, type Benchmark, type Figures } from './benchmark.ts'
import { deriveBench } from './derive.ts'
import { intakeBench } from './intake.ts'
import { pagesBench } from './pages.ts'
import { reviewBench } from './review.ts'
import { sanitizeBench } from './sanitize.ts'

/** In the order in which `all` runs them. */
export const BENCHMARKS: readonly Benchmark[] = [
  intakeBench,
  sanitizeBench,
  deriveBench,
  reviewBench,
  pagesBench,
]

/** What one run prints. */
export type BenchReport = {
  readonly bench: string
  readonly figures: Figures
  readonly seconds: number
  readonly machine: string
}

/** Files of a benchmark must lie on a disk, and `/tmp` is memory on some machines. */
const WORK_ROOT = '/var/tmp'

/** Runs one benchmark in a folder of its own, which is removed afterwards. */
export async function runBenchmark(
  benchmark: Benchmark,
  options: { readonly full: boolean; note(text: string): void },
): Promise<BenchReport> {
  const folder = await mkdtemp(join(WORK_ROOT, 'footbridge-bench-'))
  // Started as root the roles are other users, and have to pass through.
  await chmod(folder, 0o711)
  const onSignal = (): void => {
    process.exit(130)
  }
  const onExit = (): void => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal).once('exit', onExit)
  const began = performance.now()
  try {
    const figures = await benchmark.run({ ...options, folder })
    return {
      bench: benchmark.name,
      figures,
      seconds: rounded((performance.now() - began) / 1000),
      machine: machine(),
    }
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('exit', onExit)
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

/** The machine in a line: a figure without it says little. */
function machine(): string {
  const processors = cpus()
  const model = processors[0]?.model.replace(/\s+/g, ' ').trim() ?? 'unknown processor'
  const memory = `${String(Math.round(totalmem() / 1024 ** 3))} GiB`
  return `${String(processors.length)} × ${model}, ${memory}, ${platform()} ${release()} ${arch()}, Node ${process.versions.node}`
}
