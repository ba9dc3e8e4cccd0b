import { describe, expect, test } from 'vitest'
import { median, rounded } from '../../src/bench/benchmark.ts'
import { BENCHMARKS } from '../../src/bench/benchmarks.ts'
import { measured } from '../../src/bench/measured.ts'
import { runSystem } from '../../src/bench/processes.ts'
import { benchVerb } from '../../src/cli/bench.ts'
import { UsageError, type Output } from '../../src/cli/verb.ts'

const silent: Output = {
  line: () => undefined,
  json: () => undefined,
  note: () => undefined,
  rewrite: () => undefined,
  isTerminal: false,
}

describe('the verb', () => {
  test.each([[['nonsense']], [[]], [['intake', 'derive']], [['intake', '--quick']]])(
    'is called wrongly with %j, and measures nothing',
    async (args) => {
      await expect(benchVerb.run(args, silent)).rejects.toBeInstanceOf(UsageError)
    },
  )

  test('names every benchmark in its usage, and says what each measures', () => {
    expect(BENCHMARKS.length).toBeGreaterThan(0)
    for (const { name, summary } of BENCHMARKS) {
      expect(benchVerb.usage.join(' ')).toContain(name)
      expect(benchVerb.details.join('\n')).toContain(summary)
    }
  })
})

describe('the arithmetic', () => {
  test('the median is the middle value, or the mean of the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([7])).toBe(7)
  })

  test('one wild run does not move it', () => {
    expect(median([1, 1.1, 900])).toBe(1.1)
  })

  test('figures keep three digits', () => {
    expect(rounded(0.123456)).toBe(0.123)
    expect(rounded(1234.5)).toBe(1230)
  })
})

test('the cost of work includes the programs it starts, and theirs', async () => {
  // A shell that starts a second one, which is where the time goes.
  const busy = 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done'
  const { seconds, cpuSeconds } = await measured(() =>
    runSystem('/bin/sh', ['-c', `/bin/sh -c '${busy}'; true`]),
  )
  expect(cpuSeconds).toBeGreaterThan(0.05)
  expect(cpuSeconds).toBeLessThan(seconds * 2)
})
