import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import type { Rational } from '../../src/domain/media.ts'
import { cutList, type CutClip, type CutItem } from '../../src/review/exports/cut-list.ts'
import { listRate, writeEdl } from '../../src/review/exports/edl.ts'
import { readEdl } from '../support/edl-reader.ts'
import { makeMedia } from '../support/factories.ts'

const PAL = { num: 25, den: 1 }
const NTSC = { num: 30000, den: 1001 }
const FILM = { num: 24000, den: 1001 }

function clip(more: Partial<CutClip> & { rate?: Rational; frames?: number } = {}): CutClip {
  const { rate, frames, ...rest } = more
  return {
    reel: 'OAKFOX07',
    title: '',
    published: true,
    media: makeMedia({
      ...(rate === undefined ? {} : { rate }),
      ...(frames === undefined ? {} : { frames }),
    }),
    masterType: 'video/mp4',
    rating: 0,
    tags: [],
    release: 'held',
    care: [],
    comments: [],
    ...rest,
  }
}
const whole = (of: CutClip, position = 1): CutItem => ({ position, clip: of, range: null })
const part = (of: CutClip, inFrame: number, outFrame: number, label = ''): CutItem => ({
  position: 1,
  clip: of,
  range: { inFrame, outFrame, label },
})
const write = (items: CutItem[], title = 'Ward 4'): string => writeEdl(cutList(title, items))

