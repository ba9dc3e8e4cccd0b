/**
 * Cut list → CSV, for spreadsheets and logs.
 *
 * Source: RFC 4180; a byte order mark, because spreadsheets otherwise guess an old encoding and break every script but
 * Latin. Spreadsheets run what begins like a formula, so people's words are defused. Pure.
 */
import { clipTimecode, frameStartSeconds, nominalRate, rateName } from '../../domain/timecode.ts'
import type { Cut, CutClip, CutList } from './cut-list.ts'

const COLUMNS = [
  'Position',
  'Kind',
  'Reel',
  'File',
  'Title',
  'Text',
  'In',
  'Out',
  'Duration',
  'In frame',
  'Out frame',
  'Frames',
  'In seconds',
  'Out seconds',
  'Frames per second',
  'Rating',
  'Tags',
  'Release',
  'Care',
] as const

/**
 * Writes one row for each cut, followed by one for each comment inside it; then one for each clip that is not ready.
 * Out is exclusive, as in an edit list.
 *
 * Timecode, frames and seconds say the same; `Frames per second` is exact, such as `30000/1001`.
 */
export function writeCsv(list: CutList): string {
  const rows = [
    ...list.cuts.flatMap((cut) => [cutRow(cut), ...commentRows(cut)]),
    ...list.waiting.map(({ position, clip }) => describe(clip, [position, 'not ready'], ['', ''], NO_FRAMES)),
  ]
  return `\uFEFF${[COLUMNS, ...rows].map((row) => `${row.map(csvField).join(',')}\r\n`).join('')}`
}

/**
 * One field: quoted where the standard asks for it, and with an apostrophe in front where a spreadsheet would take it
 * for a formula.
 */
export function csvField(value: string | number): string {
  const text = typeof value === 'number' ? String(value) : defuse(value)
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text
}

/** Full-width signs start a formula in East Asian spreadsheets; white space in front of one does not stop it. */
function defuse(text: string): string {
  return /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/u.test(text) ? `'${text}` : text
}

function cutRow(cut: Cut): (string | number)[] {
  return row(cut, cut.whole ? 'clip' : 'select', cut.label, cut.inFrame, cut.outFrame)
}

function commentRows(cut: Cut): (string | number)[][] {
  if (cut.kind === 'still') return cut.clip.comments.map(({ text }) => row(cut, 'comment', text, 0, 0))
  return cut.clip.comments
    .filter(({ frame }) => frame >= cut.inFrame && frame < cut.outFrame)
    .map(({ frame, text }) => row(cut, 'comment', text, frame, frame + 1))
}

function row(cut: Cut, kind: string, text: string, inFrame: number, outFrame: number): (string | number)[] {
  const { rate } = cut
  const times =
    cut.kind === 'still'
      ? NO_FRAMES
      : [
          clipTimecode(inFrame, rate),
          clipTimecode(outFrame, rate),
          duration(outFrame - inFrame, nominalRate(rate)),
          inFrame,
          outFrame,
          outFrame - inFrame,
          frameStartSeconds(inFrame, rate).toFixed(6),
          frameStartSeconds(outFrame, rate).toFixed(6),
          rate.den === 1 ? rateName(rate) : `${String(rate.num)}/${String(rate.den)}`,
        ]
  return describe(cut.clip, [cut.position, kind], [cut.fileName, text], times)
}

const NO_FRAMES: readonly string[] = Array<string>(9).fill('')

function describe(
  clip: CutClip,
  [position, kind]: readonly [number, string],
  [fileName, text]: readonly [string, string],
  times: readonly (string | number)[],
): (string | number)[] {
  const about = [clip.rating, clip.tags.join('; '), clip.release, clip.care.join('; ')]
  return [position, kind, clip.reel, fileName, clip.title, text, ...times, ...about]
}

/** A length is a count of frames, written in groups; labels that drop-frame leaves out are no part of it. */
function duration(frames: number, fps: number): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const seconds = Math.floor(frames / fps)
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60, frames % fps]
    .map(two)
    .join(':')
}
