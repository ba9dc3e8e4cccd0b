import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import type { TestProjectInlineConfiguration } from 'vitest/config'
import { TallyReporter } from './tally-reporter.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The five sets, in the order in which they run. A set runs alone, so that a slow one never starves a quick one. */
const SETS = ['unit', 'conformance', 'integration', 'security', 'e2e'] as const

// A filter on the command line runs a part on purpose; only the whole run must find tests in every set.
const whole = process.env['WHOLE_TEST_RUN'] === '1'

/**
 * Two files at a time: the machine we test on has two cores, and ffmpeg takes what it gets. The browser set
 * gets the machine to itself, because it also watches how long a person has to wait.
 */
function set(name: (typeof SETS)[number], order: number): TestProjectInlineConfiguration {
  const browser = name === 'e2e'
  return {
    root,
    test: {
      name,
      include: [`tests/${name}/**/*.test.ts`],
      pool: 'forks',
      // A forgotten `.only` would leave the rest of its file out of the count.
      allowOnly: !whole,
      maxWorkers: browser ? 1 : 2,
      sequence: { groupOrder: order },
      testTimeout: browser ? 240_000 : 60_000,
      hookTimeout: browser ? 240_000 : 60_000,
    },
  }
}

export default defineConfig({
  root,
  test: {
    projects: SETS.map(set),
    reporters: ['default', new TallyReporter(whole ? SETS : [])],
  },
})
