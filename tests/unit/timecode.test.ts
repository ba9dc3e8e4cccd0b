import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import type { Rational } from '../../src/domain/media.ts'
import {
  clipTimecode,
  convertFrame,
  formatTimecode,
  frameAtSeconds,
  frameMiddleSeconds,
  frameStartSeconds,
  framesInMs,
  hourFrame,
  markFrames,
  markRate,
  mayDropFrames,
  nominalRate,
  parseTimecode,
  parseTimecodeEntry,
  rateName,
  sameRate,
} from '../../src/domain/timecode.ts'
import { makeMedia } from '../support/factories.ts'

const RATES = {
  '23.976': { num: 24000, den: 1001 },
  '24': { num: 24, den: 1 },
  '25': { num: 25, den: 1 },
  '29.97': { num: 30000, den: 1001 },
  '30': { num: 30, den: 1 },
  '50': { num: 50, den: 1 },
  '59.94': { num: 60000, den: 1001 },
  '60': { num: 60, den: 1 },
} as const satisfies Record<string, Rational>
const NTSC = RATES['29.97']
const anyRate = fc.constantFrom<Rational>(...Object.values(RATES), { num: 15, den: 1 }, { num: 240, den: 1 })

/** Drop-frame counting as SMPTE describes it: walk the labels and skip those that do not exist. */
function* dropLabels(fps: number): Generator<string, never> {
  const skip = fps / 15
  for (let minute = 0; ; minute++) {
    for (let second = 0; second < 60; second++) {
      for (let frame = second === 0 && minute % 10 !== 0 ? skip : 0; frame < fps; frame++) {
        const two = (value: number): string => String(value).padStart(2, '0')
        yield `${two(Math.floor(minute / 60))}:${two(minute % 60)}:${two(second)};${two(frame)}`
      }
    }
  }
}

