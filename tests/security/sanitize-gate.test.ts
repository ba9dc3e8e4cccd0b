/** The gate itself: leaks are planted in clean files, one at a time, and every one must be caught. */

import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tag } from '../../src/adapters/tools/exiftool.ts'
import { withLocalFile } from '../../src/adapters/tools/local-file.ts'
import { rebuiltMp4 } from '../../src/process/sanitize/rebuilt-file.ts'
import { sanitizeFile } from '../../src/process/standalone.ts'
import { verifyClean } from '../../src/process/sanitize/verify-clean.ts'
import type { Expected } from '../../src/process/sanitize/verify/fidelity.ts'
import { walkMp4 } from '../../src/process/sanitize/verify/mp4-walk.ts'
import {
  hostExiftool,
  hostFfmpeg,
  isoBox,
  makeClip,
  makePhoto,
  makePng,
  mediaBench,
  SECRETS,
} from '../support/media.ts'

const bench = mediaBench('gate')
const at = (name: string): string => join(bench.root, name)
const SOURCE: Tag[] = [{ group: 'IFD0', name: 'Model', value: SECRETS.model }]
const CLIP: Expected = {
  kind: 'video',
  durationMs: 2000,
  soundTracks: 1,
  width: 320,
  height: 180,
  rotation: 0,
  hdr: false,
  rate: { num: 30, den: 1 },
  exact: true,
  packets: 60,
}
const PHOTO: Expected = { kind: 'still', width: 320, height: 200, pages: 1, exact: true }
const PNG: Expected = { kind: 'still', width: 64, height: 48, pages: 1, exact: true }

beforeAll(async () => {
  await makeClip(at('source.mp4'))
  await makePhoto(at('source.jpg'))
  await makePng(at('source.png'))
  await sharp({ create: { width: 64, height: 48, channels: 3, background: '#123456' } })
    .webp()
    .toFile(at('source.webp'))
  await sharp({ create: { width: 64, height: 48, channels: 3, background: '#123456' } })
    .gif()
    .toFile(at('source.gif'))
  for (const kind of ['mp4', 'jpg', 'png', 'webp', 'gif']) {
    await sanitizeFile(at(`source.${kind}`), at(`clean.${kind}`), bench.tools, { timecode: true })
  }
})
afterAll(() => {
  bench.remove()
})

async function judge(data: Buffer, kind: string, expected: Expected): Promise<string> {
  const path = at(`planted.${kind}`)
  await writeFile(path, data, { mode: 0o644 })
  try {
    await verifyClean({ masterPath: path, expected, sourceTags: SOURCE, tools: bench.tools })
    return 'passed'
  } catch (error) {
    const { code, details } = error as { code?: string; details?: { check?: string } }
    return code === 'not_proven_clean'
      ? `caught by ${details?.check ?? '?'}`
      : `caught as ${code ?? String(error)}`
  }
}

/** Puts `box` at the end of the first box of type `parent`, and corrects the sizes above and the positions behind. */
function intoBox(
  file: Buffer,
  parents: readonly string[],
  box: Buffer,
  find = (parent: string, from: number): number => file.indexOf(parent, from, 'latin1'),
): Buffer {
  let from = 0
  const heads: number[] = []
  for (const parent of parents) {
    const where = find(parent, from) - 4
    heads.push(where)
    from = where + 8
  }
  const inner = heads.at(-1) ?? 0
  const end = inner + file.readUInt32BE(inner)
  const grown = Buffer.concat([file.subarray(0, end), box, file.subarray(end)])
  for (const head of heads) grown.writeUInt32BE(grown.readUInt32BE(head) + box.length, head)
  return shiftChunks(grown, box.length)
}

function shiftChunks(file: Buffer, by: number): Buffer {
  for (
    let where = file.indexOf('stco', 0, 'latin1');
    where > 0;
    where = file.indexOf('stco', where + 4, 'latin1')
  ) {
    const count = file.readUInt32BE(where + 8)
    for (let n = 0; n < count; n++) {
      const position = where + 12 + n * 4
      file.writeUInt32BE(file.readUInt32BE(position) + by, position)
    }
  }
  return file
}

