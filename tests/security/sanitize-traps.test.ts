/**
 * Files on which well-known cleaners fail: tracks of positions, a clip inside a photo, places in four
 * kinds of tags, user data between the pictures. Made here, the way cameras and phones make them.
 */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { deriveFile, sanitizeFile } from '../../src/process/standalone.ts'
import {
  hostExiftool,
  hostFfmpeg,
  hostProbe,
  isoBox,
  makeClip,
  mediaBench,
  SECRETS,
  secretsIn,
} from '../support/media.ts'

const bench = mediaBench('traps')
const at = (name: string): string => join(bench.root, name)
afterAll(() => {
  bench.remove()
})

async function clean(name: string) {
  const output = at(`${name}.clean`)
  const told = await sanitizeFile(at(name), output, bench.tools)
  return { told, output, before: await readFile(at(name)), after: await readFile(output) }
}

function words(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => buffer.writeUInt32BE(value, index * 4))
  return buffer
}

/** One entry of GoPro's format: key, type, size of one, how many, padded to four bytes. */
function gpmf(key: string, type: string, size: number, data: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.write(key + type, 0, 'latin1')
  head[5] = size
  head.writeUInt16BE(size === 0 ? 0 : data.length / size, 6)
  if (size === 0) head.writeUInt32BE(data.length, 4)
  return Buffer.concat([head, data, Buffer.alloc(-data.length & 3)])
}

function nested(key: string, ...parts: Buffer[]): Buffer {
  const data = Buffer.concat(parts)
  const head = Buffer.from(`${key}\0\x01\0\0`, 'latin1')
  head.writeUInt16BE(data.length, 6)
  return Buffer.concat([head, data])
}

const POSITION = gpmf('GPS5', 'l', 20, words(488_612_000, 23_397_000, 35_000, 1000, 100))
const SCALES = gpmf('SCAL', 'l', 4, words(10_000_000, 10_000_000, 1000, 1000, 100))
const CAMERA = nested(
  'DEVC',
  gpmf('DVID', 'L', 4, words(1)),
  gpmf('DVNM', 'c', 1, Buffer.from(SECRETS.model)),
  nested(
    'STRM',
    gpmf('STNM', 'c', 1, Buffer.from(SECRETS.track)),
    gpmf('GPSU', 'U', 16, Buffer.from('240305060708.000')),
    SCALES,
    POSITION,
  ),
)

/** Adds a track of positions of GoPro's kind, and its settings in `udta`, to an MP4 whose index comes last. */
function withPositions(clip: Buffer): Buffer {
  const index = clip.lastIndexOf('moov', undefined, 'latin1') - 4
  const moov = clip.subarray(index, index + clip.readUInt32BE(index))
  const matrix = words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)
  const tkhd = isoBox('tkhd', Buffer.concat([words(15, 0, 0, 9, 0, 1000, 0, 0, 0, 0), matrix, words(0, 0)]))
  const handler = Buffer.concat([
    words(0, 0),
    Buffer.from('meta'),
    words(0, 0, 0),
    Buffer.from('GoPro MET\0'),
  ])
  const entry = isoBox('gpmd', words(0, 1))
  const udta = isoBox(
    'udta',
    isoBox('GPMF', nested('DEVC', gpmf('CASN', 'c', 1, Buffer.from(SECRETS.exifSerial)))),
  )
  const grown = (offset: number): Buffer => {
    const table = Buffer.concat([
      isoBox('stsd', Buffer.concat([words(0, 1), entry])),
      isoBox('stts', words(0, 1, 1, 1000)),
      isoBox('stsc', words(0, 1, 1, 1, 1)),
      isoBox('stsz', words(0, 0, 1, CAMERA.length)),
      isoBox('stco', words(0, 1, offset)),
    ])
    const reference = isoBox('dinf', isoBox('dref', Buffer.concat([words(0, 1), isoBox('url ', words(1))])))
    const gmhd = isoBox('gmhd', isoBox('gmin', words(0, 0x0040_8000, 0x8000_8000, 0)))
    const mdia = Buffer.concat([
      isoBox('mdhd', words(0, 0, 0, 1000, 1000, 0)),
      isoBox('hdlr', handler),
      isoBox('minf', Buffer.concat([gmhd, reference, isoBox('stbl', table)])),
    ])
    const trak = isoBox('trak', Buffer.concat([tkhd, isoBox('mdia', mdia)]))
    return isoBox('moov', Buffer.concat([moov.subarray(8), trak, udta]))
  }
  const rest = Buffer.concat([clip.subarray(0, index), clip.subarray(index + moov.length)])
  const offset = rest.length + grown(0).length + 8
  return Buffer.concat([rest, grown(offset), isoBox('mdat', CAMERA)])
}

