/** Timecode as people read and type it in the player. */
import type { Rational } from '../../../domain/media.ts'
import { formatTimecode, hourFrame, parseTimecodeEntry } from '../../../domain/timecode.ts'

/** A number of frames as a length; a length drops no labels. */
export function timecodeLength(frames: number, rate: Rational): string {
  return formatTimecode(Math.max(0, frames), rate)
}

/**
 * The frame that an entry means, from the clip's start; undefined where it means none. What is below one o'clock is
 * taken from the start of the clip, so that `1:00` is one second into it.
 */
export function frameOfEntry(typed: string, rate: Rational, current: number): number | undefined {
  const hour = hourFrame(rate)
  const found = parseTimecodeEntry(typed, rate, hour + current, true)
  if (found === undefined) return undefined
  return found >= hour ? found - hour : /^\s*[+-]/.test(typed) ? 0 : found
}