function patch(file: Buffer, mark: string, offset: number, bytes: string): Buffer {
  const copy = Buffer.from(file)
  copy.write(bytes, copy.indexOf(mark, 0, 'latin1') + offset, 'latin1')
  return copy
}

/** The timecode track is the last one. */
function intoTimecode(file: Buffer, parents: readonly string[], box: Buffer): Buffer {
  return intoBox(file, ['moov', 'trak', ...parents], box, (parent, from) =>
    parent === 'trak' ? file.lastIndexOf('trak', undefined, 'latin1') : file.indexOf(parent, from, 'latin1'),
  )
}

/** Adds one to a byte of the timecode track, `offset` bytes behind the name of a box in it. */
function bumpTimecode(file: Buffer, boxType: string, offset: number): Buffer {
  const copy = Buffer.from(file)
  const track = copy.lastIndexOf('trak', undefined, 'latin1')
  const where = copy.indexOf(boxType, track, 'latin1') + offset
  copy[where] = ((copy[where] ?? 0) + 1) % 256
  return copy
}

const lastTrack = (file: Buffer): Buffer => {
  const where = file.lastIndexOf('trak', undefined, 'latin1') - 4
  return file.subarray(where, where + file.readUInt32BE(where))
}

const text = (value: string): Buffer => Buffer.from(value, 'latin1')

const CLIP_LEAKS: [string, (clean: Buffer) => Buffer][] = [
  [
    'a udta at the end of moov',
    (clean) => intoBox(clean, ['moov'], isoBox('udta', isoBox('name', text('x')))),
  ],
  ['a udta in a track', (clean) => intoBox(clean, ['moov', 'trak'], isoBox('udta', text('')))],
  ['a meta in moov', (clean) => intoBox(clean, ['moov'], isoBox('meta', Buffer.alloc(12)))],
  ['a uuid in moov', (clean) => intoBox(clean, ['moov'], isoBox('uuid', Buffer.alloc(32, 7)))],
  ['a free with content in moov', (clean) => intoBox(clean, ['moov'], isoBox('free', text('old')))],
  ['a skip in a track', (clean) => intoBox(clean, ['moov', 'trak'], isoBox('skip', text('old')))],
  ['a uuid behind the end', (clean) => Buffer.concat([clean, isoBox('uuid', Buffer.alloc(32, 7))])],
  ['a free behind the end', (clean) => Buffer.concat([clean, isoBox('free', text('old moov'))])],
  ['an unknown box behind the end', (clean) => Buffer.concat([clean, isoBox('sefd', text('SEF'))])],
  ['a second mdat', (clean) => Buffer.concat([clean, isoBox('mdat', text('slack'))])],
  ['loose bytes behind the end', (clean) => Buffer.concat([clean, text('x')])],
  [
    'bytes in mdat that no sample uses',
    (clean) => {
      const where = clean.indexOf('mdat', 0, 'latin1') - 4
      const longer = Buffer.concat([clean, text('unused')])
      longer.writeUInt32BE(longer.readUInt32BE(where) + 6, where)
      return longer
    },
  ],
  ['a time of the movie', (clean) => patch(clean, 'mvhd', 8, '\xe0\x11\x22\x33')],
  ['a time of change', (clean) => patch(clean, 'mvhd', 12, '\xe0\x11\x22\x33')],
  ['a time of a track', (clean) => patch(clean, 'tkhd', 8, '\xe0\x11\x22\x33')],
  ['a time of the media', (clean) => patch(clean, 'mdhd', 8, '\xe0\x11\x22\x33')],
  ['a language', (clean) => patch(clean, 'mdhd', 24, '\x06\x32')],
  [
    'a name of a handler',
    (clean) => {
      const grown = intoBox(clean, ['moov', 'trak', 'mdia', 'hdlr'], text('Core Media Video'))
      return grown
    },
  ],
  ['a vendor of a handler', (clean) => patch(clean, 'hdlr', 16, 'appl')],
  ['a name of the compressor', (clean) => patch(clean, 'avc1', 4 + 42, '\x05H.264')],
  ['a vendor of the pictures', (clean) => patch(clean, 'avc1', 4 + 12, 'appl')],
  ['a brand', (clean) => patch(clean, 'ftyp', 4, 'qt  ')],
  ['another kind of track', (clean) => patch(clean, 'hdlr', 12, 'meta')],
  ['a reference to another file', (clean) => patch(clean, 'url ', 4, '\0\0\0\0')],
  [
    'an SEI unit among the pictures',
    (clean) => {
      const where = clean.indexOf('mdat', 0, 'latin1') + 4
      const copy = Buffer.from(clean)
      copy[where + 4] = 6
      return copy
    },
  ],
  [
    'a value of the source in the sound',
    (clean) => {
      const copy = Buffer.from(clean)
      copy.write(SECRETS.model, copy.length - 60, 'latin1')
      return copy
    },
  ],
  [
    'a value of the source in UTF-16',
    (clean) => {
      const copy = Buffer.from(clean)
      Buffer.from(SECRETS.model, 'utf16le').copy(copy, copy.length - 60)
      return copy
    },
  ],
]

