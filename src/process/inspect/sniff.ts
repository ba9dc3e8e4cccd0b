/**
 * What a file really is, from its first and last bytes; its name and claimed type are not looked at.
 *
 * Pure. Playlists, pages, archives and programs are refused by name before any media program sees
 * them: a playlist called `x.mp4` makes ffmpeg open other files.
 */

import type { AvContainer } from '../../adapters/tools/formats.ts'
import { AppError } from '../../domain/errors.ts'

/** Still picture formats that we can decode. */
export const STILL_FORMATS = ['jpeg', 'png', 'webp', 'gif', 'heic', 'avif', 'tiff'] as const
export type StillFormat = (typeof STILL_FORMATS)[number]

/** A recognised file. */
export type Sniffed =
  | { readonly family: 'still'; readonly format: StillFormat }
  | { readonly family: 'av'; readonly container: AvContainer }

/** How much of both ends `sniff` wants to see. */
export const SNIFF_BYTES = 64 * 1024

/**
 * Recognises a file by content.
 *
 * `head` and `tail` are its first and last `SNIFF_BYTES` (overlapping in short files).
 * Errors: `media_empty`, `container_not_accepted`, `raw_not_accepted`, `hidden_content`.
 */
export function sniff(head: Buffer, tail: Buffer, size: number): Sniffed {
  if (size === 0) throw new AppError('media_empty')
  refuseText(head)
  const sniffed = recognise(head)
  if (sniffed === undefined) throw new AppError('container_not_accepted')
  refuseSecondNature(head, tail)
  return sniffed
}

function refuseText(head: Buffer): void {
  const start = head
    .subarray(0, 512)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
    .toLowerCase()
  const forbidden = [
    '#extm3u',
    'ffconcat',
    '<?xml',
    '<mpd',
    '<svg',
    '<!doctype',
    '<html',
    '<smil',
    '<asx',
    '[playlist]',
    'v=0',
  ]
  const found = forbidden.find((mark) => start.startsWith(mark))
  if (found !== undefined) throw new AppError('container_not_accepted', { details: { reason: 'text' } })
}

function recognise(head: Buffer): Sniffed | undefined {
  const ascii = (from: number, to: number): string => head.toString('latin1', from, to)
  const starts = (...bytes: number[]): boolean => bytes.every((byte, index) => head[index] === byte)
  const av = (container: AvContainer): Sniffed => ({ family: 'av', container })
  const still = (format: StillFormat): Sniffed => ({ family: 'still', format })

  if (starts(0xff, 0xd8, 0xff)) return still('jpeg')
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return still('png')
  if (ascii(0, 6) === 'GIF87a' || ascii(0, 6) === 'GIF89a') return still('gif')
  if (ascii(0, 4) === 'RIFF') {
    const form = ascii(8, 12)
    if (form === 'WEBP') return still('webp')
    if (form === 'WAVE') return av('wav')
    if (form === 'AVI ') return av('avi')
    return undefined
  }
  if (ascii(0, 4) === 'RF64' && ascii(8, 12) === 'WAVE') return av('wav')
  if (ascii(0, 4) === 'FORM' && (ascii(8, 12) === 'AIFF' || ascii(8, 12) === 'AIFC')) return av('aiff')
  if (ascii(0, 4) === 'FUJI' || ascii(0, 4) === 'IIRO' || ascii(0, 4) === 'IIRS' || ascii(0, 3) === 'IIU') {
    throw new AppError('raw_not_accepted')
  }
  if (starts(0x49, 0x49, 0x2a, 0x00) || starts(0x4d, 0x4d, 0x00, 0x2a)) {
    if (isRawTiff(head)) throw new AppError('raw_not_accepted')
    return still('tiff')
  }
  if (starts(0x1a, 0x45, 0xdf, 0xa3)) return av('matroska')
  if (ascii(0, 4) === 'OggS') return av('ogg')
  if (ascii(0, 4) === 'fLaC') return av('flac')
  if (ascii(0, 6) === '#!AMR\n' || ascii(0, 9) === '#!AMR-WB\n') return av('amr')
  if (ascii(0, 4) === 'caff') return av('caf')
  if (ascii(0, 4) === 'FLV\x01') return av('flv')
  if (starts(0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11)) return av('asf')
  if (starts(0x00, 0x00, 0x01, 0xba)) return av('mpegps')
  if (isTransportStream(head)) return av('mpegts')
  if (ascii(0, 3) === 'ID3') return av(audioBehindId3(head))
  const iso = isoFamily(head)
  if (iso !== undefined) return iso
  if (isAdts(head, 0)) return av('aac')
  if (isMpegAudio(head, 0)) return av('mp3')
  return undefined
}

const ISO_START = ['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot', 'styp', 'uuid']

