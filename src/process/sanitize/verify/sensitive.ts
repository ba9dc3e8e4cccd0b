/** Turns what the source says about people, places and devices into byte strings that must not appear in the master. Pure. */

import type { Tag } from '../../../adapters/tools/exiftool.ts'
import { classOfTag, isBlank } from '../tag-classes.ts'

/** One thing to search for; `name` is the tag it came from, the only part that may be shown. */
export type Needle = { readonly name: string; readonly bytes: Buffer }

/** Marks of programs that no master may carry, whatever the source says. */
const MAKERS_MARKS = [
  'x264 - core',
  'x265 (build',
  'Lavc',
  'Lavf',
  'libfaac',
  'LAME3.',
  'Core Media',
  'GoPro',
  'Exif\0\0',
  'http://ns.adobe.com',
  'ftypqt',
]

/** In this many random bytes a string of n bytes is found by chance with a probability of size / 256^n. */
const CHANCE = 1e-4
const MIN_LENGTH = 5
const MAX_LENGTH = 200
/** So many different values of a source are searched for; the name of the weaker check says so. */
export const MAX_VALUES = 4000

/** What to search for; `whole` is false where the source says more than we search for. */
export type Needles = { readonly needles: readonly Needle[]; readonly whole: boolean }

/** Builds the needles for a master of `masterBytes` bytes; short ones that chance would find in so many are left out. */
export function sensitiveNeedles(sourceTags: readonly Tag[], masterBytes: number): Needles {
  const texts = new Map<string, string>()
  let whole = true
  for (const tag of sourceTags) {
    const kind = classOfTag(tag)
    if (kind === undefined || kind === 'thumbnails' || isBlank(tag.value)) continue
    for (const form of formsOf(tag.value, kind === 'dates')) {
      if (!worthSearching(form) || texts.has(form)) continue
      if (texts.size < MAX_VALUES) texts.set(form, tag.name)
      else whole = false
    }
    if (!whole) break
  }
  const needles: Needle[] = MAKERS_MARKS.filter(
    (mark) => !mark.startsWith('Lav') || masterBytes < 1_000_000,
  ).map((mark) => ({
    name: 'software',
    bytes: Buffer.from(mark, 'latin1'),
  }))
  for (const [text, name] of texts) {
    const little = Buffer.from(text, 'utf16le')
    needles.push(
      { name, bytes: Buffer.from(text, 'utf8') },
      { name, bytes: little },
      { name, bytes: swapped(little) },
    )
  }
  const perNeedle = CHANCE / needles.length
  return {
    needles: needles.filter((needle) => masterBytes / 256 ** needle.bytes.length < perNeedle),
    whole,
  }
}

/** A value as it may be written elsewhere: dates in other spellings, parts of coordinates. */
function formsOf(value: string, date: boolean): string[] {
  const text = value.trim().slice(0, MAX_LENGTH)
  if (text.startsWith('(Binary data')) return []
  const forms = [text]
  const stamp = /^(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)/.exec(text)
  if (date && stamp !== null) {
    const [, year, month, day, hour, minute, second] = stamp
    const clock = `${hour}:${minute}:${second}`
    forms.push(
      `${year}:${month}:${day} ${clock}`,
      `${year}-${month}-${day}T${clock}`,
      `${year}-${month}-${day} ${clock}`,
    )
    forms.push(
      `${year}${month}${day}T${hour}${minute}${second}`,
      `${year}${month}${day}_${hour}${minute}${second}`,
    )
  }
  for (const number of text.match(/\d{1,3}\.\d{3,}/g) ?? []) forms.push(number)
  return forms
}

/** Long enough and not a run of the same few characters. */
function worthSearching(text: string): boolean {
  return text.length >= MIN_LENGTH && new Set(text).size >= 4
}

function swapped(buffer: Buffer): Buffer {
  return Buffer.from(buffer).swap16()
}