const TIMECODE_LEAKS: [string, (clean: Buffer) => Buffer][] = [
  [
    'another value',
    (clean) => {
      const copy = Buffer.from(clean)
      copy.writeUInt32BE(6 * 108_000 + 7 * 1800, copy.length - 4)
      return copy
    },
  ],
  [
    'a value one frame off',
    (clean) => {
      const copy = Buffer.from(clean)
      copy.writeUInt32BE(108_001, copy.length - 4)
      return copy
    },
  ],
  ['the flag of drop-frame', (clean) => bumpTimecode(clean, 'stsd', 31)],
  ['another flag', (clean) => bumpTimecode(clean, 'stsd', 28)],
  ['another clock', (clean) => bumpTimecode(clean, 'stsd', 35)],
  ['another length of a frame', (clean) => bumpTimecode(clean, 'stsd', 39)],
  ['another number of frames a second', (clean) => bumpTimecode(clean, 'stsd', 40)],
  ['something in a reserved byte', (clean) => bumpTimecode(clean, 'stsd', 41)],
  [
    'the name of a reel',
    (clean) => intoTimecode(clean, ['mdia', 'minf', 'stbl', 'stsd'], isoBox('name', text('A001'))),
  ],
  ['a name of its handler', (clean) => intoTimecode(clean, ['mdia', 'hdlr'], text('TimeCodeHandler'))],
  ['a font', (clean) => bumpTimecode(clean, 'tcmi', 9)],
  ['a name of a font', (clean) => bumpTimecode(clean, 'tcmi', 28)],
  ['a colour', (clean) => bumpTimecode(clean, 'tcmi', 17)],
  ['a colour of graphics', (clean) => bumpTimecode(clean, 'gmin', 11)],
  ['a time of its track', (clean) => bumpTimecode(clean, 'tkhd', 11)],
  ['a time of its media', (clean) => bumpTimecode(clean, 'mdhd', 11)],
  ['a language', (clean) => bumpTimecode(clean, 'mdhd', 25)],
  ['a volume', (clean) => bumpTimecode(clean, 'tkhd', 41)],
  ['another length', (clean) => bumpTimecode(clean, 'tkhd', 27)],
  ['another length of its media', (clean) => bumpTimecode(clean, 'mdhd', 23)],
  ['another number', (clean) => bumpTimecode(clean, 'tkhd', 19)],
  ['its sample among the pictures', (clean) => bumpTimecode(clean, 'stco', 8)],
  ['two samples', (clean) => bumpTimecode(clean, 'stsz', 11)],
  ['a box more', (clean) => intoTimecode(clean, [], isoBox('edts', Buffer.alloc(0)))],
  ['user data', (clean) => intoTimecode(clean, [], isoBox('udta', text('x')))],
  ['a twin', (clean) => intoBox(clean, ['moov'], lastTrack(clean))],
  [
    'a second one of another value',
    (clean) => Buffer.concat([intoBox(clean, ['moov'], lastTrack(clean)), text('\0\0\x12\x34')]),
  ],
  ['a reference to another track', (clean) => patch(clean, 'tref', 15, '\x01')],
  ['a reference that is none', (clean) => patch(clean, 'tref', 8, 'chap')],
  [
    'a second reference',
    (clean) => intoBox(clean, ['moov', 'trak'], isoBox('tref', isoBox('tmcd', text('\0\0\0\x03')))),
  ],
  [
    'a name of a track that is none, where the timecode was',
    (clean) => {
      const copy = Buffer.from(clean)
      copy.write('text', copy.indexOf('hdlr', copy.lastIndexOf('trak', undefined, 'latin1'), 'latin1') + 12)
      return copy
    },
  ],
]

