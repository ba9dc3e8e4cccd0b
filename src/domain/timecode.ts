/**
 * Frames, time and SMPTE timecode, exact at every rate.
 *
 * A frame is a whole number counted from 0; a rate is a ratio of whole numbers; only what a media element or a
 * person is told is a float. Timecode is a way of writing frame numbers: at 29.97 and 59.94 it may leave out labels
 * (drop frame) to keep pace with the clock, and never leaves out frames.
 * Source: SMPTE ST 12-1, section 5.2.
 */
import type { MediaInfo, Rational } from './media.ts'

/**
 * How far before a frame's true start a reported time may lie and still mean that frame, in frames. Browsers cut times
 * to microseconds and containers round to their time base: to the nearest 1/600 s, the coarsest in use by phones, is
 * up to 0.05 of a frame at 60 frames a second.
 */
const FRAME_SLACK = 0.05

/** Frames a second as timecode counts them: 24 for 24000/1001, 30 for 30000/1001. At least 1. */
export function nominalRate(rate: Rational): number {
  return Math.max(1, Math.round(rate.num / rate.den))
}

/** Can timecode at this rate be drop-frame? At 30000/1001 and its whole multiples. */
export function mayDropFrames(rate: Rational): boolean {
  return (rate.num * 1001) % (rate.den * 30_000) === 0
}

/** Is it the same rate? 60/2 is 30/1. */
export function sameRate(a: Rational, b: Rational): boolean {
  return a.num * b.den === b.num * a.den
}

/** The rate for people, such as `29.97` or `25`; at most three decimals. */
export function rateName(rate: Rational): string {
  // The trade cuts 23.976 at three decimals and 29.97 and 59.94 at two; those are what rounding to three leaves.
  return String(Math.round((rate.num / rate.den) * 1000) / 1000)
}

/** Seconds from the start of frame 0 to the start of `frame`. */
export function frameStartSeconds(frame: number, rate: Rational): number {
  return (frame * rate.den) / rate.num
}

/** A moment well inside `frame`, in seconds: where a player must go to show exactly that frame. */
export function frameMiddleSeconds(frame: number, rate: Rational): number {
  return ((2 * frame + 1) * rate.den) / (2 * rate.num)
}

/** The frame that is on screen at `seconds`. Never below 0. */
export function frameAtSeconds(seconds: number, rate: Rational): number {
  return Math.max(0, Math.floor((seconds * rate.num) / rate.den + FRAME_SLACK))
}

/** Number of frames in `durationMs`, to the nearest. */
export function framesInMs(durationMs: number, rate: Rational): number {
  return Math.round((durationMs * rate.num) / (1000 * rate.den))
}

/** The frame at rate `to` that starts nearest to where `frame` starts at rate `from`; exact, halves go up. */
export function convertFrame(frame: number, from: Rational, to: Rational): number {
  const num = BigInt(frame) * BigInt(from.den) * BigInt(to.num)
  const den = BigInt(from.num) * BigInt(to.den)
  return Number((2n * num + den) / (2n * den))
}

/**
 * Writes a frame number as `HH:MM:SS:FF`, or `HH:MM:SS;FF` where `drop` is true. Hours run on past 24.
 *
 * `drop` counts only where the rate can be drop-frame.
 */
export function formatTimecode(frame: number, rate: Rational, drop = false): string {
  const fps = nominalRate(rate)
  const dropping = drop && mayDropFrames(rate)
  const label = dropping ? frame + droppedBefore(frame, fps) : frame
  const part = (value: number): string => String(value).padStart(2, '0')
  const seconds = Math.floor(label / fps)
  const width = Math.max(2, String(fps - 1).length)
  const frames = String(label % fps).padStart(width, '0')
  return `${part(Math.floor(seconds / 3600))}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}${dropping ? ';' : ':'}${frames}`
}

/**
 * Reads `HH:MM:SS:FF`; a semicolon or full stop before the frames says drop-frame. Returns the frame number, or
 * undefined for anything else, for a label that drop-frame leaves out, and for drop-frame at a rate without it.
 */