describe('an edit list', () => {
  it('is, to the letter, what edit suites expect', () => {
    const list = write([
      whole(clip({ title: 'Corridor, night' })),
      part(clip({ reel: 'SUNCAT42' }), 25, 100, 'nurse looks up'),
      part(
        clip({
          reel: 'EELKEY11',
          media: makeMedia({ audio: { codec: 'aac', channels: 1, sampleRate: 48000 } }),
        }),
        0,
        1,
      ),
    ])
    expect(list.split('\r\n')).toEqual([
      'TITLE: Ward 4',
      'FCM: NON-DROP FRAME',
      '',
      '001  OAKFOX07 AA/V  C        01:00:00:00 01:00:10:00 01:00:00:00 01:00:10:00',
      '* FROM CLIP NAME: OAKFOX07.mp4',
      '* FRAME RATE: 25',
      '* TITLE: Corridor, night',
      '002  SUNCAT42 AA/V  C        01:00:01:00 01:00:04:00 01:00:10:00 01:00:13:00',
      '* FROM CLIP NAME: SUNCAT42.mp4',
      '* SELECT: nurse looks up',
      '003  EELKEY11 B     C        01:00:00:00 01:00:00:01 01:00:13:00 01:00:13:01',
      '* FROM CLIP NAME: EELKEY11.mp4',
      '',
    ])
  })

  it.each([
    ['23.976', FILM, 24, false],
    ['24', { num: 24, den: 1 }, 24, false],
    ['25', PAL, 25, false],
    ['29.97', NTSC, 30, true],
    ['30', { num: 30, den: 1 }, 30, false],
  ] as const)('is off by no frame after 90 minutes at %s', (_name, rate, fps, drop) => {
    const frames = 900 * fps
    const of = clip({ rate, frames })
    const edl = readEdl(write([1, 2, 3, 4, 5, 6].map((position) => whole(of, position))), fps)
    expect(edl.drop).toBe(drop)
    const hour = drop ? 107_892 : 3600 * fps
    expect(edl.events.map((event) => event.record)).toEqual(
      [0, 1, 2, 3, 4, 5].map((index) => [hour + index * frames, hour + (index + 1) * frames]),
    )
    expect(edl.events.every((event) => event.source[0] === hour && event.source[1] === hour + frames)).toBe(
      true,
    )
  })

  it.each([
    ['50', { num: 50, den: 1 }, 25],
    ['59.94', { num: 60000, den: 1001 }, 30],
    ['60', { num: 60, den: 1 }, 30],
    ['240', { num: 240, den: 1 }, 30],
    ['15', { num: 15, den: 1 }, 30],
  ])('counts %s at a rate that the format has, and says so', (name, rate, fps) => {
    const seconds = 8
    const edl = readEdl(
      write([part(clip({ rate, frames: 10_000 }), 0, seconds * Math.round(rate.num / rate.den))]),
      fps,
    )
    expect(edl.events[0]?.source[1]).toBe((edl.events[0]?.source[0] ?? 0) + seconds * fps)
    expect(edl.events[0]?.comments).toContain(`SOURCE FRAME RATE: ${name}`)
  })

  it('counts at the rate of most cuts and converts the others to the nearest frame', () => {
    const edl = readEdl(
      write([
        part(clip({ rate: NTSC, frames: 900 }), 30, 60),
        whole(clip({ reel: 'A' })),
        whole(clip({ reel: 'B' })),
      ]),
      25,
    )
    const [first] = edl.events
    expect(first?.source).toEqual([90_000 + 25, 90_000 + 50])
    expect(first?.comments).toContain('SOURCE FRAME RATE: 29.97')
    expect(edl.events[1]?.comments.join()).not.toContain('SOURCE')
    expect(listRate([NTSC, PAL, PAL])).toEqual(PAL)
    expect(listRate([])).toEqual(PAL)
  })

  it('names what does not fit instead of leaving it out in silence', () => {
    const still = clip({
      reel: 'INKJAR05',
      masterType: 'image/jpeg',
      media: { kind: 'still', container: 'jpeg', durationMs: 0, sizeBytes: 1 },
    })
    const waiting = clip({ reel: 'ZIPYAM99', published: false })
    const list = write([whole(still), whole(waiting), whole(clip())])
    expect(readEdl(list, 25).events).toHaveLength(1)
    expect(list).toContain('* NOT IN THIS LIST, A STILL: INKJAR05.jpg\r\n')
    expect(list).toContain('* NOT IN THIS LIST, NOT READY: ZIPYAM99\r\n')
    expect(() => write([whole(still)])).toThrow(expect.objectContaining({ code: 'nothing_to_cut' }))
  })

  it('gives sound without picture an audio event, and picture without sound a video one', () => {
    const sound = clip({
      masterType: 'audio/mp4',
      media: {
        kind: 'audio',
        container: 'mp4',
        durationMs: 4000,
        sizeBytes: 1,
        audio: { codec: 'aac', channels: 1, sampleRate: 48000 },
      },
    })
    const { audio: _audio, ...silent } = makeMedia()
    const edl = readEdl(write([whole(sound), whole(clip({ media: silent }))]), 25)
    expect(edl.events.map((event) => event.channels)).toEqual(['A', 'V'])
    expect(edl.events[0]?.record).toEqual([90_000, 90_100])
  })

  it('holds a select to the frames that there are', () => {
    const edl = readEdl(write([part(clip({ frames: 100 }), 90, 5000)]), 25)
    expect(edl.events[0]?.source).toEqual([90_090, 90_100])
  })

  it('refuses a bin that one list cannot hold', () => {
    const items = Array.from({ length: 1000 }, (_, index) => whole(clip(), index + 1))
    expect(() => write(items)).toThrow(expect.objectContaining({ code: 'edl_too_long' }))
    expect(readEdl(write(items.slice(1)), 25).events.at(-1)?.number).toBe(999)
    const hours = Array.from({ length: 12 }, (_, index) => whole(clip({ frames: 2 * 90_000 }), index + 1))
    expect(() => write(hours)).toThrow(expect.objectContaining({ code: 'edl_too_long' }))
  })

  test.prop([
    fc.array(fc.record({ title: fc.string({ unit: 'binary' }), label: fc.string({ unit: 'binary' }) }), {
      minLength: 1,
      maxLength: 20,
    }),
    fc.string({ unit: 'binary' }),
  ])('stays one list of the same events whatever people write into titles and labels', (words, title) => {
    const items = words.map(({ title: said, label }) =>
      part(clip({ title: `${said}\r\n001  X V C` }), 5, 10, `${label}\nFCM: DROP FRAME`),
    )
    const edl = readEdl(write(items, title), 25)
    expect(edl.drop).toBe(false)
    expect(edl.events.map((event) => event.record)).toEqual(
      words.map((_, index) => [90_000 + 5 * index, 90_005 + 5 * index]),
    )
  })
})

describe('the reader that judges our lists', () => {
  const folder = fileURLToPath(new URL('../../../shared/interchange', import.meta.url))
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.edl')) : []

  it.runIf(files.length > 0)('reads every list that another tool wrote', () => {
    for (const name of files) {
      const { events } = readEdl(readFileSync(`${folder}/${name}`, 'utf8'), name === '25fps.edl' ? 25 : 24)
      expect(events.length, name).toBeGreaterThan(1)
      const gaps = events.filter(
        (event, index) => index > 0 && event.record[0] !== events[index - 1]?.record[1],
      )
      expect(gaps, name).toEqual([])
    }
  })

  it.each([
    ['a comment above the first event', 'TITLE: X\n* EARLY\n'],
    ['unequal lengths', 'TITLE: X\n001  A V C 01:00:00:00 01:00:00:10 01:00:00:00 01:00:00:11\n'],
    [
      'a label that drop-frame leaves out',
      'TITLE: X\n001  A V C 01:01:00;00 01:01:00;10 01:01:00;00 01:01:00;10\n',
    ],
    ['something that is no event', 'TITLE: X\n001  A V D 01:00:00:00\n'],
  ])('refuses %s', (_what, list) => {
    expect(() => readEdl(list, 30)).toThrow()
  })
})
