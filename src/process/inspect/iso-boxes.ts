/**
 * A first look into an ISO base media file (MP4, MOV, 3GP) by a parser that cannot be made to write
 * outside its memory, before ffprobe sees it: which tracks are shown, whether media lies in other
 * files, and whether user data hides in the decoder's configuration.
 */

import type { RandomReader } from '../../adapters/tools/local-file.ts'
import { AppError } from '../../domain/errors.ts'
import type { Rational } from '../../domain/media.ts'

/** One track as its boxes describe it. */
export type IsoTrack = {
  readonly id: number
  readonly enabled: boolean
  /** `vide`, `soun`, `meta`, … */
  readonly handler: string
  readonly format: string
  /** SEI messages stored in `hvcC`, where a bitstream filter does not reach. */
  readonly configUserData: boolean
  /** Number of pieces in the edit list that show media. */
  readonly edits: number
  /** Sample descriptions; with more than one the picture changes its kind on the way. */
  readonly descriptions: number
  /** The index points to bytes that are not media: copied, they would carry headers or older contents along. */
  readonly outsideMedia: boolean
  /** At which a timecode track counts. */
  readonly timecodeRate?: Rational
}

/** The facts that decide how a file is cleaned. */
export type IsoFacts = {
  readonly tracks: readonly IsoTrack[]
  readonly fragmented: boolean
  /** Boxes at the top level that are not part of the format: trailers of makers. */
  readonly strangers: readonly string[]
  readonly userDataBoxes: number
}

const CONTAINERS = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'dinf', 'edts', 'mvex']
const KNOWN_TOP = [
  'ftyp',
  'moov',
  'mdat',
  'free',
  'skip',
  'wide',
  'moof',
  'mfra',
  'sidx',
  'styp',
  'pnot',
  'uuid',
  'meta',
  'pdin',
  'emsg',
  'prft',
  'udta',
]
/** A `moov` for 12 hours of video and sound stays under this; larger ones are bombs. */
const MAX_MOOV_BYTES = 256 * 1024 * 1024
const MAX_BOXES = 100_000
const MAX_DEPTH = 12

/** Reads the facts. Errors: `external_reference`, `media_too_big`, `media_damaged`. */
export async function readIsoFacts(file: RandomReader): Promise<IsoFacts> {
  try {
    return await readBoxes(file)
  } catch (error) {
    // A field that lies beyond its box.
    if (error instanceof RangeError) throw new AppError('media_damaged', { cause: error })
    throw error
  }
}

async function readBoxes(file: RandomReader): Promise<IsoFacts> {
  const strangers: string[] = []
  let fragmented = false
  let userDataBoxes = 0
  let walk: MoovWalk | undefined
  const media: { from: number; to: number }[] = []
  let seen = 0
  for (let at = 0; at + 8 <= file.size;) {
    if (++seen > MAX_BOXES) throw new AppError('media_too_big', { details: { limit: 'boxes' } })
    const header = await file.read(at, 16)
    const type = header.toString('latin1', 4, 8)
    let size = header.readUInt32BE(0)
    if (size === 1 && header.length === 16) size = Number(header.readBigUInt64BE(8))
    if (size === 0) size = file.size - at
    if (size < 8) break
    if (type === 'mdat') media.push({ from: at + 8, to: Math.min(at + size, file.size) })
    if (type === 'moof') fragmented = true
    if (['uuid', 'meta', 'udta'].includes(type)) userDataBoxes++
    if (!KNOWN_TOP.includes(type)) strangers.push(type)
    if (type === 'moov') {
      if (size > MAX_MOOV_BYTES) throw new AppError('media_too_big', { details: { limit: 'index' } })
      const moov = await file.read(at, size)
      walk = new MoovWalk()
      walk.children(moov, 8, moov.length, 0)
      userDataBoxes += walk.userData
      if (walk.external) throw new AppError('external_reference')
    }
    at += size
  }
  const tracks = walk?.drafts.map((draft) => finish(draft, media)) ?? []
  return { tracks, fragmented, strangers, userDataBoxes }
}

type Draft = { -readonly [K in keyof IsoTrack]: IsoTrack[K] } & {
  sizes?: { readonly fixed: number; readonly table: Buffer }
  chunks?: { readonly wide: boolean; readonly table: Buffer }
  runs?: Buffer
}

function finish(draft: Draft, media: readonly { from: number; to: number }[]): IsoTrack {
  const { id, enabled, handler, format, configUserData, edits, descriptions } = draft
  const facts = { id, enabled, handler, format, configUserData, edits, descriptions }
  return {
    ...{ ...facts, outsideMedia: pointsOutside(draft, media) },
    ...(draft.timecodeRate === undefined ? {} : { timecodeRate: draft.timecodeRate }),
  }
}

/** Does any chunk of samples lie outside every `mdat`? Source: ISO/IEC 14496-12 §8.7. */
function pointsOutside(draft: Draft, media: readonly { from: number; to: number }[]): boolean {
  const { sizes, chunks, runs } = draft
  if (sizes === undefined || chunks === undefined || runs === undefined) return false
  const width = chunks.wide ? 8 : 4
  const count = Math.floor(chunks.table.length / width)
  let run = 0
  let sample = 0
  for (let chunk = 0; chunk < count; chunk++) {
    while ((run + 2) * 12 <= runs.length && runs.readUInt32BE((run + 1) * 12) <= chunk + 1) run++
    const samples = (run + 1) * 12 <= runs.length ? runs.readUInt32BE(run * 12 + 4) : 0
    let bytes = sizes.fixed * samples
    if (sizes.fixed === 0) {
      const end = Math.min(sample + samples, sizes.table.length / 4)
      for (let n = sample; n < end; n++) bytes += sizes.table.readUInt32BE(n * 4)
    }
    sample += samples
    const from = chunks.wide
      ? Number(chunks.table.readBigUInt64BE(chunk * 8))
      : chunks.table.readUInt32BE(chunk * 4)
    if (bytes > 0 && !media.some((part) => from >= part.from && from + bytes <= part.to)) return true
  }
  return false
}

