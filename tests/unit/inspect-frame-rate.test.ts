import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameTiming } from '../../src/process/inspect/frame-rate.ts'

const TICK = { num: 1, den: 90_000 }
const times = (count: number, step: (n: number) => number): Float64Array =>
  Float64Array.from({ length: count }, (_, n) => Math.round(step(n)))

describe('the frame rate of a clip', () => {
  it.each([
    [24000, 1001],
    [24, 1],
    [25, 1],
    [30000, 1001],
    [30, 1],
    [50, 1],
    [60000, 1001],
    [60, 1],
    [120, 1],
    [240, 1],
  ])('is exact for %d/%d', (num, den) => {
    const timing = frameTiming(
      times(600, (n) => (n * 90_000 * den) / num),
      TICK,
    )
    expect(timing).toEqual({ rate: { num, den }, variable: false, frames: 600 })
  })

  it('is exact where the container counts in milliseconds', () => {
    const timing = frameTiming(
      times(900, (n) => (n * 1001) / 30),
      { num: 1, den: 1000 },
    )
    expect(timing.rate).toEqual({ num: 30000, den: 1001 })
    expect(timing.variable).toBe(false)
  })

  it('is told to vary where frames come as the light allows', () => {
    let now = 0
    const timing = frameTiming(
      times(300, (n) => (now += n % 7 < 3 ? 3000 : 4500)),
      TICK,
    )
    expect(timing.variable).toBe(true)
  })

  it('is told to vary for two frames twenty hours apart', () => {
    const timing = frameTiming(Float64Array.from([0, 20 * 3600 * 90_000]), TICK)
    expect(timing.variable).toBe(true)
    expect(timing.frames).toBe(2)
  })

  it('is always a positive ratio, whatever the time stamps are', () => {
    const stamps = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { maxLength: 200 })
    fc.assert(
      fc.property(stamps, (times) => {
        const timing = frameTiming(Float64Array.from(times).sort(), TICK)
        expect(timing.rate.num).toBeGreaterThan(0)
        expect(timing.rate.den).toBeGreaterThan(0)
        expect(timing.frames).toBe(times.length)
      }),
    )
  })
})
