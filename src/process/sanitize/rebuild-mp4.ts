/**
 * Writes an MP4 anew around the samples of one that ffmpeg made.
 *
 * ffmpeg leaves marks that no option turns off: an empty `udta`, its name as the compressor, the
 * brand of Dolby Vision, SEI units in `hvcC`. So its `moov` is taken apart here, and only boxes from
 * a list are written again, with constant brands, zero times and empty names; `moov` goes first and
 * one `mdat` follows with the same bytes. Moving clips get the constant timecode track.
 */

import type { RandomReader, SequentialWriter } from '../../adapters/tools/local-file.ts'
import { AppError } from '../../domain/errors.ts'
import type { Rational } from '../../domain/media.ts'
import {
  hasTimecode,
  timecodeReference,
  timecodeSample,
  timecodeTrack,
  type TimecodePlace,
} from './timecode-track.ts'

/** Boxes with boxes inside, and the length of the fields before them. ISO/IEC 14496-12. */
const NESTED: Readonly<Record<string, number>> = {
  ...{ moov: 0, trak: 0, edts: 0, mdia: 0, minf: 0, dinf: 0, stbl: 0, dref: 8, stsd: 8 },
  ...{ avc1: 78, hvc1: 78, vp09: 78, av01: 78, mp4a: 28 },
}
/** Boxes that are written again as they are, or patched. */
const LEAVES = [
  ...['mvhd', 'tkhd', 'elst', 'mdhd', 'hdlr', 'vmhd', 'smhd', 'url ', 'stts', 'ctts', 'stss', 'stsc', 'stsz'],
  ...[
    'stco',
    'co64',
    'sgpd',
    'sbgp',
    'avcC',
    'hvcC',
    'vpcC',
    'av1C',
    'esds',
    'colr',
    'pasp',
    'fiel',
    'mdcv',
    'clli',
  ],
]
/** One brand for everybody. */
const FTYP = box(
  'ftyp',
  Buffer.concat([Buffer.from('isom'), Buffer.from([0, 0, 2, 0]), Buffer.from('isomiso2mp41')]),
)
const MAX_MOOV_BYTES = 256 * 1024 * 1024
const COPY_BYTES = 4 * 1024 * 1024
const MAX_DEPTH = 12

type Place = { readonly at: number; readonly headerBytes: number; readonly size: number }

/** `rate`: of the pictures, at which timecode counts; undefined for sound. */
export type RebuildOptions = {
  readonly rate?: Rational | undefined
  readonly signal?: AbortSignal | undefined
}

/** Reads `source`, an MP4 of ffmpeg's, and writes the clean one. Errors: `media_damaged`. */
export async function rebuildMp4(
  source: RandomReader,
  target: SequentialWriter,
  options: RebuildOptions = {},
): Promise<void> {
  try {
    await rebuildAll(source, target, options)
  } catch (error) {
    // A field that lies beyond its box.
    if (error instanceof RangeError) throw new AppError('media_damaged', { cause: error })
    throw error
  }
}

async function rebuildAll(
  source: RandomReader,
  target: SequentialWriter,
  { rate, signal }: RebuildOptions,
): Promise<void> {
  const moov = await findBox(source, 'moov')
  const mdat = await findBox(source, 'mdat')
  if (moov === undefined || mdat === undefined || moov.size > MAX_MOOV_BYTES)
    throw new AppError('media_damaged')
  const tree = (await source.read(moov.at, moov.size)).subarray(moov.headerBytes)
  const copiedBytes = mdat.size - mdat.headerBytes
  const timecode = rate !== undefined && hasTimecode(rate) ? timecodePlace(tree, rate) : undefined
  const sample = timecode === undefined ? Buffer.alloc(0) : timecodeSample(timecode.rate)
  const mediaBytes = copiedBytes + sample.length
  const mediaFrom = mdat.at + mdat.headerBytes

  // Positions depend on the length of the index, and its length on whether positions need eight bytes.
  const wide = mediaBytes + tree.length + 2048 > 0xffff_ffff
  const mediaHeader =
    mediaBytes + 8 > 0xffff_ffff ? wideHeader('mdat', mediaBytes) : header('mdat', mediaBytes)
  const trial = rebuild(tree, 'moov', { shift: 0, wide, timecode, sampleAt: 0 }, 0)
  const mediaTo = FTYP.length + trial.length + mediaHeader.length
  const move = { shift: mediaTo - mediaFrom, wide, timecode, sampleAt: mediaTo + copiedBytes }
  const index = rebuild(tree, 'moov', move, 0)

  await target.write(FTYP)
  await target.write(index)
  await target.write(mediaHeader)
  for (let done = 0; done < copiedBytes; done += COPY_BYTES) {
    signal?.throwIfAborted()
    await target.write(await source.read(mediaFrom + done, Math.min(COPY_BYTES, copiedBytes - done)))
  }
  await target.write(sample)
}