class MoovWalk {
  external = false
  userData = 0
  private boxes = 0
  readonly drafts: Draft[] = []

  children(data: Buffer, from: number, to: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new AppError('media_too_big', { details: { limit: 'nesting' } })
    let at = from
    while (at + 8 <= to) {
      if (++this.boxes > MAX_BOXES) throw new AppError('media_too_big', { details: { limit: 'boxes' } })
      let size = data.readUInt32BE(at)
      let header = 8
      if (size === 1 && at + 16 <= to) {
        size = Number(data.readBigUInt64BE(at + 8))
        header = 16
      }
      if (size === 0) size = to - at
      if (size < header) return
      this.box(data.toString('latin1', at + 4, at + 8), data, at + header, Math.min(at + size, to), depth)
      at += size
    }
  }

  private box(type: string, data: Buffer, from: number, to: number, depth: number): void {
    if (type === 'trak') {
      this.drafts.push({
        ...{ id: 0, enabled: false, handler: '', format: '' },
        ...{ configUserData: false, edits: 0, descriptions: 0, outsideMedia: false },
      })
    }
    if (CONTAINERS.includes(type)) {
      this.children(data, from, to, depth + 1)
      return
    }
    if (type === 'udta' || type === 'meta' || type === 'uuid') this.userData++
    if (type === 'rmra') this.external = true
    const track = this.drafts.at(-1)
    const body = data.subarray(from, to)
    if (track === undefined || body.length < 8) return
    if (type === 'tkhd') {
      track.enabled = ((body[3] ?? 0) & 1) === 1
      const where = body[0] === 1 ? 20 : 12
      if (body.length >= where + 4) track.id = body.readUInt32BE(where)
    } else if (type === 'hdlr' && track.handler === '' && body.length >= 12) {
      track.handler = body.toString('latin1', 8, 12)
    } else if (type === 'dref') {
      if (refersOutside(body)) this.external = true
    } else if (type === 'elst') {
      track.edits = countEdits(body)
    } else if (type === 'stsz' && body.length >= 12) {
      track.sizes = { fixed: body.readUInt32BE(4), table: body.subarray(12, body.length - (body.length % 4)) }
    } else if (type === 'stco' || type === 'co64') {
      track.chunks = { wide: type === 'co64', table: body.subarray(8) }
    } else if (type === 'stsc') {
      track.runs = body.subarray(8)
    } else if (type === 'stsd' && body.length >= 16) {
      track.format = body.toString('latin1', 12, 16)
      track.descriptions = body.readUInt32BE(4)
      track.configUserData = hasConfigUserData(body)
      const rate = track.format === 'tmcd' && body.length >= 40 ? timecodeRate(body) : undefined
      if (rate !== undefined) track.timecodeRate = rate
    }
  }
}

/** Entries of `dref` whose self-contained flag is not set. Source: ISO/IEC 14496-12 §8.7.2. */
function refersOutside(body: Buffer): boolean {
  const count = Math.min(body.readUInt32BE(4), 10_000)
  let at = 8
  for (let entry = 0; entry < count && at + 12 <= body.length; entry++) {
    const size = body.readUInt32BE(at)
    if (((body[at + 11] ?? 0) & 1) === 0) return true
    if (size < 12) return false
    at += size
  }
  return false
}

function countEdits(body: Buffer): number {
  const wide = body[0] === 1
  const count = Math.min(body.readUInt32BE(4), 10_000)
  let shown = 0
  for (let entry = 0; entry < count; entry++) {
    const at = 8 + entry * (wide ? 20 : 12)
    if (at + (wide ? 16 : 8) > body.length) break
    const mediaTime = wide ? Number(body.readBigInt64BE(at + 8)) : body.readInt32BE(at + 4)
    if (mediaTime >= 0) shown++
  }
  return shown
}

/** Clock and length of a frame of the first sample entry. Source: QuickTime File Format, "Timecode sample description". */
function timecodeRate(stsd: Buffer): Rational | undefined {
  const rate = { num: stsd.readUInt32BE(32), den: stsd.readUInt32BE(36) }
  return rate.num > 0 && rate.den > 0 ? rate : undefined
}

/** Does an `hvcC` in this `stsd` hold SEI units? Source: ISO/IEC 14496-15 §8.3.3.1; NAL types 39 and 40. */
function hasConfigUserData(stsd: Buffer): boolean {
  const mark = stsd.indexOf('hvcC', 0, 'latin1')
  if (mark < 4) return false
  const end = Math.min(mark - 4 + stsd.readUInt32BE(mark - 4), stsd.length)
  let at = mark + 4 + 22
  if (at >= end) return false
  const arrays = stsd[at] ?? 0
  at++
  for (let array = 0; array < arrays && at + 3 <= end; array++) {
    const type = (stsd[at] ?? 0) & 0x3f
    const units = stsd.readUInt16BE(at + 1)
    if (type === 39 || type === 40) return true
    at += 3
    for (let unit = 0; unit < units && at + 2 <= end; unit++) at += 2 + stsd.readUInt16BE(at)
  }
  return false
}