export function parseTimecode(text: string, rate: Rational): number | undefined {
  const found = /^(\d{1,3})[:;](\d{2})[:;](\d{2})([:;.])(\d{2,3})$/.exec(text)
  if (found === null) return undefined
  const [hours = 0, minutes = 0, seconds = 0] = found.slice(1, 4).map(Number)
  const frames = Number(found[5])
  const fps = nominalRate(rate)
  if (minutes > 59 || seconds > 59 || frames >= fps) return undefined
  const label = ((hours * 60 + minutes) * 60 + seconds) * fps + frames
  if (found[4] === ':') return label
  if (!mayDropFrames(rate)) return undefined
  const perMinute = droppedPerMinute(fps)
  if (seconds === 0 && frames < perMinute && minutes % 10 !== 0) return undefined
  const wholeMinutes = hours * 60 + minutes
  return label - perMinute * (wholeMinutes - Math.floor(wholeMinutes / 10))
}

/**
 * Reads what an editor types into a timecode field, relative to the frame the player is at.
 *
 * `+12` and `-12` are frames onward and back; digits alone fill the timecode from the right (`100` is one second at
 * any rate, `01000000` an hour); with separators, missing parts on the left are zero (`1:00` is one second).
 * Undefined where it is none of these. Never below 0.
 */
export function parseTimecodeEntry(
  typed: string,
  rate: Rational,
  current: number,
  drop = false,
): number | undefined {
  const text = typed.trim()
  if (/^[+-]\d{1,7}$/.test(text)) return Math.max(0, current + Number(text))
  const parts = /^\d{1,8}$/.test(text) ? text.padStart(8, '0').match(/\d\d/g) : text.split(/[:;.]/)
  if (parts === null || parts.length > 4 || parts.some((part) => !/^\d{1,2}$/.test(part))) return undefined
  const [hours, minutes, seconds, frames] = [...Array<string>(4 - parts.length).fill('00'), ...parts].map(
    (part) => part.padStart(2, '0'),
  )
  const separator = drop && mayDropFrames(rate) ? ';' : ':'
  return parseTimecode(
    `${hours ?? '00'}:${minutes ?? '00'}:${seconds ?? '00'}${separator}${frames ?? '00'}`,
    rate,
  )
}

/** What marks on sound without picture count in. */
const SOUND_RATE: Rational = { num: 25, den: 1 }

/** The rate in which marks on this media are counted: that of its proxy. */
export function markRate(media: MediaInfo): Rational {
  return media.video?.frameRate ?? SOUND_RATE
}

/** How many frames marks can be set on; 0 for a still, which has none. */
export function markFrames(media: MediaInfo): number {
  if (media.kind === 'still') return 0
  const { video } = media
  // Where frames come unevenly, the player and the marks count time in steps of the rate.
  if (video?.frames !== undefined && !video.variableFrameRate) return video.frames
  return framesInMs(media.durationMs, markRate(media))
}

/**
 * The timecode of a clip's frame as the player shows it and every export writes it: each clip starts at one o'clock,
 * because a time of day would tell when it was filmed. Drop-frame where the rate allows it.
 */
export function clipTimecode(frame: number, rate: Rational): string {
  return formatTimecode(hourFrame(rate) + frame, rate, true)
}

/** The frame whose label is one hour: 107892 at 29.97, where labels are dropped, 90000 at 25. */
export function hourFrame(rate: Rational): number {
  const fps = nominalRate(rate)
  return 3600 * fps - (mayDropFrames(rate) ? 54 * droppedPerMinute(fps) : 0)
}

/** Two labels a minute at 29.97, four at 59.94; none in every tenth minute. */
function droppedPerMinute(fps: number): number {
  return fps / 15
}

/** How many labels were left out before the label of `frame`. */
function droppedBefore(frame: number, fps: number): number {
  const perMinute = droppedPerMinute(fps)
  const framesPerMinute = fps * 60 - perMinute
  const framesPerTen = framesPerMinute * 10 + perMinute
  const tens = Math.floor(frame / framesPerTen)
  const rest = frame % framesPerTen
  // The first minute of ten keeps all its labels and is longer than the others by what they leave out.
  const minutes = rest < fps * 60 ? 0 : 1 + Math.floor((rest - fps * 60) / framesPerMinute)
  return perMinute * (9 * tens + minutes)
}