/** ISO base media: the type is in the brands, not in the fact that it has some. */
function isoFamily(head: Buffer): Sniffed | undefined {
  const type = head.toString('latin1', 4, 8)
  if (!ISO_START.includes(type)) return undefined
  if (type !== 'ftyp') return { family: 'av', container: 'mp4' }
  const length = Math.min(head.readUInt32BE(0), head.length)
  const brands: string[] = []
  for (let at = 8; at + 4 <= length; at += 4) if (at !== 12) brands.push(head.toString('latin1', at, at + 4))
  const major = brands[0] ?? ''
  if (major === 'crx ') throw new AppError('raw_not_accepted')
  if (major.startsWith('jp') || major.startsWith('jxl')) return undefined
  if (major.startsWith('avi') || (major === 'mif1' && brands.includes('avif')))
    return { family: 'still', format: 'avif' }
  const heif = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'mif2', 'msf1']
  if (heif.includes(major)) return { family: 'still', format: 'heic' }
  return { family: 'av', container: 'mp4' }
}

function isTransportStream(head: Buffer): boolean {
  return [188, 192].some((packet) => {
    const first = packet === 192 ? 4 : 0
    return head.length > first + 2 * packet && [0, 1, 2].every((n) => head[first + n * packet] === 0x47)
  })
}

/** What follows an ID3v2 tag; MP3 where the tag is longer than what we see. Source: ID3v2.4 §3.1, synchsafe size. */
function audioBehindId3(head: Buffer): AvContainer {
  const [a = 0, b = 0, c = 0, d = 0] = head.subarray(6, 10)
  const end = 10 + ((a & 0x7f) << 21) + ((b & 0x7f) << 14) + ((c & 0x7f) << 7) + (d & 0x7f)
  if (head.toString('latin1', end, end + 4) === 'fLaC') return 'flac'
  return isAdts(head, end) ? 'aac' : 'mp3'
}

function isAdts(head: Buffer, at: number): boolean {
  return head[at] === 0xff && ((head[at + 1] ?? 0) & 0xf6) === 0xf0
}

/** An MPEG audio frame header of layer II or III with a lawful version, bit rate and sampling rate; layer I looks like UTF-16 text. */
function isMpegAudio(head: Buffer, at: number): boolean {
  const [sync = 0, second = 0, third = 0] = head.subarray(at, at + 3)
  return (
    sync === 0xff &&
    (second & 0xe0) === 0xe0 &&
    (second & 0x18) !== 0x08 &&
    ((second & 0x06) === 0x02 || (second & 0x06) === 0x04) &&
    (third & 0xf0) !== 0xf0 &&
    (third & 0x0c) !== 0x0c
  )
}

const TIFF_DNG_VERSION = 0xc612
const TIFF_PHOTOMETRIC = 0x0106
const TIFF_SUB_IFDS = 0x014a
const PHOTOMETRIC_CFA = 32803
const PHOTOMETRIC_LINEAR_RAW = 34892

/** Camera raw in TIFF clothes: DNG says so, Canon has a mark, the others keep the sensor's mosaic in a sub-directory. */
function isRawTiff(head: Buffer): boolean {
  const little = head[0] === 0x49
  const u16 = (at: number): number =>
    at + 2 > head.length ? 0 : little ? head.readUInt16LE(at) : head.readUInt16BE(at)
  const u32 = (at: number): number =>
    at + 4 > head.length ? 0 : little ? head.readUInt32LE(at) : head.readUInt32BE(at)
  if (head.toString('latin1', 8, 10) === 'CR') return true
  const directory = (at: number, depth: number): boolean => {
    const entries = Math.min(u16(at), 512)
    for (let entry = 0; entry < entries; entry++) {
      const where = at + 2 + entry * 12
      const tag = u16(where)
      if (tag === TIFF_DNG_VERSION) return true
      if (tag === TIFF_PHOTOMETRIC && [PHOTOMETRIC_CFA, PHOTOMETRIC_LINEAR_RAW].includes(u16(where + 8)))
        return true
      if (tag === TIFF_SUB_IFDS && depth === 0) {
        const count = Math.min(u32(where + 4), 16)
        for (let n = 0; n < count; n++) {
          if (directory(count === 1 ? u32(where + 8) : u32(u32(where + 8) + 4 * n), 1)) return true
        }
      }
    }
    return false
  }
  const first = u32(4)
  return first > 0 && first < head.length && directory(first, 0)
}

const ZIP_END = Buffer.from('PK\x05\x06', 'latin1')

/** Refuses files that are also something else: an archive at the end, a document or page at either end. */
function refuseSecondNature(head: Buffer, tail: Buffer): void {
  for (let at = tail.indexOf(ZIP_END); at >= 0; at = tail.indexOf(ZIP_END, at + 1)) {
    if (at + 22 <= tail.length && at + 22 + tail.readUInt16LE(at + 20) === tail.length) hidden('zip')
  }
  for (const part of [head, tail]) {
    const text = part.toString('latin1')
    if (/%PDF-\d\.\d/.test(text)) hidden('pdf')
    if (/<html[\s>]|<!doctype html|<script[\s>]/i.test(text)) hidden('html')
    if (/#EXTM3U[\r\n]/.test(text)) hidden('playlist')
  }
}

function hidden(nature: string): never {
  throw new AppError('hidden_content', { details: { nature } })
}
