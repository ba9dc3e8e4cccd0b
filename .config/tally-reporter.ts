import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'

/**
 * Ends a run with one plain line, `N passed, N failed, N skipped`, and fails a run that has nothing to show.
 *
 * A file that does not load, a failing hook, and an error outside any test count as one failure each: otherwise
 * a run whose files all fail to import would end with "0 failed". Every set in `expected` must have run a test.
 */
export class TallyReporter implements Reporter {
  readonly #expected: readonly string[]

  constructor(expected: readonly string[]) {
    this.#expected = expected
  }

  /** Prints the tally when the run is over; sets the exit status when a set turned out to be empty. */
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandled: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    const ran = new Map(this.#expected.map((set) => [set, 0]))
    const tally = { passed: 0, failed: unhandled.length, skipped: 0 }
    for (const module of modules) {
      tally.failed += module.errors().length
      for (const suite of module.children.allSuites()) tally.failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const state = test.result().state
        if (state === 'passed' || state === 'failed') {
          tally[state] += 1
          ran.set(module.project.name, (ran.get(module.project.name) ?? 0) + 1)
        } else tally.skipped += 1
      }
    }
    const empty = [...ran].filter(([, tests]) => tests === 0).map(([set]) => set)
    const nothing = tally.passed + tally.failed === 0
    if (empty.length > 0 || nothing) {
      process.exitCode = 1
      tally.failed += Math.max(1, empty.length)
      write(empty.length > 0 ? `No test ran in: ${empty.join(', ')}` : 'No test ran.')
    }
    if (reason === 'interrupted') write('The run was interrupted; the figures are those so far.')
    write(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`)
  }
}

function write(line: string): void {
  process.stdout.write(`${line}\n`)
}
