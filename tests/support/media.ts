/** Makes small clips and pictures the way phones make them, with a secret in every place where phones put one. */

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { createMediaTools, type MediaTools } from '../../src/adapters/tools/media-tools.ts'

const run = promisify(execFile)

/** Every planted value; none of them may be in anything that an editor can reach. */
export const SECRETS = {
  latitude: '48.8612',
  longitude: '002.3397',
  location: '+48.8612+002.3397/',
  make: 'Secretphone',
  model: 'SP-77 Undercover',
  date: '2024-03-05T06:07:08',
  title: 'Bakery cellar, second door',
  artist: 'Amal Testperson',
  handler: 'SecretHandlerName',
  sei: 'SEI-serial-0451-planted',
  uuid: 'uuid-box-secret-payload',
  free: 'free-box-old-moov-secret',
  track: 'mett-track-gps-secret-fix',
  trailer: 'trailer-after-the-end-secret',
  exifSerial: 'BODY-SERIAL-99812',
} as const

/** All forms in which a secret might survive: as it is, and in both kinds of UTF-16. */
export function secretsIn(data: Buffer): string[] {
  return Object.entries(SECRETS)
    .filter(([, text]) => {
      const wide = Buffer.from(text, 'utf16le')
      return [Buffer.from(text), wide, Buffer.from(wide).swap16()].some((form) => data.includes(form))
    })
    .map(([name]) => name)
}

/** A folder of the test's own and the real tools working in it. */
export function mediaBench(name: string): { root: string; tools: MediaTools; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), `footbridge-${name}-`))
  return {
    root,
    tools: createMediaTools({ scratchRoot: join(root, 'scratch') }),
    remove: () => {
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** Runs ffmpeg outside of the sandbox, on our own material only. */
export async function hostFfmpeg(...args: string[]): Promise<void> {
  await run('/usr/bin/ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args])
}

/** What an independent reader says about a file's streams, as JSON. */
export async function hostProbe(path: string, ...entries: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run('/usr/bin/ffprobe', ['-v', 'error', ...entries, '-of', 'json', path], {
    maxBuffer: 64 * 1024 * 1024,
  })
  return JSON.parse(stdout) as Record<string, unknown>
}

/** MD5 of every packet of one stream, by ffmpeg. */
export async function packetDigests(path: string, stream: string, ...before: string[]): Promise<string[]> {
  const { stdout } = await run(
    '/usr/bin/ffmpeg',
    ['-nostdin', '-v', 'error', ...before, '-i', path, '-map', `0:${stream}`, '-c', 'copy'].concat(
      stream.startsWith('v') ? ['-bsf:v', 'filter_units=remove_types=6'] : [],
      ['-f', 'framemd5', '-'],
    ),
    { maxBuffer: 64 * 1024 * 1024 },
  )
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)?.trim() ?? '')
}

/** Runs the project's exiftool outside of the sandbox, on our own material only. */
export async function hostExiftool(...args: string[]): Promise<string> {
  const home = dirname(createRequire(import.meta.url).resolve('exiftool-vendored.pl'))
  const { stdout } = await run('/usr/bin/perl', [join(home, 'bin/exiftool'), '-config', '', ...args], {
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

export type ClipOptions = {
  readonly seconds?: number
  readonly size?: string
  readonly rate?: string
  readonly sound?: boolean
  readonly turned?: 0 | 90 | 180 | 270
  readonly codec?: readonly string[]
  /** Further arguments of ffmpeg for the output. */
  readonly extra?: readonly string[]
  readonly container?: 'mp4' | 'mov' | 'matroska' | 'mpegts' | 'avi' | 'webm' | '3gp'
}

const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '15', '-bf', '2', '-pix_fmt', 'yuv420p']

/** A clip of a moving test picture and a tone, with tags where the container takes them; `moov` is last, as on phones. */
export async function makeClip(path: string, options: ClipOptions = {}): Promise<void> {
  const { seconds = 2, size = '320x180', rate = '30', sound = true, turned = 0 } = options
  const container = options.container ?? 'mp4'
  const plain = `${path}.plain.${container === 'matroska' ? 'mkv' : container}`
  const codec = options.codec ?? H264
  const sei = codec.includes('libx264')
    ? ['-bsf:v', `h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+${SECRETS.sei}`]
    : []
  await hostFfmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${rate}:duration=${seconds}`],
    ...(sound ? ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}:sample_rate=44100`] : []),
    ...codec,
    ...sei,
    ...(sound ? (container === 'webm' ? ['-c:a', 'libopus'] : ['-c:a', 'aac']) : []),
    ...['-metadata', `location=${SECRETS.location}`, '-metadata', `title=${SECRETS.title}`],
    ...['-metadata', `artist=${SECRETS.artist}`, '-metadata', `creation_time=${SECRETS.date}Z`],
    ...['-metadata', `com.apple.quicktime.make=${SECRETS.make}`, '-metadata', `make=${SECRETS.make}`],
    ...['-metadata', `com.apple.quicktime.model=${SECRETS.model}`, '-metadata', `model=${SECRETS.model}`],
    ...['-metadata:s:v:0', `handler_name=${SECRETS.handler}`, '-metadata:s:v:0', `title=${SECRETS.title}`],
    ...(turned === 0 ? [] : ['-metadata:s:v:0', `rotate=${turned}`]),
    ...(container === 'mov' || container === 'mp4'
      ? ['-movflags', '+use_metadata_tags', '-timecode', '06:07:08:00']
      : []),
    ...(options.extra ?? []),
    ...['-f', container, turned === 0 ? path : plain],
  )
  // `rotate` is only understood on a copy.
  if (turned !== 0) {
    await hostFfmpeg(
      '-i',
      plain,
      '-c',
      'copy',
      '-map',
      '0:v',
      ...(sound ? ['-map', '0:a'] : []),
      '-metadata:s:v:0',
      `rotate=${turned}`,
      '-f',
      container,
      path,
    )
    rmSync(plain)
  }
}

