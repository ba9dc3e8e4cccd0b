/**
 * Cut list → CMX 3600 edit decision list, the one cut format that every edit suite reads.
 *
 * A list has one frame rate and does not say which, counts at most 999 events and 30 frames a second, knows eight
 * letters of a reel, and no stills. So: the list counts at the rate of most of its cuts, at a half or a quarter of it
 * where that is above 30; cuts of another rate are converted to the nearest frame and say so in a comment; stills are
 * named at the end. Comments stand below an event only, because readers stop at one above the first.
 *
 * Source: CMX 3600 as written by Premiere and Avid and read by OpenTimelineIO's adapter. Pure.
 */
import { AppError } from '../../domain/errors.ts'
import type { Rational } from '../../domain/media.ts'
import {
  convertFrame,
  formatTimecode,
  hourFrame,
  mayDropFrames,
  nominalRate,
  rateName,
  sameRate,
} from '../../domain/timecode.ts'
import type { Cut, CutList } from './cut-list.ts'

const LIST_RATES: readonly Rational[] = [
  { num: 24_000, den: 1001 },
  { num: 24, den: 1 },
  { num: 25, den: 1 },
  { num: 30_000, den: 1001 },
  { num: 30, den: 1 },
]
/** Where most of a list is at a rate that fits none: the one that converts with the least harm to both neighbours. */
const LAST_RESORT: Rational = { num: 25, den: 1 }
const MAX_EVENTS = 999
const MAX_TITLE = 70
const DAY_HOURS = 24

/**
 * Writes the list, lines ended by CR LF. Source timecode is that of the player (`clipTimecode`), and of the
 * timecode track in master and proxy, at the list's rate; the record side starts at one hour and runs on without gaps.
 *
 * Errors: `nothing_to_cut`; `edl_too_long` over 999 events or past the end of a day.
 */
export function writeEdl(list: CutList): string {
  const cuts = list.cuts.filter((cut) => cut.kind !== 'still')
  if (cuts.length === 0) throw new AppError('nothing_to_cut')
  if (cuts.length > MAX_EVENTS) throw new AppError('edl_too_long', { details: { events: cuts.length } })
  const rate = listRate(cuts.map((cut) => cut.rate))
  const drop = mayDropFrames(rate)
  const start = hourFrame(rate)
  const code = (frame: number): string => formatTimecode(start + frame, rate, drop)

  const lines = [
    `TITLE: ${plain(list.title, MAX_TITLE) || 'UNTITLED'}`,
    `FCM: ${drop ? '' : 'NON-'}DROP FRAME`,
    '',
  ]
  let record = 0
  for (const [index, cut] of cuts.entries()) {
    const from = convertFrame(cut.inFrame, cut.rate, rate)
    // A cut shorter than half a frame of the list is still something that somebody wanted.
    const length = Math.max(1, convertFrame(cut.outFrame, cut.rate, rate) - from)
    lines.push(
      [
        `${String(index + 1).padStart(3, '0')} `,
        cut.clip.reel.padEnd(8),
        channels(cut).padEnd(5),
        'C        ',
      ].join(' ') + [code(from), code(from + length), code(record), code(record + length)].join(' '),
      `* FROM CLIP NAME: ${cut.fileName}`,
      ...(index === 0 ? [`* FRAME RATE: ${rateName(rate)}`] : []),
      ...(sameRate(cut.rate, rate) ? [] : [`* SOURCE FRAME RATE: ${rateName(cut.rate)}`]),
      ...note('TITLE', cut.clip.title),
      ...note('SELECT', cut.label),
    )
    record += length
  }
  if (start + record > DAY_HOURS * hourFrame(rate))
    throw new AppError('edl_too_long', { details: { hours: DAY_HOURS } })
  for (const cut of list.cuts.filter(({ kind }) => kind === 'still')) {
    lines.push(`* NOT IN THIS LIST, A STILL: ${cut.fileName}`)
  }
  for (const { clip } of list.waiting) lines.push(`* NOT IN THIS LIST, NOT READY: ${clip.reel}`)
  return lines.map((line) => `${line}\r\n`).join('')
}

/** The rate that most of `rates` have or are a whole multiple or part of; the earlier one where two are as common. */
export function listRate(rates: readonly Rational[]): Rational {
  const votes = new Map<Rational, number>()
  for (const rate of rates) {
    const fitting = listRateFor(rate)
    if (fitting !== undefined) votes.set(fitting, (votes.get(fitting) ?? 0) + 1)
  }
  let best: Rational | undefined
  for (const [rate, count] of votes) if (best === undefined || count > (votes.get(best) ?? 0)) best = rate
  return best ?? LAST_RESORT
}

function listRateFor(rate: Rational): Rational | undefined {
  const whole = (a: Rational, b: Rational): boolean => (a.num * b.den) % (a.den * b.num) === 0
  return (
    LIST_RATES.find((known) => sameRate(known, rate)) ??
    LIST_RATES.filter((known) => whole(rate, known) || whole(known, rate)).sort(
      (a, b) => nominalRate(b) - nominalRate(a),
    )[0]
  )
}

/** `V` picture, `A` sound; `B` and `AA/V` are both, with one and with two channels. */
function channels(cut: Cut): string {
  if (cut.kind === 'audio') return cut.channels > 1 ? 'AA' : 'A'
  return cut.channels === 0 ? 'V' : cut.channels === 1 ? 'B' : 'AA/V'
}

function note(name: string, text: string): string[] {
  const said = plain(text, 200)
  return said === '' ? [] : [`* ${name}: ${said}`]
}

/** One line that can be nothing but text: no line ends, no control or direction marks. */
function plain(text: string, maxLetters: number): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]+/gu, ' ').replace(/ +/g, ' ')
  return [...line.trim()].slice(0, maxLetters).join('').trim()
}