describe('an action camera’s clip with a track of positions (X1, X2, X3)', () => {
  it('is cleaned of positions, serial and model, where others leave them or give up', async () => {
    await makeClip(at('plain.mp4'), { seconds: 1 })
    await writeFile(at('gopro.mp4'), withPositions(await readFile(at('plain.mp4'))))
    const listed = await hostExiftool('-ee', '-a', '-s', '-n', at('gopro.mp4'))
    expect(listed).toMatch(/GPSLatitude\s+: 48\.8612/)
    expect(listed).toContain(SECRETS.exifSerial)

    const { told, output, before, after } = await clean('gopro.mp4')
    expect(secretsIn(before)).toEqual(expect.arrayContaining(['model', 'track', 'exifSerial']))
    expect(before.includes(POSITION)).toBe(true)
    expect(secretsIn(after)).toEqual([])
    expect(after.includes(POSITION.subarray(8, 16))).toBe(false)
    for (const mark of ['gpmd', 'GPMF', 'DEVC', 'GPS5', 'GoPro'])
      expect(after.includes(mark), mark).toBe(false)
    expect(told.certificate.tier).toBe('B')
    expect(told.certificate.removed).toMatchObject({ data_track: 2 })
    expect(told.certificate.removed['location']).toBeGreaterThan(0)
    expect(await hostExiftool('-ee', '-a', '-s', '-G1', '-GPS*', '-*Serial*', '-*Model*', output)).toBe('')
  })

  it('is a trap: exiftool says that it removed everything, and positions stay', async () => {
    await hostExiftool('-q', '-all=', '-o', at('trapped.mp4'), at('gopro.mp4'))
    expect((await readFile(at('trapped.mp4'))).includes(POSITION)).toBe(true)
  })
})

/** A HEIC of one picture, box by box: neither ffmpeg 5 nor sharp writes one. ISO/IEC 23008-12. */
async function makeHeic(path: string): Promise<void> {
  await hostFfmpeg(
    ...[
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=64x64:rate=1:duration=1',
      '-frames:v',
      '1',
      '-pix_fmt',
      'yuv420p',
    ],
    ...['-c:v', 'libx265', '-x265-params', 'log-level=error:info=0', '-tag:v', 'hvc1', at('still.mp4')],
  )
  const film = await readFile(at('still.mp4'))
  const box = (type: string): Buffer => {
    const where = film.indexOf(type, 0, 'latin1') - 4
    return film.subarray(where, where + film.readUInt32BE(where))
  }
  const sizes = box('stsz')
  const from = box('stco').readUInt32BE(16)
  const picture = film.subarray(from, from + (sizes.readUInt32BE(12) || sizes.readUInt32BE(20)))
  const ftyp = isoBox('ftyp', Buffer.from('heic\0\0\0\0mif1heic', 'latin1'))
  const full = (type: string, version: number, ...parts: Buffer[]): Buffer =>
    isoBox(type, Buffer.concat([words(version * 2 ** 24), ...parts]))
  const meta = (offset: number): Buffer =>
    full(
      'meta',
      0,
      full('hdlr', 0, words(0), Buffer.from('pict'), words(0, 0, 0), Buffer.alloc(1)),
      full('pitm', 0, Buffer.from([0, 1])),
      full(
        'iloc',
        0,
        Buffer.from('4400000100010000 0001'.replace(' ', ''), 'hex'),
        words(offset, picture.length),
      ),
      full(
        'iinf',
        0,
        Buffer.from([0, 1]),
        full('infe', 2, Buffer.from('00010000', 'hex'), Buffer.from('hvc1\0')),
      ),
      isoBox(
        'iprp',
        Buffer.concat([
          isoBox('ipco', Buffer.concat([box('hvcC'), full('ispe', 0, words(64, 64))])),
          full('ipma', 0, words(1), Buffer.from('0001028102', 'hex')),
        ]),
      ),
    )
  const offset = ftyp.length + meta(0).length + 8
  await writeFile(path, Buffer.concat([ftyp, meta(offset), isoBox('mdat', picture)]))
}