type Timecode = TimecodePlace & { readonly pictureId: number }

/** What the timecode track must know of the rest; undefined where there is no picture. */
function timecodePlace(moov: Buffer, rate: Rational): Timecode | undefined {
  const inner = (body: Buffer, wanted: string): Buffer =>
    children(body).find(({ type }) => type === wanted)?.inner ?? Buffer.alloc(0)
  const picture = children(moov).find(
    ({ type, inner: trak }) =>
      type === 'trak' && inner(inner(trak, 'mdia'), 'hdlr').toString('latin1', 8, 12) === 'vide',
  )
  if (picture === undefined) return undefined
  const mvhd = inner(moov, 'mvhd')
  const tkhd = inner(picture.inner, 'tkhd')
  return {
    rate,
    trackId: mvhd.readUInt32BE(mvhd.length - 4),
    movieScale: mvhd.readUInt32BE(mvhd[0] === 1 ? 20 : 12),
    pictureDuration: tkhd[0] === 1 ? Number(tkhd.readBigUInt64BE(28)) : tkhd.readUInt32BE(20),
    pictureId: trackIdOf(tkhd),
  }
}

function trackIdOf(tkhd: Buffer): number {
  return tkhd.readUInt32BE(tkhd[0] === 1 ? 20 : 12)
}

async function findBox(source: RandomReader, wanted: string): Promise<Place | undefined> {
  let at = 0
  while (at + 8 <= source.size) {
    const head = await source.read(at, 16)
    let size = head.readUInt32BE(0)
    let headerBytes = 8
    if (size === 1 && head.length === 16) {
      size = Number(head.readBigUInt64BE(8))
      headerBytes = 16
    }
    if (size < headerBytes || at + size > source.size) return undefined
    if (head.toString('latin1', 4, 8) === wanted) return { at, headerBytes, size }
    at += size
  }
  return undefined
}

type Move = {
  /** How much further on the media lies. */
  readonly shift: number
  readonly wide: boolean
  readonly timecode: Timecode | undefined
  readonly sampleAt: number
}

type Child = { readonly type: string; readonly inner: Buffer }

/** The boxes in a box. Errors: `media_damaged`. */
function children(body: Buffer): Child[] {
  const found: Child[] = []
  let at = 0
  while (at + 8 <= body.length) {
    const size = body.readUInt32BE(at)
    if (size < 8 || at + size > body.length) throw new AppError('media_damaged')
    found.push({ type: body.toString('latin1', at + 4, at + 8), inner: body.subarray(at + 8, at + size) })
    at += size
  }
  return found
}

/** A box written again with those of its children that are on the list. */
function rebuild(body: Buffer, type: string, move: Move, depth: number): Buffer {
  if (depth > MAX_DEPTH) throw new AppError('media_damaged')
  const fixed = NESTED[type] ?? 0
  if (body.length < fixed) throw new AppError('media_damaged')
  const parts: Buffer[] = [fixedFields(type, body.subarray(0, fixed))]
  const { timecode } = move
  for (const { type: child, inner } of children(body.subarray(fixed))) {
    if (child in NESTED) parts.push(rebuild(inner, child, move, depth + 1))
    else if (LEAVES.includes(child)) parts.push(leaf(child, inner, move))
    if (child === 'tkhd' && timecode !== undefined && trackIdOf(inner) === timecode.pictureId)
      parts.push(timecodeReference(timecode.trackId))
  }
  if (type === 'moov' && timecode !== undefined) parts.push(timecodeTrack(timecode, move.sampleAt, move.wide))
  return box(type, Buffer.concat(parts))
}

