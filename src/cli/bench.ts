/** `bench`: the project's own measurements, one JSON object each. */
import { BENCHMARKS, runBenchmark, type BenchReport } from '../bench/benchmarks.ts'
import { readArguments, UsageError, type Output, type Verb } from './verb.ts'

const NAMES = BENCHMARKS.map((benchmark) => benchmark.name)

/** Runs one benchmark or all of them. */
export const benchVerb: Verb = {
  name: 'bench',
  summary: 'measures this machine: one benchmark, or all',
  usage: [`bench ${[...NAMES, 'all'].join('|')} [--full] [--json]`],
  details: [
    ...BENCHMARKS.map((benchmark) => `${benchmark.name.padEnd(9)} ${benchmark.summary}`),
    '',
    'The quick size is the default; --full takes longer and swings less. Files are written below /var/tmp and removed.',
    'Needs the development packages: stock programs are run beside ours. With --json, `all` prints a list.',
  ],
  async run(args, out) {
    const { values, rest } = readArguments(args, { full: 'boolean', json: 'boolean' }, { least: 1, most: 1 })
    const name = rest[0]
    const chosen = BENCHMARKS.filter((benchmark) => name === 'all' || benchmark.name === name)
    if (chosen.length === 0)
      throw new UsageError(`there is no benchmark "${String(name)}": ${[...NAMES, 'all'].join(', ')}`)
    const reports: BenchReport[] = []
    for (const benchmark of chosen) {
      out.note(`${benchmark.name}: ${benchmark.summary}`)
      const report = await runBenchmark(benchmark, {
        full: values['full'] === true,
        note: (text) => {
          out.note(`  ${text}`)
        },
      })
      if (values['json'] === true) reports.push(report)
      else print(out, report)
    }
    if (values['json'] === true) out.json(name === 'all' ? reports : reports[0])
    return 0
  },
}

function print(out: Output, report: BenchReport): void {
  out.line(`${report.bench} (${String(report.seconds)} s; ${report.machine})`)
  for (const [key, value] of Object.entries(report.figures)) out.line(`  ${key.padEnd(22)} ${String(value)}`)
}
