/**
 * Walks a clean MP4 box by box with a parser of its own: only the boxes that playing needs may be
 * there, times are zero, names empty, every byte of `mdat` belongs to a sample, the bitstream carries
 * no user data, and timecode is the constant one.
 */

import type { RandomReader } from '../../../adapters/tools/local-file.ts'
import type { Rational } from '../../../domain/media.ts'
import { hasTimecode } from '../timecode-track.ts'
import { unproven } from './still-walk.ts'
import {
  checkTimecodeSample,
  checkTimecodeTrack,
  isTimecodeTrack,
  timecodeReferred,
} from './timecode-walk.ts'

/** Which boxes may stand in which; ISO/IEC 14496-12, -14, -15. */
const CHILDREN: Readonly<Record<string, readonly string[]>> = {
  '': ['ftyp', 'moov', 'mdat'],
  moov: ['mvhd', 'trak'],
  trak: ['tkhd', 'edts', 'tref', 'mdia'],
  edts: ['elst'],
  mdia: ['mdhd', 'hdlr', 'minf'],
  minf: ['vmhd', 'smhd', 'dinf', 'stbl'],
  dinf: ['dref'],
  dref: ['url '],
  stbl: ['stsd', 'stts', 'ctts', 'stss', 'stsc', 'stsz', 'stco', 'co64', 'sgpd', 'sbgp'],
  stsd: ['avc1', 'hvc1', 'vp09', 'av01', 'mp4a'],
  avc1: ['avcC', 'colr', 'pasp', 'fiel', 'mdcv', 'clli'],
  hvc1: ['hvcC', 'colr', 'pasp', 'fiel', 'mdcv', 'clli'],
  vp09: ['vpcC', 'colr', 'pasp', 'mdcv', 'clli'],
  av01: ['av1C', 'colr', 'pasp', 'mdcv', 'clli'],
  mp4a: ['esds'],
}
/** Bytes of fixed fields before the children. */
const FIXED: Readonly<Record<string, number>> = {
  dref: 8,
  stsd: 8,
  avc1: 78,
  hvc1: 78,
  vp09: 78,
  av01: 78,
  mp4a: 28,
}

type Track = {
  kind: string
  id: number
  duration: number
  /** The track named as its timecode. */
  refersTo?: number
  format: string
  lengthBytes: number
  sizes: number[]
  chunks: number[]
  runs: { first: number; samples: number }[]
}

/**
 * Checks the whole file. `rate` is that of the pictures; undefined for sound, which has no timecode.
 *
 * Errors: `not_proven_clean` with the name of the check and of what was found.
 */
export async function walkMp4(
  file: RandomReader,
  rate: Rational | undefined,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await walkFile(file, rate, signal)
  } catch (error) {
    // A field that lies beyond its box.
    if (error instanceof RangeError) unproven('box_size', 'field')
    throw error
  }
}

async function walkFile(file: RandomReader, rate: Rational | undefined, signal?: AbortSignal): Promise<void> {
  const walk = new Walk()
  let at = 0
  let media: { from: number; to: number } | undefined
  while (at < file.size) {
    const header = await file.read(at, 16)
    if (header.length < 8) unproven('after_end', 'bytes')
    const type = header.toString('latin1', 4, 8)
    let size = header.readUInt32BE(0)
    let headerBytes = 8
    if (size === 1 && header.length === 16) {
      size = Number(header.readBigUInt64BE(8))
      headerBytes = 16
    }
    if (size < headerBytes || at + size > file.size) unproven('box_size', type)
    if (!allowed('', type)) unproven('box', type)
    if (type === 'moov') walk.boxes(await file.read(at + headerBytes, size - headerBytes), 'moov')
    if (type === 'ftyp') checkBrands(await file.read(at + headerBytes, size - headerBytes))
    if (type === 'mdat') {
      if (media !== undefined) unproven('box', 'second mdat')
      media = { from: at + headerBytes, to: at + size }
    }
    at += size
  }
  if (media === undefined || walk.tracks.length === 0) unproven('box', 'nothing')
  const counted = rate !== undefined && hasTimecode(rate) ? rate : undefined
  const timecodeBytes = await walkTimecode(file, walk, media, counted)
  await walkSamples(file, walk.tracks, { ...media, to: media.to - timecodeBytes }, signal)
}

const TIMECODE_BYTES = 4

/** Checks that there is just the one timecode track that there must be; its sample is the last of the media. */
async function walkTimecode(
  file: RandomReader,
  walk: Walk,
  media: { from: number; to: number },
  rate: Rational | undefined,
): Promise<number> {
  const [timecode, second] = walk.timecodes
  const referring = walk.tracks.filter((track) => track.refersTo !== undefined)
  if (rate === undefined) {
    if (timecode !== undefined || referring.length > 0) unproven('timecode', 'track')
    return 0
  }
  if (timecode === undefined) return unproven('timecode', 'missing')
  if (second !== undefined) unproven('timecode', 'second track')
  const picture = walk.tracks.find((track) => track.kind === 'vide')
  if (picture === undefined) return unproven('timecode', 'no picture')
  const lastTrackId = Math.max(...walk.tracks.map((track) => track.id))
  const offset = checkTimecodeTrack(timecode, {
    ...{ rate, lastTrackId, pictureDuration: picture.duration, movieScale: walk.movieScale },
  })
  if (referring.length !== 1 || picture.refersTo !== lastTrackId + 1) unproven('timecode', 'reference')
  if (offset !== media.to - TIMECODE_BYTES) unproven('sample_outside', 'tmcd')
  checkTimecodeSample(await file.read(offset, TIMECODE_BYTES), rate)
  return TIMECODE_BYTES
}