describe('a photo with a clip inside (X4)', () => {
  it('keeps the photo only, where others keep the clip, its place and its time', async () => {
    await makeHeic(at('photo.heic'))
    await hostExiftool(
      ...[
        '-overwrite_original',
        '-q',
        `-Model=${SECRETS.model}`,
        '-GPSLatitude=48.8612',
        '-GPSLatitudeRef=N',
      ],
      at('photo.heic'),
    )
    await makeClip(at('moment.mp4'), { seconds: 1, size: '64x64' })
    const clip = await readFile(at('moment.mp4'))
    await writeFile(at('photo.heic'), Buffer.concat([await readFile(at('photo.heic')), isoBox('mpvd', clip)]))

    const { told, output, before, after } = await clean('photo.heic')
    expect(secretsIn(before)).toEqual(expect.arrayContaining(['model', 'location', 'title', 'sei']))
    expect(before.includes(clip)).toBe(true)
    expect(secretsIn(after)).toEqual([])
    for (const mark of ['ftyp', 'mdat', 'mpvd', 'Exif']) expect(after.includes(mark), mark).toBe(false)
    expect(told).toMatchObject({ extension: 'jpg', recovered: false })
    expect(told.mediaInfo.video).toMatchObject({ width: 64, height: 64 })
    expect(await hostExiftool('-a', '-s', '-G1', '-EXIF:all', '-GPS*', '-*Video*', output)).toBe('')
  })
})

describe('a phone’s film with its place in every kind of tag (X5, X6)', () => {
  it('is cleaned of all of them, in the master and in everything made for watching', async () => {
    await makeClip(at('phone.mov'), { container: 'mov', seconds: 1 })
    const place = '48.8612, 2.3397, 35'
    await hostExiftool(
      ...['-overwrite_original', '-q', `-Keys:GPSCoordinates=${place}`, `-UserData:GPSCoordinates=${place}`],
      ...[
        `-ItemList:GPSCoordinates=${place}`,
        '-UserData:LocationInformation=Lat=48.86120 Lon=2.33970 Alt=35.00',
      ],
      ...[`-Keys:Make=${SECRETS.make}`, `-Keys:Model=${SECRETS.model}`, `-UserData:Model=${SECRETS.model}`],
      ...[
        `-ItemList:Author=${SECRETS.artist}`,
        `-UserData:Author=${SECRETS.artist}`,
        `-XMP:Creator=${SECRETS.artist}`,
      ],
      at('phone.mov'),
    )
    const listed = await hostExiftool(
      '-a',
      '-s',
      '-G1',
      '-GPSCoordinates',
      '-Author',
      '-Model',
      at('phone.mov'),
    )
    for (const group of ['Keys', 'UserData', 'ItemList']) expect(listed).toContain(`[${group}]`)

    const { files } = await deriveFile(at('phone.mov'), at('phone'), bench.tools)
    const { output, before } = await clean('phone.mov')
    expect(secretsIn(before)).toEqual(expect.arrayContaining(['make', 'model', 'artist', 'location']))
    for (const path of [output, ...Object.values(files)]) {
      const data = await readFile(path)
      expect(secretsIn(data), path).toEqual([])
      for (const mark of ['\xa9xyz', 'loci', 'mdta', 'ilst', 'udta', '48.86', 'http://ns.adobe.com']) {
        expect(data.includes(Buffer.from(mark, 'latin1')), `${path} ${mark}`).toBe(false)
      }
    }
  })
})

describe('user data between the pictures (X7)', () => {
  it.each([
    ['h264', ['-c:v', 'libx264', '-preset', 'ultrafast'], ['x264 - core', SECRETS.sei]],
    [
      'hevc',
      ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', '-tag:v', 'hvc1'],
      ['x265 (build'],
    ],
  ] as const)('is gone from copied pictures that still decode: %s', async (codec, options, marks) => {
    const name = `${codec}.mp4`
    await makeClip(at(name), { codec: options, seconds: 1 })
    const { told, output, before, after } = await clean(name)
    expect(told.certificate.tier).toBe('B')
    expect(told.certificate.removed['bitstream_user_data']).toBe(1)
    for (const mark of marks) {
      expect(before.includes(mark), mark).toBe(true)
      expect(after.includes(mark), mark).toBe(false)
    }
    const counted = await hostProbe(
      output,
      '-count_frames',
      '-select_streams',
      'v:0',
      '-show_entries',
      'stream=nb_read_frames',
    )
    expect(counted['streams']).toEqual([{ nb_read_frames: '30' }])
    // A trap: taking the container's tags away leaves what is in the bitstream.
    await hostFfmpeg('-i', at(name), '-map', '0:v', '-map_metadata', '-1', '-c', 'copy', at(`trap-${name}`))
    for (const mark of marks) expect((await readFile(at(`trap-${name}`))).includes(mark), mark).toBe(true)
  })
})