describe('timecode', () => {
  it.each([
    ['29.97 drops at the first minute', NTSC, true, 1800, '00:01:00;02'],
    ['29.97 keeps the tenth minute', NTSC, true, 17982, '00:10:00;00'],
    ['29.97 drop: an hour of labels is 107892 frames', NTSC, true, 107892, '01:00:00;00'],
    ['29.97 non-drop: an hour of labels is 108000 frames', NTSC, false, 108000, '01:00:00:00'],
    ['59.94 drops four', RATES['59.94'], true, 3600, '00:01:00;04'],
    ['23.976 counts to 24 and never drops', RATES['23.976'], true, 86400, '01:00:00:00'],
    ['25', RATES['25'], false, 90000 + 26, '01:00:01:01'],
    ['240 has three digits', { num: 240, den: 1 }, false, 239, '00:00:00:239'],
  ] as const)('writes and reads the known vector: %s', (_name, rate, drop, frame, text) => {
    expect(formatTimecode(frame, rate, drop)).toBe(text)
    expect(parseTimecode(text, rate)).toBe(frame)
  })

  it.each([30, 60])('agrees with counting drop-frame labels one by one for two hours at %s', (fps) => {
    const rate = { num: fps * 1000, den: 1001 }
    const labels = dropLabels(fps)
    for (let frame = 0; frame < 2 * 3600 * fps; frame++) {
      const { value } = labels.next()
      const written = formatTimecode(frame, rate, true)
      if (written !== value || parseTimecode(written, rate) !== frame)
        expect([frame, written]).toEqual([frame, value])
    }
  })

  it('keeps drop-frame within two frames of the clock over a day', () => {
    for (const hours of [1, 6, 12, 23]) {
      const frame = parseTimecode(`${String(hours).padStart(2, '0')}:00:00;00`, NTSC) ?? -1
      expect(Math.abs(frameStartSeconds(frame, NTSC) - hours * 3600)).toBeLessThan(3 / 29.97)
    }
  })

  it.each([
    '00:01:00;00',
    '00:01:00;01',
    '00:00:00:30',
    '00:60:00:00',
    '00:00:61:00',
    '0:0:0:0',
    '',
    '1',
    'ab:cd:ef:gh',
  ])('refuses %j at 29.97', (text) => {
    expect(parseTimecode(text, NTSC)).toBeUndefined()
  })

  it('refuses drop-frame where the rate has none', () => {
    expect(parseTimecode('00:00:10;00', RATES['25'])).toBeUndefined()
    expect(mayDropFrames(RATES['30'])).toBe(false)
    expect(mayDropFrames(RATES['23.976'])).toBe(false)
  })

  test.prop([anyRate, fc.nat(20_000_000), fc.boolean()])(
    'reads back every frame that it writes',
    (rate, frame, drop) => {
      expect(parseTimecode(formatTimecode(frame, rate, drop), rate)).toBe(frame)
    },
  )

  test.prop([anyRate, fc.nat(5_000_000)])(
    'finds a frame again from its time, cut to microseconds',
    (rate, frame) => {
      const cut = (seconds: number): number => Math.floor(seconds * 1e6) / 1e6
      expect(frameAtSeconds(cut(frameStartSeconds(frame, rate)), rate)).toBe(frame)
      expect(frameAtSeconds(cut(frameMiddleSeconds(frame, rate)), rate)).toBe(frame)
    },
  )

  test.prop([anyRate, fc.nat(5_000_000)])(
    'counts the frames of a duration in whole milliseconds',
    (rate, frames) => {
      fc.pre(nominalRate(rate) < 240)
      expect(framesInMs(Math.round((frames * 1000 * rate.den) / rate.num), rate)).toBe(frames)
    },
  )

  test.prop([anyRate, anyRate, fc.nat(10_000_000)])(
    'converts to the nearest frame of another rate',
    (from, to, frame) => {
      const moved = convertFrame(frame, from, to)
      expect(Math.abs(frameStartSeconds(moved, to) - frameStartSeconds(frame, from))).toBeLessThanOrEqual(
        (to.den / to.num) * 0.5 + 1e-6,
      )
      expect(convertFrame(frame, from, from)).toBe(frame)
    },
  )

  it('is off by no frame after 90 minutes at 23.976, where a rate of 23.98 is a second late', () => {
    const rate = RATES['23.976']
    const frame = 90 * 60 * 24
    expect(frameStartSeconds(frame, rate)).toBeCloseTo(5405.4, 9)
    expect(formatTimecode(frameAtSeconds(5405.4, rate), rate)).toBe('01:30:00:00')
  })

  it.each([
    ['+12', 112],
    ['-12', 88],
    ['-999', 0],
    ['1:00', 25],
    ['100', 25],
    ['01000000', 90000],
    ['1:2:3', 1553],
    [' 10:00:00:24 ', 900024],
  ])('understands %j in a timecode field at 25', (typed, frame) => {
    expect(parseTimecodeEntry(typed, RATES['25'], 100)).toBe(frame)
  })

  it.each(['', '1:30:99', 'one', '1:2:3:4:5', '+', '::'])('does not understand %j', (typed) => {
    expect(parseTimecodeEntry(typed, RATES['25'], 100)).toBeUndefined()
  })

  it.each([
    ['23.976', RATES['23.976'], '01:00:01:00', 24],
    ['25', RATES['25'], '01:00:01:00', 25],
    ['29.97', NTSC, '01:01:00;02', 1800],
    ['59.94', RATES['59.94'], '01:01:00;04', 3600],
  ] as const)('starts every clip at one o\u2019clock at %s', (_name, rate, text, frame) => {
    expect(clipTimecode(0, rate)).toMatch(/^01:00:00[:;]00$/)
    expect(clipTimecode(frame, rate)).toBe(text)
    expect(hourFrame(rate)).toBe(parseTimecode(clipTimecode(0, rate), rate))
  })

  it('counts marks in frames of the proxy, of which a still has none', () => {
    expect(markFrames(makeMedia({ frames: 77 }))).toBe(77)
    expect(markFrames({ kind: 'still', container: 'jpeg', durationMs: 0, sizeBytes: 1 })).toBe(0)
    const varying = makeMedia({ frames: 100 })
    if (varying.video === undefined) throw new Error('no picture')
    const uneven = { ...varying, video: { ...varying.video, frames: 93, variableFrameRate: true } }
    expect(markFrames(uneven)).toBe(100)
    const sound = { kind: 'audio', container: 'mp4', durationMs: 2000, sizeBytes: 1 } as const
    expect([markRate(sound), markFrames(sound)]).toEqual([RATES['25'], 50])
  })

  it('names rates as the trade does, and knows equal ones', () => {
    expect(Object.values(RATES).map(rateName)).toEqual(Object.keys(RATES))
    expect(sameRate({ num: 60, den: 2 }, RATES['30'])).toBe(true)
    expect(sameRate(NTSC, RATES['30'])).toBe(false)
  })
})