function allowed(parent: string, type: string): boolean {
  return CHILDREN[parent]?.includes(type) ?? false
}

const BRANDS = ['isom', 'iso2', 'mp41']

function checkBrands(body: Buffer): void {
  for (let at = 0; at + 4 <= body.length; at += 4) {
    if (at === 4) continue
    const brand = body.toString('latin1', at, at + 4)
    if (!BRANDS.includes(brand)) unproven('brand', brand)
  }
}

class Walk {
  readonly tracks: Track[] = []
  /** Contents of the timecode tracks, which are not walked but compared. */
  readonly timecodes: Buffer[] = []
  movieScale = 0

  boxes(data: Buffer, parent: string): void {
    let at = 0
    while (at < data.length) {
      if (at + 8 > data.length) unproven('slack', parent)
      const size = data.readUInt32BE(at)
      const type = data.toString('latin1', at + 4, at + 8)
      if (size < 8 || at + size > data.length) unproven('box_size', type)
      if (!allowed(parent, type)) unproven('box', type)
      this.box(type, data.subarray(at + 8, at + size))
      at += size
    }
  }

  private box(type: string, body: Buffer): void {
    if (type === 'trak' && isTimecodeTrack(body)) {
      this.timecodes.push(body)
      return
    }
    if (type === 'trak') {
      this.tracks.push({
        kind: '',
        id: 0,
        duration: 0,
        format: '',
        lengthBytes: 4,
        sizes: [],
        chunks: [],
        runs: [],
      })
    }
    if (type === 'stsd' && body.readUInt32BE(4) !== 1) unproven('sample_descriptions', type)
    if (CHILDREN.stsd?.includes(type)) this.sampleEntry(type, body)
    if (type in CHILDREN) {
      this.boxes(body.subarray(FIXED[type] ?? 0), type)
      return
    }
    this.leaf(type, body, this.tracks.at(-1))
  }

  private sampleEntry(type: string, body: Buffer): void {
    const track = this.tracks.at(-1)
    if (track !== undefined) track.format = type
    // Vendor (QuickTime) and the 32 bytes of the compressor's name; ISO/IEC 14496-12 §12.1.3.
    const named =
      type === 'mp4a' ? body.subarray(8, 16) : Buffer.concat([body.subarray(8, 24), body.subarray(42, 74)])
    if (named.some((byte) => byte !== 0)) unproven('compressor_name', type)
  }

  private leaf(type: string, body: Buffer, track: Track | undefined): void {
    switch (type) {
      case 'mvhd':
        checkTimes(type, body)
        this.movieScale = body.readUInt32BE(body[0] === 1 ? 20 : 12)
        return
      case 'tkhd':
        checkTimes(type, body)
        if (track !== undefined) readTrackHeader(body, track)
        return
      case 'mdhd':
        checkTimes(type, body)
        return
      case 'hdlr':
        checkHandler(body, track)
        return
      case 'url ':
        if (body.length !== 4 || body[3] !== 1) unproven('data_reference', type)
        return
    }
    if (track === undefined) return
    switch (type) {
      case 'tref':
        if (track.refersTo !== undefined) unproven('timecode', 'second reference')
        track.refersTo = timecodeReferred(body)
        return
      case 'avcC':
        track.lengthBytes = ((body[4] ?? 3) & 3) + 1
        return
      case 'hvcC':
        track.lengthBytes = ((body[21] ?? 3) & 3) + 1
        checkHevcConfig(body)
        return
      case 'av1C':
        checkObus(body.subarray(4))
        return
      case 'stsz':
        readSizes(body, track)
        return
      case 'stco':
        for (let at = 8; at + 4 <= body.length; at += 4) track.chunks.push(body.readUInt32BE(at))
        return
      case 'co64':
        for (let at = 8; at + 8 <= body.length; at += 8) track.chunks.push(Number(body.readBigUInt64BE(at)))
        return
      case 'stsc':
        for (let at = 8; at + 12 <= body.length; at += 12) {
          track.runs.push({ first: body.readUInt32BE(at), samples: body.readUInt32BE(at + 4) })
        }
        return
    }
  }
}

function readTrackHeader(body: Buffer, track: Track): void {
  const wide = body[0] === 1
  track.id = body.readUInt32BE(wide ? 20 : 12)
  track.duration = wide ? Number(body.readBigUInt64BE(28)) : body.readUInt32BE(20)
}

function checkTimes(type: string, body: Buffer): void {
  const wide = body[0] === 1
  if (body.subarray(4, wide ? 20 : 12).some((byte) => byte !== 0)) unproven('time', type)
  if (type === 'mdhd') {
    const language = body.readUInt16BE(wide ? 32 : 20)
    // `und`, packed in three times five bits.
    if (language !== 0x55c4) unproven('language', type)
  }
}

