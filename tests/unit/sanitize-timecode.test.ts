import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasTimecode, timecodeReference, timecodeTrack } from '../../src/process/sanitize/timecode-track.ts'
import {
  checkTimecodeTrack,
  isTimecodeTrack,
  timecodeReferred,
} from '../../src/process/sanitize/verify/timecode-walk.ts'

const rate = fc.constantFrom(
  ...[8, 24, 25, 30, 50, 60, 120, 240].map((num) => ({ num, den: 1 })),
  ...[24_000, 30_000, 60_000, 120_000].map((num) => ({ num, den: 1001 })),
  { num: 25, den: 2 },
)
const HOURS_12 = 12 * 3600 * 1000
const place = fc.record({
  rate,
  trackId: fc.integer({ min: 2, max: 33 }),
  movieScale: fc.constantFrom(600, 1000),
  pictureDuration: fc.oneof(fc.integer({ min: 0, max: HOURS_12 }), fc.constant(HOURS_12)),
})

describe('the timecode track as it is written', () => {
  it('is the one that the proof describes, whatever rate and length, also beyond four gigabytes', () => {
    fc.assert(
      fc.property(place, fc.nat(2 ** 32 - 1), fc.boolean(), (at, low, wide) => {
        const offset = low + (wide ? 7 * 2 ** 32 : 0)
        const trak = timecodeTrack(at, offset, wide).subarray(8)
        expect(isTimecodeTrack(trak)).toBe(true)
        const around = { ...at, lastTrackId: at.trackId - 1 }
        expect(checkTimecodeTrack(trak, around)).toBe(offset)
      }),
    )
  })

  it('is no longer that one after any change but to where its sample lies', () => {
    const around = { rate: { num: 30_000, den: 1001 }, movieScale: 1000, pictureDuration: 2002 }
    const trak = timecodeTrack({ ...around, trackId: 3 }, 5000, false).subarray(8)
    expect(trak.length).toBe(432)
    for (let at = 0; at < trak.length - 4; at++) {
      const changed = Buffer.from(trak)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(() => checkTimecodeTrack(changed, { ...around, lastTrackId: 2 }), `byte ${at}`).toThrow(
        expect.objectContaining({ code: 'not_proven_clean' }) as Error,
      )
    }
  })

  it('is referred to in one way only', () => {
    const tref = timecodeReference(3).subarray(8)
    expect(timecodeReferred(tref)).toBe(3)
    for (const other of [Buffer.concat([tref, tref]), tref.subarray(0, 8), Buffer.alloc(12)])
      expect(() => timecodeReferred(other)).toThrow(
        expect.objectContaining({ code: 'not_proven_clean' }) as Error,
      )
  })

  it('is left out where a byte cannot say how many frames a second', () => {
    expect(hasTimecode({ num: 240, den: 1 })).toBe(true)
    expect(hasTimecode({ num: 480, den: 1 })).toBe(false)
    expect(hasTimecode({ num: 90_000, den: 1 })).toBe(false)
  })
})
