import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTags } from '../../src/adapters/tools/exiftool.ts'
import { createPacketReader, readProbe } from '../../src/adapters/tools/ffprobe.ts'
import type { RandomReader } from '../../src/adapters/tools/local-file.ts'
import { AppError } from '../../src/domain/errors.ts'
import { readIsoFacts } from '../../src/process/inspect/iso-boxes.ts'
import { rebuildMp4 } from '../../src/process/sanitize/rebuild-mp4.ts'
import { walkMp4 } from '../../src/process/sanitize/verify/mp4-walk.ts'
import { walkStill } from '../../src/process/sanitize/verify/still-walk.ts'
import { isoBox } from '../support/media.ts'

describe('reading what ffprobe says', () => {
  const LINES = '0,0,100,K_\n3000,1500,40,__\nN/A,4500,40,__\n1500,3000,40,_D\n'

  it.each([1, 2, 3, 7, 16, 40])('gives the same packets in pieces of %d', (size) => {
    const reader = createPacketReader()
    for (let at = 0; at < LINES.length; at += size) reader.take(Buffer.from(LINES.slice(at, at + size)))
    const facts = reader.finish()
    expect([...facts.times]).toEqual([0, 3000, 4500])
    expect(facts).toMatchObject({ count: 4, hidden: 1, firstIsKey: true, bytes: 180 })
  })

  it('never trips over JSON of another shape', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(readProbe(json).streams).toBeInstanceOf(Array)
      }),
    )
  })

  it('turns the display matrix into clockwise quarter turns and a mirror', () => {
    const stream = (rotation: number, displaymatrix: string) => ({
      codec_type: 'video',
      side_data_list: [{ side_data_type: 'Display Matrix', rotation, displaymatrix }],
    })
    const turned =
      '\n00000000:            0       65536           0\n00000001:       -65536           0           0\n00000002:            0           0  1073741824\n'
    const mirrored = turned.replace('-65536', ' 65536')
    const { streams } = readProbe(JSON.stringify({ streams: [stream(-90, turned), stream(-90, mirrored)] }))
    expect(streams.map(({ rotation, flipped }) => [rotation, flipped])).toEqual([
      [90, false],
      [90, true],
    ])
  })
})

describe('reading what exiftool says', () => {
  it('keeps the group next to the name, and every value of a list', () => {
    const json = JSON.stringify([
      {
        SourceFile: '/in',
        'Main:IFD0:Model': 'X',
        'Doc1:Track3:GPSLatitude': 1.5,
        'Main:XMP-dc:Subject': ['a', 'b'],
      },
    ])
    expect(parseTags(json).filter((tag) => tag.group !== '')).toEqual([
      { group: 'IFD0', name: 'Model', value: 'X' },
      { group: 'Track3', name: 'GPSLatitude', value: '1.5' },
      { group: 'XMP-dc', name: 'Subject', value: 'a' },
      { group: 'XMP-dc', name: 'Subject', value: 'b' },
    ])
  })

  it('never trips over JSON of another shape', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(parseTags(json)).toBeInstanceOf(Array)
      }),
    )
  })
})

function reader(data: Buffer): RandomReader {
  return {
    size: data.length,
    read: (offset, length) => Promise.resolve(data.subarray(offset, Math.min(data.length, offset + length))),
    close: () => Promise.resolve(),
  }
}

/** Trees of boxes that look right until one looks closer. */
const boxes = fc.letrec<{ tree: Buffer; leaf: Buffer; node: Buffer }>((tie) => ({
  leaf: fc
    .tuple(
      fc.constantFrom(
        'tkhd',
        'mdhd',
        'hdlr',
        'dref',
        'elst',
        'stsd',
        'stsz',
        'stco',
        'co64',
        'stsc',
        'hvcC',
        'udta',
        'free',
        'avcC',
      ),
      fc.uint8Array({ maxLength: 60 }),
    )
    .map(([type, body]) => isoBox(type, Buffer.from(body))),
  node: fc
    .tuple(
      fc.constantFrom('trak', 'mdia', 'minf', 'stbl', 'dinf', 'edts', 'stsd', 'dref'),
      fc.array(tie('tree'), { maxLength: 4 }),
    )
    .map(([type, inner]) => isoBox(type, Buffer.concat(inner))),
  tree: fc.oneof({ maxDepth: 5 }, tie('leaf'), tie('node')),
})).tree
const movie = fc
  .tuple(fc.array(boxes, { maxLength: 5 }), fc.uint8Array({ maxLength: 40 }), fc.option(fc.nat(400)))
  .map(([inner, media, cut]) => {
    const whole = Buffer.concat([
      isoBox('ftyp', Buffer.from('isom\0\0\0\0')),
      isoBox('moov', Buffer.concat(inner)),
      isoBox('mdat', Buffer.from(media)),
    ])
    return cut === null ? whole : whole.subarray(0, cut)
  })

/** Only our own refusals, and nothing else, may come out of a parser. */
async function onlyRefusals(work: () => unknown): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
  }
}

describe('our own parsers, given trees of nonsense', () => {
  it('end, with facts or a refusal', async () => {
    const rate = { num: 25, den: 1 }
    const nowhere = { write: () => Promise.resolve(), close: () => Promise.resolve() }
    await fc.assert(
      fc.asyncProperty(movie, async (data) => {
        await onlyRefusals(() => readIsoFacts(reader(data)))
        await onlyRefusals(() => walkMp4(reader(data), rate))
        await onlyRefusals(() => rebuildMp4(reader(data), nowhere, { rate }))
      }),
      { numRuns: 400 },
    )
  })

  it.each(['jpg', 'png', 'webp', 'gif'])('never take nonsense for a clean picture: %s', async (extension) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 16, maxLength: 300 }), async (data) => {
        let passed = false
        await onlyRefusals(() => {
          walkStill(extension, Buffer.from(data))
          passed = true
        })
        expect(passed).toBe(false)
      }),
      { numRuns: 200 },
    )
  })
})
