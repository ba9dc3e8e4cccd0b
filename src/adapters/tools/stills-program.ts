/**
 * The program that decodes and encodes still pictures. It runs by itself inside the sandbox, never
 * in a server process: it reads `/in`, writes to `/out`, takes one JSON argument and prints one
 * JSON line. Exit status 3 means that the picture itself is at fault; the line says how.
 */

import { readFile } from 'node:fs/promises'
import decodeHeic from 'heic-decode'
import sharp, { type Sharp } from 'sharp'

/** What `stills.ts` asks for. */
export type StillsRequest =
  | { readonly do: 'facts'; readonly format: string; readonly maxPixels: number }
  | { readonly do: 'clean'; readonly format: string; readonly maxPixels: number; readonly tolerant: boolean }
  | {
      readonly do: 'derive'
      readonly maxPixels: number
      readonly proxySide: number
      readonly posterSide: number
    }

/** What it answers. */
export type StillsAnswer =
  | {
      readonly ok: true
      readonly width: number
      readonly height: number
      readonly pages: number
      readonly file?: string
    }
  | { readonly ok: false; readonly fault: 'damaged' | 'too_big' | 'not_accepted' }

/** One setting for everybody, so that pictures of different people look alike. */
const JPEG = { quality: 92, chromaSubsampling: '4:2:0', progressive: false, mozjpeg: false } as const
const PREVIEW = { quality: 82, chromaSubsampling: '4:2:0', progressive: false, mozjpeg: false } as const
const MAX_PAGES = 1000
const REFUSED = 3

const LOADERS = [
  ...['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp', 'VipsForeignLoadHeif'],
  ...['VipsForeignLoadNsgif', 'VipsForeignLoadTiff'],
]

async function main(request: StillsRequest): Promise<StillsAnswer> {
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: LOADERS })
  sharp.cache(false)
  sharp.concurrency(2)
  if (request.do === 'derive') return await derive(request)
  return request.format === 'heic' ? await heic(request) : await common(request)
}

async function common(request: Exclude<StillsRequest, { do: 'derive' }>): Promise<StillsAnswer> {
  const animated = request.format === 'gif' || request.format === 'webp'
  const head = await sharp('/in', { animated: false, limitInputPixels: false }).metadata()
  const pages = animated ? (head.pages ?? 1) : 1
  if (pages > MAX_PAGES || head.width * head.height * pages > request.maxPixels)
    return { ok: false, fault: 'too_big' }
  const turned = (head.orientation ?? 1) >= 5
  const size = { width: turned ? head.height : head.width, height: turned ? head.width : head.height }
  if (request.do === 'facts') return { ok: true, ...size, pages }
  const source = sharp('/in', {
    animated: animated && pages > 1,
    limitInputPixels: request.maxPixels,
    failOn: request.tolerant ? 'none' : 'warning',
  })
  return await write(pages > 1 ? source : source.autoOrient(), request.format, pages, size)
}

async function heic(request: Exclude<StillsRequest, { do: 'derive' }>): Promise<StillsAnswer> {
  const images = await decodeHeic.all({ buffer: await readFile('/in') })
  try {
    const first = images[0]
    if (first === undefined) return { ok: false, fault: 'damaged' }
    // libheif has applied turns, mirrors and crops to these numbers and will to the picture.
    const size = { width: first.width, height: first.height }
    if (size.width * size.height > request.maxPixels) return { ok: false, fault: 'too_big' }
    if (request.do === 'facts') return { ok: true, ...size, pages: 1 }
    const { data } = await first.decode()
    const raw = { width: size.width, height: size.height, channels: 4 } as const
    return await write(
      sharp(Buffer.from(data.buffer, data.byteOffset, data.byteLength), { raw }),
      'heic',
      1,
      size,
    )
  } finally {
    images.dispose()
  }
}

async function write(
  source: Sharp,
  format: string,
  pages: number,
  size: { width: number; height: number },
): Promise<StillsAnswer> {
  const picture = source.toColourspace('srgb')
  switch (format) {
    case 'png':
    case 'tiff':
      await picture.png({ compressionLevel: 6 }).toFile('/out/clean.png')
      return { ok: true, ...size, pages, file: 'clean.png' }
    case 'webp':
      await picture.webp({ quality: 90, effort: 3 }).toFile('/out/clean.webp')
      return { ok: true, ...size, pages, file: 'clean.webp' }
    case 'gif':
      await picture.gif({ effort: 3 }).toFile('/out/clean.gif')
      return { ok: true, ...size, pages, file: 'clean.gif' }
    default:
      await picture.flatten({ background: '#ffffff' }).jpeg(JPEG).toFile('/out/clean.jpg')
      return { ok: true, ...size, pages, file: 'clean.jpg' }
  }
}

async function derive(request: Extract<StillsRequest, { do: 'derive' }>): Promise<StillsAnswer> {
  const open = (): Sharp => sharp('/in', { limitInputPixels: request.maxPixels, animated: false })
  const small = (side: number): Sharp =>
    open()
      .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .flatten({ background: '#ffffff' })
      .jpeg(PREVIEW)
  const proxy = await small(request.proxySide).toFile('/out/proxy.jpg')
  await small(request.posterSide).toFile('/out/poster.jpg')
  return { ok: true, width: proxy.width, height: proxy.height, pages: 1 }
}

/** libvips and libheif name their faults in words only; what is not the picture's fault goes on. */
function faultOf(error: unknown): 'damaged' | 'too_big' | 'not_accepted' {
  const message = error instanceof Error ? error.message : ''
  if (/system error|creating thread|allocate|memory|unable to open for write/i.test(message)) throw error
  if (/pixel limit|too large|exceeds/i.test(message)) return 'too_big'
  if (/unsupported image format|blocked/i.test(message)) return 'not_accepted'
  return 'damaged'
}

const request = JSON.parse(process.argv[2] ?? '{}') as StillsRequest
try {
  const answer = await main(request)
  process.stdout.write(JSON.stringify(answer))
  process.exitCode = answer.ok ? 0 : REFUSED
} catch (error) {
  process.stdout.write(JSON.stringify({ ok: false, fault: faultOf(error) } satisfies StillsAnswer))
  process.exitCode = REFUSED
}
