/** Finds the exact frame rate of a clip from when its frames are shown. Pure. */

import type { Rational } from '../../domain/media.ts'

/** Rates that cameras and editors use; a measured rate is one of these or the clip varies. */
const STANDARD: readonly Rational[] = [
  ...[6, 8, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 200, 240, 480, 960].map((num) => ({
    num,
    den: 1,
  })),
  ...[12000, 15000, 24000, 30000, 48000, 60000, 120000, 240000].map((num) => ({ num, den: 1001 })),
  { num: 25, den: 2 },
]

/** How far a frame may lie from its place in a constant rate: less than half a frame, so that none can change place. */
const JITTER = 0.4
/** How far the mean rate may be from a standard one; 29.97 and 30 are 0.1 % apart. */
const RATE_TOLERANCE = 0.0004
/** Over a short clip the mean is coarse: half a tick of a 1/600 clock at both ends. */
const COARSE_SECONDS = 1 / 600

/** The rate a clip is shown at; `rate` is the nearest standard one where it varies. */
export type FrameTiming = { readonly rate: Rational; readonly variable: boolean; readonly frames: number }

/** Judges presentation times, in order, in ticks of `timeBase`. */
export function frameTiming(times: Float64Array, timeBase: Rational, guess?: Rational): FrameTiming {
  const frames = times.length
  const first = times[0] ?? 0
  const last = times[frames - 1] ?? 0
  if (frames < 2 || last <= first) return { rate: guess ?? { num: 30, den: 1 }, variable: false, frames }

  const seconds = ((last - first) * timeBase.num) / timeBase.den
  const mean = (frames - 1) / seconds
  const tolerance = Math.max(RATE_TOLERANCE, Math.min(0.01, COARSE_SECONDS / seconds))
  const fitting = STANDARD.filter((rate) => Math.abs(value(rate) / mean - 1) <= tolerance).sort(
    (a, b) => misfit(times, timeBase, a) - misfit(times, timeBase, b) || a.den - b.den,
  )
  const best = fitting[0]
  if (best !== undefined && misfit(times, timeBase, best) <= JITTER)
    return { rate: best, variable: false, frames }
  return { rate: nearestStandard(medianRate(times, timeBase)), variable: true, frames }
}

/** The standard rate that is nearest to `rate` frames per second. */
function nearestStandard(rate: number): Rational {
  let best: Rational = { num: 30, den: 1 }
  for (const standard of STANDARD) {
    if (Math.abs(Math.log(value(standard) / rate)) < Math.abs(Math.log(value(best) / rate))) best = standard
  }
  return best
}

function value(rate: Rational): number {
  return rate.num / rate.den
}

/** Largest distance of a frame from its place at a constant rate, in frames; whole part of the offset taken out. */
function misfit(times: Float64Array, timeBase: Rational, rate: Rational): number {
  const perTick = (timeBase.num / timeBase.den) * value(rate)
  const first = times[0] ?? 0
  let low = 0
  let high = 0
  times.forEach((time, index) => {
    const off = (time - first) * perTick - index
    low = Math.min(low, off)
    high = Math.max(high, off)
  })
  return (high - low) / 2
}

function medianRate(times: Float64Array, timeBase: Rational): number {
  const steps = new Float64Array(Math.max(0, times.length - 1))
  for (let index = 0; index < steps.length; index++)
    steps[index] = (times[index + 1] ?? 0) - (times[index] ?? 0)
  steps.sort()
  const median = steps[steps.length >> 1] ?? 1
  return median > 0 ? timeBase.den / (median * timeBase.num) : 30
}
