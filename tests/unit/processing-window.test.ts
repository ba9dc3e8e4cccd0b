import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { readEnvironment } from '../../src/config/env.ts'
import { lastDayOfWrap } from '../../src/jobs/upkeep.ts'

const DAY_MS = 86_400_000
const MIDNIGHT = Date.UTC(2027, 1, 27)

const window = (setting: string): number => {
  const { environment, unknown } = readEnvironment({ FOOTBRIDGE_PROCESSING_WINDOW: setting })
  return loadConfig(environment, unknown).processingWindowDays
}

test.each([
  ['0', 1],
  ['1', 2],
  ['2', 3],
])('with the setting %s an original is open on %i days, its own included', (setting, days) => {
  for (const at of [MIDNIGHT, MIDNIGHT + DAY_MS - 1]) {
    const last = Date.parse(lastDayOfWrap(at, window(setting)))
    expect((last - MIDNIGHT) / DAY_MS + 1).toBe(days)
  }
})

test('the longest setting is never more than the 72 hours that are promised', () => {
  const closesAt = Date.parse(lastDayOfWrap(MIDNIGHT, window('2'))) + DAY_MS
  expect(closesAt - MIDNIGHT).toBe(72 * 3_600_000)
})
