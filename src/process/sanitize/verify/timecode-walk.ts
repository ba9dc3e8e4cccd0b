/**
 * Checks the one timecode track that a clean MP4 may carry, byte by byte against a description of its
 * own: nothing in it may depend on anything but the clip's rate, its length and where the sample lies.
 */

import type { Rational } from '../../../domain/media.ts'
import { hourFrame, mayDropFrames, nominalRate } from '../../../domain/timecode.ts'
import { unproven } from './still-walk.ts'

/** What the rest of the file says that the track must agree with. */
export type AroundTimecode = {
  readonly rate: Rational
  /** The highest number of another track. */
  readonly lastTrackId: number
  /** Of the picture, in units of `movieScale`. */
  readonly pictureDuration: number
  readonly movieScale: number
}

/** The content of `trak`: text in quotes, values in braces, everything else in hexadecimal. */
const LAYOUT = `
  0000005c "tkhd" 00000002 00000000 00000000 {id} 00000000 {shown}
    00000000 00000000 0000 0000 0000 0000
    00010000 00000000 00000000 00000000 00010000 00000000 00000000 00000000 40000000 00000000 00000000
  {mdia} "mdia"
    00000020 "mdhd" 00000000 00000000 00000000 {num} {ticks} 55c4 0000
    00000021 "hdlr" 00000000 00000000 "tmcd" 00000000 00000000 00000000 00
    {minf} "minf"
      00000049 "gmhd"
        00000018 "gmin" 00000000 0040 8000 8000 8000 0000 0000
        00000029 "tmcd" 00000021 "tcmi" 00000000 0000 0000 0000 0000 000000000000 000000000000 00
      00000024 "dinf" 0000001c "dref" 00000000 00000001 0000000c "url " 00000001
      {stbl} "stbl"
        00000032 "stsd" 00000000 00000001
          00000022 "tmcd" 000000000000 0001 00000000 {flags} {num} {den} {nominal} 00
        00000018 "stts" 00000000 00000001 00000001 {ticks}
        0000001c "stsc" 00000000 00000001 00000001 00000001 00000001
        00000014 "stsz" 00000000 00000004 00000001
        {table} 00000000 00000001 {offset}
`
const MAX_31_BITS = 2 ** 31 - 1

/** Is the content of this `trak` that of a timecode track? What is not must pass as a picture or as sound. */
export function isTimecodeTrack(trak: Buffer): boolean {
  return trak.includes(`hdlr${'\0'.repeat(8)}tmcd`, 0, 'latin1')
}

/** Checks the content of `trak` and returns where its sample of four bytes lies. Errors: `not_proven_clean`. */
export function checkTimecodeTrack(trak: Buffer, around: AroundTimecode): number {
  const { rate, movieScale } = around
  const shown = Math.min(MAX_31_BITS, around.pictureDuration)
  const frames = Math.round((shown * rate.num) / (movieScale * rate.den)) || 1
  const ticks = frames * rate.den > MAX_31_BITS ? MAX_31_BITS - (MAX_31_BITS % rate.den) : frames * rate.den
  const wide = trak.includes('co64', 0, 'latin1')
  const size = (bytes: number): Buffer => word(bytes + (wide ? 4 : 0))
  // The only value that is not known before: it is checked by what lies there.
  const offset = trak.subarray(wide ? -8 : -4)
  const values: Readonly<Record<string, Buffer>> = {
    ...{ id: word(around.lastTrackId + 1), shown: word(shown), ticks: word(ticks) },
    ...{ mdia: size(340), minf: size(267), stbl: size(150) },
    ...{ num: word(rate.num), den: word(rate.den), nominal: Buffer.from([nominalRate(rate)]) },
    flags: word(mayDropFrames(rate) ? 1 : 0),
    table: Buffer.concat([size(20), Buffer.from(wide ? 'co64' : 'stco')]),
    offset,
  }
  const pieces = LAYOUT.match(/"[^"]*"|\{\w+\}|[0-9a-f]+/g) ?? []
  const wanted = Buffer.concat(pieces.map((piece) => bytesOf(piece, values)))
  if (!wanted.equals(trak)) unproven('timecode', 'track')
  return wide ? Number(offset.readBigUInt64BE(0)) : offset.readUInt32BE(0)
}

/** Checks the four bytes of the sample. Errors: `not_proven_clean`. */
export function checkTimecodeSample(sample: Buffer, rate: Rational): void {
  if (!sample.equals(word(hourFrame(rate)))) unproven('timecode', 'value')
}

/** Returns the track that the content of a `tref` names as its timecode. Errors: `not_proven_clean`. */
export function timecodeReferred(tref: Buffer): number {
  const plain = tref.length === 12 && tref.subarray(0, 8).equals(Buffer.from('\0\0\0\x0ctmcd', 'latin1'))
  return plain ? tref.readUInt32BE(8) : unproven('timecode', 'reference')
}

function bytesOf(piece: string, values: Readonly<Record<string, Buffer>>): Buffer {
  if (piece.startsWith('"')) return Buffer.from(piece.slice(1, -1), 'latin1')
  if (piece.startsWith('{')) return values[piece.slice(1, -1)] ?? Buffer.alloc(0)
  return Buffer.from(piece, 'hex')
}

function word(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value)
  return buffer
}
