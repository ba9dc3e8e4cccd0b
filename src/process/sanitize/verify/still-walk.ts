/** Walks a clean still picture piece by piece: only pieces that make pixels may be there, and nothing behind the end. */

import { AppError } from '../../../domain/errors.ts'

/** Checks a whole JPEG, PNG, WebP or GIF in memory. Errors: `not_proven_clean` with the name of the piece. */
export function walkStill(extension: string, data: Buffer): void {
  try {
    walk(extension, data)
  } catch (error) {
    // A field that lies beyond the end.
    if (error instanceof RangeError) unproven('length', extension)
    throw error
  }
}

function walk(extension: string, data: Buffer): void {
  switch (extension) {
    case 'jpg':
      walkJpeg(data)
      return
    case 'png':
      walkPng(data)
      return
    case 'webp':
      walkWebp(data, 12, data.length, true)
      return
    case 'gif':
      walkGif(data)
      return
    default:
      unproven('format', extension)
  }
}

/** Refuses with the name of what was found; never with its content. */
export function unproven(check: string, found: string): never {
  throw new AppError('not_proven_clean', {
    details: { check, found: found.replace(/[^\x20-\x7e]/g, '?').slice(0, 40) },
  })
}

// DQT, SOF0–2, DHT, DRI. Source: ITU-T T.81 table B.1.
const JPEG_TABLES = [0xdb, 0xc0, 0xc1, 0xc2, 0xc4, 0xdd]

function walkJpeg(data: Buffer): void {
  if (data.readUInt16BE(0) !== 0xffd8) unproven('jpeg_start', 'marker')
  let at = 2
  for (;;) {
    if (at + 4 > data.length || data[at] !== 0xff) unproven('jpeg_segment', 'marker')
    const marker = data[at + 1] ?? 0
    const length = data.readUInt16BE(at + 2)
    if (marker === 0xe0) {
      const plainJfif =
        length === 16 &&
        data.toString('latin1', at + 4, at + 9) === 'JFIF\0' &&
        data.readUInt16BE(at + 16) === 0
      if (!plainJfif) unproven('jpeg_segment', 'APP0')
    } else if (marker === 0xda) {
      at = endOfScan(data, at + 2 + length)
      if (data[at + 1] === 0xd9) break
      continue
    } else if (!JPEG_TABLES.includes(marker)) {
      unproven('jpeg_segment', `FF${marker.toString(16).toUpperCase()}`)
    }
    at += 2 + length
  }
  if (at + 2 !== data.length) unproven('after_end', 'bytes')
}

/** The next marker behind entropy-coded data: stuffed zeros and restarts belong to it. */
function endOfScan(data: Buffer, from: number): number {
  let at = data.indexOf(0xff, from)
  while (at >= 0 && at + 1 < data.length) {
    const next = data[at + 1] ?? 0
    if (next !== 0 && (next < 0xd0 || next > 0xd7)) return at
    at = data.indexOf(0xff, at + 2)
  }
  return unproven('jpeg_segment', 'no_end')
}

const PNG_CHUNKS = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND', 'pHYs', 'bKGD']

function walkPng(data: Buffer): void {
  let at = 8
  while (at + 12 <= data.length) {
    const length = data.readUInt32BE(at)
    const type = data.toString('latin1', at + 4, at + 8)
    if (!PNG_CHUNKS.includes(type)) unproven('png_chunk', type)
    at += 12 + length
    if (type === 'IEND') {
      if (at !== data.length) unproven('after_end', 'bytes')
      return
    }
  }
  unproven('png_chunk', 'no_end')
}

const WEBP_CHUNKS = ['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF']
/** White and opaque, what our writer gives every animation; players ignore it, so it could carry four bytes. */
const WEBP_BACKGROUND = 0xffffffff

function walkWebp(data: Buffer, from: number, to: number, top: boolean): void {
  if (top && (data.readUInt32LE(4) + 8 !== data.length || data.toString('latin1', 8, 12) !== 'WEBP')) {
    unproven('after_end', 'bytes')
  }
  let at = from
  while (at + 8 <= to) {
    const type = data.toString('latin1', at, at + 4)
    const length = data.readUInt32LE(at + 4)
    if (!WEBP_CHUNKS.includes(type)) unproven('webp_chunk', type)
    if (type === 'ANIM' && data.readUInt32LE(at + 8) !== WEBP_BACKGROUND) unproven('webp_chunk', 'background')
    if (type === 'ANMF') walkWebp(data, at + 8 + 16, at + 8 + length, false)
    at += 8 + length + (length & 1)
  }
  if (at !== to) unproven('webp_chunk', 'length')
}

function walkGif(data: Buffer): void {
  const table = (packed: number): number => ((packed & 0x80) === 0 ? 0 : 3 * 2 ** ((packed & 7) + 1))
  let at = 13 + table(data[10] ?? 0)
  const skipBlocks = (from: number): number => {
    let next = from
    while ((data[next] ?? 0) !== 0) next += (data[next] ?? 0) + 1
    return next + 1
  }
  for (;;) {
    const kind = data[at]
    if (kind === 0x3b) {
      if (at + 1 !== data.length) unproven('after_end', 'bytes')
      return
    }
    if (kind === 0x2c) {
      at = skipBlocks(at + 10 + table(data[at + 9] ?? 0) + 1)
    } else if (kind === 0x21 && data[at + 1] === 0xf9) {
      at = skipBlocks(at + 2)
    } else if (
      kind === 0x21 &&
      data[at + 1] === 0xff &&
      data.toString('latin1', at + 3, at + 14) === 'NETSCAPE2.0'
    ) {
      at = skipBlocks(at + 2)
    } else {
      unproven('gif_block', `${(kind ?? 0).toString(16)} ${(data[at + 1] ?? 0).toString(16)}`)
    }
  }
}