/** Adds what cameras add to an MP4: a `uuid` box, old contents in `free`, and a box of a maker at the end. */
export async function plantBoxes(path: string): Promise<void> {
  const uuid = Buffer.concat([
    Buffer.from('be7acfcb97a942e89c71999491e3afac', 'hex'),
    Buffer.from(SECRETS.uuid),
  ])
  await appendFile(
    path,
    Buffer.concat([
      isoBox('uuid', uuid),
      isoBox('free', Buffer.from(SECRETS.free)),
      isoBox('sefd', Buffer.from(SECRETS.trailer)),
    ]),
  )
}

/** One box of an ISO file. */
export function isoBox(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + body.length, 0)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, body])
}

/** A photo with place, device, serial, dates, a thumbnail, a comment, and bytes behind its end. */
export async function makePhoto(
  path: string,
  options: { readonly orientation?: number } = {},
): Promise<void> {
  const picture = sharp({
    create: { width: 320, height: 200, channels: 3, background: '#2266aa' },
  }).composite([
    { input: { create: { width: 60, height: 40, channels: 3, background: '#ff8800' } }, left: 10, top: 10 },
  ])
  await picture.jpeg().toFile(path)
  await hostExiftool(
    ...[
      '-overwrite_original',
      '-q',
      `-Make=${SECRETS.make}`,
      `-Model=${SECRETS.model}`,
      `-Artist=${SECRETS.artist}`,
    ],
    ...[
      `-GPSLatitude=${SECRETS.latitude}`,
      '-GPSLatitudeRef=N',
      `-GPSLongitude=${SECRETS.longitude}`,
      '-GPSLongitudeRef=E',
    ],
    ...[
      '-DateTimeOriginal=2024:03:05 06:07:08',
      `-SerialNumber=${SECRETS.exifSerial}`,
      `-Comment=${SECRETS.title}`,
    ],
    ...[`-XMP:Title=${SECRETS.title}`, `-IPTC:By-line=${SECRETS.artist}`],
    ...(options.orientation === undefined ? [] : [`-Orientation#=${options.orientation}`]),
    path,
  )
  await appendFile(path, SECRETS.trailer)
}

/** A PNG with text chunks, times and bytes behind its end. */
export async function makePng(path: string): Promise<void> {
  await sharp({ create: { width: 64, height: 48, channels: 4, background: '#336699cc' } })
    .png()
    .toFile(path)
  await hostExiftool(
    ...['-overwrite_original', '-q', `-PNG:Title=${SECRETS.title}`, `-PNG:Author=${SECRETS.artist}`],
    ...[`-XMP:Creator=${SECRETS.artist}`, `-EXIF:Model=${SECRETS.model}`, path],
  )
  await writeFile(path, Buffer.concat([await readFile(path), Buffer.from(SECRETS.trailer)]))
}
