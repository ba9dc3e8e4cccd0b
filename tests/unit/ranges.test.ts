import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { parseRange } from '../../src/http/ranges.ts'

describe('a Range header', () => {
  test.each([
    [undefined, 'whole'],
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=0-', { start: 0, end: 99 }],
    ['bytes=10-19', { start: 10, end: 19 }],
    ['bytes=90-500', { start: 90, end: 99 }],
    ['bytes=-10', { start: 90, end: 99 }],
    ['bytes=-500', { start: 0, end: 99 }],
    ['BYTES=1-2', { start: 1, end: 2 }],
    ['bytes= 1 - 2', { start: 1, end: 2 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=100-200', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    // What the standard tells a server to ignore.
    ['bytes=20-10', 'whole'],
    ['bytes=0-1,5-6', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=a-b', 'whole'],
    ['items=0-5', 'whole'],
    ['bytes=-1-2', 'whole'],
    ['bytes=99999999999999999999-', 'whole'],
    ['', 'whole'],
  ] as const)('%j of 100 bytes', (header, wanted) => {
    expect(parseRange(header, 100)).toEqual(wanted)
  })

  test('of an empty object can not be satisfied', () => {
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable')
    expect(parseRange('bytes=-5', 0)).toBe('unsatisfiable')
  })

  property.prop([fc.string({ maxLength: 30 }), fc.nat({ max: 1000 })])(
    'never leads outside the object',
    (text, size) => {
      const range = parseRange(`bytes=${text}`, size)
      if (typeof range === 'string') return
      expect(range.start).toBeGreaterThanOrEqual(0)
      expect(range.end).toBeGreaterThanOrEqual(range.start)
      expect(range.end).toBeLessThan(size)
    },
  )

  property.prop([fc.nat({ max: 500 }), fc.nat({ max: 500 }), fc.integer({ min: 1, max: 400 })])(
    'in good order takes exactly the bytes it names',
    (start, more, size) => {
      const range = parseRange(`bytes=${String(start)}-${String(start + more)}`, size)
      if (start >= size) expect(range).toBe('unsatisfiable')
      else expect(range).toEqual({ start, end: Math.min(start + more, size - 1) })
    },
  )
})