const SEGMENT = (marker: number, body: string): Buffer => {
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(body.length + 2, 2)
  return Buffer.concat([head, text(body)])
}
const afterStart = (clean: Buffer, part: Buffer): Buffer =>
  Buffer.concat([clean.subarray(0, 2), part, clean.subarray(2)])
const chunk = (type: string, body: string): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(body.length, 0)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, text(body), Buffer.alloc(4)])
}
const afterHeader = (clean: Buffer, part: Buffer): Buffer =>
  Buffer.concat([clean.subarray(0, 33), part, clean.subarray(33)])

const PHOTO_LEAKS: [string, (clean: Buffer) => Buffer][] = [
  ['an Exif segment', (clean) => afterStart(clean, SEGMENT(0xe1, 'Exif\0\0II*\0\x08\0\0\0\0\0'))],
  ['an XMP segment', (clean) => afterStart(clean, SEGMENT(0xe1, 'http://ns.adobe.com/xap/1.0/\0<x/>'))],
  ['a colour profile', (clean) => afterStart(clean, SEGMENT(0xe2, 'ICC_PROFILE\0\x01\x01xxxx'))],
  ['an IPTC segment', (clean) => afterStart(clean, SEGMENT(0xed, 'Photoshop 3.0\0'))],
  ['an Adobe segment', (clean) => afterStart(clean, SEGMENT(0xee, 'Adobe\0d\0\0\0\0\0'))],
  ['a JUMBF segment', (clean) => afterStart(clean, SEGMENT(0xeb, 'JP\0\0'))],
  ['a comment', (clean) => afterStart(clean, SEGMENT(0xfe, 'hello'))],
  [
    'a JFIF thumbnail',
    (clean) => afterStart(clean, SEGMENT(0xe0, 'JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01abc')),
  ],
  ['bytes behind the end', (clean) => Buffer.concat([clean, text('trailer')])],
  ['a second picture behind the end', (clean) => Buffer.concat([clean, clean])],
  ['a clip behind the end', (clean) => Buffer.concat([clean, isoBox('ftyp', text('mp42'))])],
]

const PNG_LEAKS: [string, (clean: Buffer) => Buffer][] = [
  ['a text chunk', (clean) => afterHeader(clean, chunk('tEXt', 'Title\0x'))],
  ['a packed text chunk', (clean) => afterHeader(clean, chunk('zTXt', 'Title\0\0x'))],
  ['a Unicode text chunk', (clean) => afterHeader(clean, chunk('iTXt', 'Title\0\0\0\0\0x'))],
  ['a time chunk', (clean) => afterHeader(clean, chunk('tIME', '\x07\xe8\x03\x05\x06\x07\x08'))],
  ['an Exif chunk', (clean) => afterHeader(clean, chunk('eXIf', 'II*\0\x08\0\0\0'))],
  ['a colour profile chunk', (clean) => afterHeader(clean, chunk('iCCP', 'x\0\0y'))],
  ['a chunk of a maker', (clean) => afterHeader(clean, chunk('caBX', 'jumb'))],
  ['bytes behind the end', (clean) => Buffer.concat([clean, text('trailer')])],
]

