/**
 * The timecode track of a clean clip: one o'clock at its first frame, the same for every clip of the
 * same rate. An edit suite finds the frames of a cut list by it; see docs/decisions/0015. Pure.
 *
 * Source: QuickTime File Format, "Timecode media"; ISO/IEC 14496-12 for the boxes around it.
 */

import type { Rational } from '../../domain/media.ts'
import { hourFrame, mayDropFrames, nominalRate } from '../../domain/timecode.ts'

/** What the track is made for. Durations in units of the movie's clock, as in `tkhd`. */
export type TimecodePlace = {
  readonly rate: Rational
  readonly trackId: number
  readonly movieScale: number
  readonly pictureDuration: number
}

/** A sample entry says frames a second in one byte. */
const MAX_NOMINAL = 255
const MAX_DURATION = 0x7fff_ffff

/** Can timecode count at this rate? Not at the fastest slow motion. */
export function hasTimecode(rate: Rational): boolean {
  return nominalRate(rate) <= MAX_NOMINAL && rate.num <= MAX_DURATION
}

/** The track's one sample: the number of the first frame. */
export function timecodeSample(rate: Rational): Buffer {
  return words(hourFrame(rate))
}

/** The `trak` box; the sample lies at `offset` of the file. */
export function timecodeTrack(place: TimecodePlace, offset: number, wide: boolean): Buffer {
  const { rate, trackId, movieScale } = place
  const shown = Math.min(place.pictureDuration, MAX_DURATION)
  const frames = Math.max(1, Math.round((shown * rate.num) / (movieScale * rate.den)))
  // Of a clip of many hours the last ones may be missing: what counts is where it starts.
  const ticks = Math.min(frames, Math.floor(MAX_DURATION / rate.den)) * rate.den
  const matrix = words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)
  const flags = mayDropFrames(rate) ? 1 : 0
  const entry = Buffer.concat([
    // Six zeros and the number of the data reference, a zero, then how to count.
    words(0, 1, 0, flags, rate.num, rate.den),
    Buffer.from([nominalRate(rate), 0]),
  ])
  // Font, face, size, colours and an empty font name: how the numbers would be drawn.
  const look = Buffer.concat([Buffer.alloc(24), Buffer.from([0])])
  // Graphics mode "dither copy", its colour, balance: what QuickTime writes for every track that is no picture.
  const general = words(0, 0x0040_8000, 0x8000_8000, 0)
  return box(
    'trak',
    // Part of the movie, but neither shown nor heard.
    box('tkhd', words(2, 0, 0, trackId, 0, shown, 0, 0, 0, 0), matrix, words(0, 0)),
    box(
      'mdia',
      box('mdhd', words(0, 0, 0, rate.num, ticks, 0x55c4_0000)),
      box('hdlr', Buffer.alloc(8), Buffer.from('tmcd'), Buffer.alloc(13)),
      box(
        'minf',
        box('gmhd', box('gmin', general), box('tmcd', box('tcmi', look))),
        box('dinf', box('dref', words(0, 1), box('url ', words(1)))),
        box(
          'stbl',
          box('stsd', words(0, 1), box('tmcd', entry)),
          box('stts', words(0, 1, 1, ticks)),
          box('stsc', words(0, 1, 1, 1, 1)),
          box('stsz', words(0, 4, 1)),
          wide
            ? box('co64', words(0, 1, Math.floor(offset / 2 ** 32), offset % 2 ** 32))
            : box('stco', words(0, 1, offset)),
        ),
      ),
    ),
  )
}

/** The `tref` box by which the picture's track names its timecode. */
export function timecodeReference(trackId: number): Buffer {
  return box('tref', box('tmcd', words(trackId)))
}

function words(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => buffer.writeUInt32BE(value, index * 4))
  return buffer
}

function box(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([words(body.length + 8), Buffer.from(type, 'latin1'), body])
}