function checkHandler(body: Buffer, track: Track | undefined): void {
  const kind = body.toString('latin1', 8, 12)
  if (kind !== 'vide' && kind !== 'soun') unproven('track', kind)
  if (track !== undefined) track.kind = kind
  if (body.subarray(12).some((byte) => byte !== 0)) unproven('handler_name', 'hdlr')
}

/** Parameter sets only. Source: ISO/IEC 14496-15 §8.3.3.1. */
function checkHevcConfig(body: Buffer): void {
  const arrays = body[22] ?? 0
  let at = 23
  for (let array = 0; array < arrays; array++) {
    const type = (body[at] ?? 0) & 0x3f
    if (type < 32 || type > 34) unproven('config_unit', `hevc ${type}`)
    const units = body.readUInt16BE(at + 1)
    at += 3
    for (let unit = 0; unit < units; unit++) at += 2 + body.readUInt16BE(at)
  }
  if (at !== body.length) unproven('slack', 'hvcC')
}

function readSizes(body: Buffer, track: Track): void {
  const fixed = body.readUInt32BE(4)
  const count = body.readUInt32BE(8)
  if (fixed !== 0 ? count > 50_000_000 : body.length !== 12 + count * 4) unproven('box_size', 'stsz')
  for (let n = 0; n < count; n++) track.sizes.push(fixed !== 0 ? fixed : body.readUInt32BE(12 + n * 4))
}

type Sample = { readonly offset: number; readonly size: number }

function* samplesOf(track: Track): Generator<Sample> {
  let run = 0
  let sample = 0
  for (const [index, chunk] of track.chunks.entries()) {
    while ((track.runs[run + 1]?.first ?? Infinity) <= index + 1) run++
    let offset = chunk
    for (let n = track.runs[run]?.samples ?? 0; n > 0; n--) {
      const size = track.sizes[sample++]
      if (size === undefined) return unproven('sample_table', track.format)
      yield { offset, size }
      offset += size
    }
  }
  if (sample !== track.sizes.length) unproven('sample_table', track.format)
}

const WINDOW_BYTES = 4 * 1024 * 1024

async function walkSamples(
  file: RandomReader,
  tracks: readonly Track[],
  media: { from: number; to: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  let covered = 0
  for (const track of tracks) {
    let window: Buffer = Buffer.alloc(0)
    let windowAt = 0
    for (const { offset, size } of samplesOf(track)) {
      if (offset < media.from || offset + size > media.to) unproven('sample_outside', track.format)
      covered += size
      if (track.kind !== 'vide') continue
      if (offset < windowAt || offset + size > windowAt + window.length) {
        signal?.throwIfAborted()
        window = await file.read(offset, Math.max(WINDOW_BYTES, size))
        windowAt = offset
      }
      checkUnits(track, window.subarray(offset - windowAt, offset - windowAt + size))
    }
  }
  // Samples do not overlap in what we write, so that equal sums mean that no byte is unused.
  if (covered !== media.to - media.from) unproven('unused_bytes', 'mdat')
}

function checkUnits(track: Track, sample: Buffer): void {
  if (track.format === 'av01') {
    checkObus(sample)
    return
  }
  if (track.format !== 'avc1' && track.format !== 'hvc1') return
  const { lengthBytes } = track
  let at = 0
  while (at + lengthBytes < sample.length) {
    const length = sample.readUIntBE(at, lengthBytes)
    const first = sample[at + lengthBytes] ?? 0
    const type = track.format === 'avc1' ? first & 0x1f : (first >> 1) & 0x3f
    if (!isPictureUnit(track.format, type)) unproven('bitstream_unit', `${track.format} ${type}`)
    at += lengthBytes + length
  }
  if (at !== sample.length) unproven('bitstream_unit', `${track.format} length`)
}

/** Pictures and what is needed to decode them; ITU-T H.264 table 7-1, H.265 table 7-1. */
function isPictureUnit(format: string, type: number): boolean {
  if (format === 'avc1') return (type >= 1 && type <= 5) || (type >= 7 && type <= 11) || type === 13
  return type <= 9 || (type >= 16 && type <= 21) || (type >= 32 && type <= 37)
}

/** AV1 §5.3: no metadata (5), no padding (15), nothing reserved. */
function checkObus(data: Buffer): void {
  let at = 0
  while (at < data.length) {
    const header = data[at] ?? 0
    const type = (header >> 3) & 0x0f
    if (![1, 2, 3, 4, 6, 7].includes(type)) unproven('bitstream_unit', `av01 ${type}`)
    at += (header & 4) === 0 ? 1 : 2
    if ((header & 2) === 0) return
    let size = 0
    for (let n = 0; n < 8; n++) {
      const byte = data[at++] ?? 0
      size += (byte & 0x7f) * 2 ** (7 * n)
      if ((byte & 0x80) === 0) break
    }
    at += size
  }
  if (at !== data.length) unproven('bitstream_unit', 'av01 length')
}