describe('the proof', () => {
  it('lets clean files pass, else it would prove nothing', async () => {
    expect(await judge(await readFile(at('clean.mp4')), 'mp4', CLIP)).toBe('passed')
    expect(await judge(await readFile(at('clean.jpg')), 'jpg', PHOTO)).toBe('passed')
    for (const kind of ['png', 'webp', 'gif'])
      expect(await judge(await readFile(at(`clean.${kind}`)), kind, PNG)).toBe('passed')
  })

  it('has at least forty leaks to catch', () => {
    expect(CLIP_LEAKS.length + PHOTO_LEAKS.length + PNG_LEAKS.length).toBeGreaterThanOrEqual(40)
  })

  it.each(CLIP_LEAKS)('catches in a clip %s', async (_what, plant) => {
    const clean = await readFile(at('clean.mp4'))
    const planted = plant(Buffer.from(clean))
    expect(planted.equals(clean)).toBe(false)
    expect(await judge(planted, 'mp4', CLIP)).toMatch(/^caught by/)
  })

  it.each(TIMECODE_LEAKS)('catches in the timecode track %s', async (_what, plant) => {
    const clean = await readFile(at('clean.mp4'))
    const planted = plant(Buffer.from(clean))
    expect(planted.equals(clean)).toBe(false)
    // Tags of exiftool's are read first and stop half of them; the walk must stop each alone.
    await writeFile(at('walked.mp4'), planted)
    await expect(
      withLocalFile(at('walked.mp4'), (file) => walkMp4(file, { num: 30, den: 1 })),
    ).rejects.toMatchObject({ code: 'not_proven_clean' })
  })

  it.each([
    ['there must be one of another rate', { rate: { num: 30_000, den: 1001 } }],
    ['there must be none', { rate: undefined }],
  ])('refuses the timecode track where %s', async (_what, { rate }) => {
    await expect(withLocalFile(at('clean.mp4'), (file) => walkMp4(file, rate))).rejects.toMatchObject({
      code: 'not_proven_clean',
      details: { check: 'timecode' },
    })
  })

  it('refuses a clip without a timecode track, which no cut list would find', async () => {
    await hostFfmpeg(
      ...['-i', at('clean.mp4'), '-map', '0:v', '-map', '0:a', '-c', 'copy'],
      ...['-map_metadata', '-1', '-write_tmcd', '0', at('bare.mp4')],
    )
    await rebuiltMp4(at('bare.mp4'), at('bare-clean.mp4'), {})
    await expect(
      withLocalFile(at('bare-clean.mp4'), (file) => walkMp4(file, { num: 30, den: 1 })),
    ).rejects.toMatchObject({ details: { check: 'timecode', found: 'missing' } })
  })

  it.each(PHOTO_LEAKS)('catches in a photo %s', async (_what, plant) => {
    expect(await judge(plant(await readFile(at('clean.jpg'))), 'jpg', PHOTO)).toMatch(/^caught by/)
  })

  it.each(PNG_LEAKS)('catches in a PNG %s', async (_what, plant) => {
    expect(await judge(plant(await readFile(at('clean.png'))), 'png', PNG)).toMatch(/^caught by/)
  })

  it('catches an odd chunk in a WebP and a comment in a GIF', async () => {
    const webp = await readFile(at('clean.webp'))
    const longer = Buffer.concat([webp, text('XMP\0'), Buffer.from([2, 0, 0, 0]), text('ab')])
    longer.writeUInt32LE(longer.length - 8, 4)
    expect(await judge(longer, 'webp', PNG)).toMatch(/^caught by/)
    const gif = await readFile(at('clean.gif'))
    const comment = Buffer.concat([gif.subarray(0, -1), Buffer.from([0x21, 0xfe, 2, 0x61, 0x62, 0, 0x3b])])
    expect(await judge(comment, 'gif', PNG)).toMatch(/^caught by/)
  })

  it('catches tags that exiftool wrote into a clean clip', async () => {
    await copyFile(at('clean.mp4'), at('tagged.mp4'))
    await hostExiftool('-overwrite_original', '-q', '-Keys:Model=SP-77', at('tagged.mp4'))
    expect(await judge(await readFile(at('tagged.mp4')), 'mp4', CLIP)).toMatch(/^caught by/)
  })

  it.each([
    ['lost its sound', ['-an', '-c', 'copy']],
    ['lost its end', ['-c', 'copy', '-t', '1']],
    ['has another size', ['-c:v', 'libx264', '-vf', 'scale=160:90', '-c:a', 'copy']],
    [
      'lost every third frame',
      ['-c:v', 'libx264', '-vf', 'select=mod(n\\,3)', '-fps_mode', 'vfr', '-c:a', 'copy'],
    ],
  ])('refuses a clip that %s, clean or not', async (_what, options) => {
    await hostFfmpeg('-i', at('clean.mp4'), ...options, at('other.mp4'))
    await sanitizeFile(at('other.mp4'), at('other-clean.mp4'), bench.tools, { timecode: true })
    expect(await judge(await readFile(at('other-clean.mp4')), 'mp4', CLIP)).toBe('caught by fidelity')
  })
})