/** Vendor and compressor name of a sample entry say by what it was made. ISO/IEC 14496-12 §12.1.3, QuickTime. */
function fixedFields(type: string, fields: Buffer): Buffer {
  const copy = Buffer.from(fields)
  if (type === 'mp4a') copy.fill(0, 8, 16)
  else if (fields.length === 78) copy.fill(0, 8, 24).fill(0, 42, 74)
  return copy
}

function leaf(type: string, body: Buffer, move: Move): Buffer {
  switch (type) {
    case 'mvhd':
      return box(type, withNextTrack(withoutTimes(type, body), move.timecode))
    case 'tkhd':
    case 'mdhd':
      return box(type, withoutTimes(type, body))
    case 'hdlr':
      // Version, flags, a zero, the kind, three zeros and an empty name.
      return box(type, Buffer.concat([Buffer.alloc(8), body.subarray(8, 12), Buffer.alloc(13)]))
    case 'stco':
    case 'co64':
      return positions(type, body, move)
    case 'hvcC':
      return box(type, withoutUserData(body))
    default:
      return box(type, body)
  }
}

function withoutTimes(type: string, body: Buffer): Buffer {
  const copy = Buffer.from(body)
  const wide = copy[0] === 1
  copy.fill(0, 4, wide ? 20 : 12)
  if (type === 'mdhd') copy.writeUInt16BE(0x55c4, wide ? 32 : 20) // `und`
  return copy
}

/** The number that a further track would get; ISO/IEC 14496-12 §8.2.2. */
function withNextTrack(mvhd: Buffer, timecode: Timecode | undefined): Buffer {
  if (timecode !== undefined) mvhd.writeUInt32BE(timecode.trackId + 1, mvhd.length - 4)
  return mvhd
}

function positions(type: string, body: Buffer, move: Move): Buffer {
  const from = type === 'co64' ? 8 : 4
  const to = move.wide ? 8 : 4
  const count = Math.floor((body.length - 8) / from)
  const moved = Buffer.alloc(8 + count * to)
  moved.writeUInt32BE(count, 4)
  for (let n = 0; n < count; n++) {
    const old = from === 8 ? Number(body.readBigUInt64BE(8 + n * 8)) : body.readUInt32BE(8 + n * 4)
    const now = old + move.shift
    if (now < 0) throw new AppError('media_damaged')
    if (move.wide) moved.writeBigUInt64BE(BigInt(now), 8 + n * 8)
    else moved.writeUInt32BE(now % 2 ** 32, 8 + n * 4)
  }
  return box(move.wide ? 'co64' : 'stco', moved)
}

/** Keeps the parameter sets of an HEVC configuration and drops SEI. ISO/IEC 14496-15 §8.3.3.1. */
function withoutUserData(body: Buffer): Buffer {
  const kept: Buffer[] = []
  let at = 23
  for (let array = body[22] ?? 0; array > 0; array--) {
    if (at + 3 > body.length) throw new AppError('media_damaged')
    const from = at
    const type = (body[at] ?? 0) & 0x3f
    const units = body.readUInt16BE(at + 1)
    at += 3
    for (let unit = 0; unit < units; unit++) {
      if (at + 2 > body.length) throw new AppError('media_damaged')
      at += 2 + body.readUInt16BE(at)
    }
    if (type >= 32 && type <= 34) kept.push(body.subarray(from, at))
  }
  const head = Buffer.from(body.subarray(0, 23))
  head[22] = kept.length
  return Buffer.concat([head, ...kept])
}

function box(type: string, body: Buffer): Buffer {
  return Buffer.concat([header(type, body.length), body])
}

function header(type: string, bodyBytes: number): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(bodyBytes + 8, 0)
  head.write(type, 4, 'latin1')
  return head
}

function wideHeader(type: string, bodyBytes: number): Buffer {
  const head = Buffer.alloc(16)
  head.writeUInt32BE(1, 0)
  head.write(type, 4, 'latin1')
  head.writeBigUInt64BE(BigInt(bodyBytes + 16), 8)
  return head
}
