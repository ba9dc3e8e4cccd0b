import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RandomReader } from '../../src/adapters/tools/local-file.ts'
import { createSearch, findFirst } from '../../src/process/sanitize/verify/byte-search.ts'
import { sensitiveNeedles } from '../../src/process/sanitize/verify/sensitive.ts'

const needle = (text: string) => ({ name: text, bytes: Buffer.from(text, 'latin1') })

function reader(data: Buffer): RandomReader {
  return {
    size: data.length,
    read: (offset, length) => Promise.resolve(data.subarray(offset, offset + length)),
    close: () => Promise.resolve(),
  }
}

describe('searching for many values at once', () => {
  const texts = fc.array(fc.string({ minLength: 2, maxLength: 9, unit: fc.constantFrom('a', 'b', 'c') }), {
    minLength: 1,
    maxLength: 8,
  })
  const hay = fc.string({ maxLength: 300, unit: fc.constantFrom('a', 'b', 'c') })

  it('finds one exactly where a plain search finds one', () => {
    fc.assert(
      fc.property(texts, hay, (wanted, text) => {
        const found = createSearch(wanted.map(needle))(Buffer.from(text))
        const there = wanted.filter((one) => text.includes(one))
        expect(found === undefined).toBe(there.length === 0)
        if (found !== undefined) expect(there).toContain(found.name)
      }),
      { numRuns: 1000 },
    )
  })

  it('finds a value that lies across two pieces of a large file', async () => {
    const data = Buffer.alloc(9 * 1024 * 1024, 0x2e)
    data.write('over the border', 4 * 1024 * 1024 - 7, 'latin1')
    const found = await findFirst(reader(data), [needle('over the border'), needle('elsewhere')])
    expect(found?.name).toBe('over the border')
  })

  it('finds nothing where there is nothing', async () => {
    expect(await findFirst(reader(Buffer.alloc(1000, 1)), [needle('abcdef')])).toBeUndefined()
  })
})

describe('what is searched for', () => {
  const tags = [
    { group: 'IFD0', name: 'Model', value: 'SP-77 Undercover' },
    { group: 'GPS', name: 'GPSLatitude', value: '48.8612' },
    { group: 'QuickTime', name: 'CreateDate', value: '2024:03:05 06:07:08' },
    { group: 'QuickTime', name: 'TrackCreateDate', value: '0000:00:00 00:00:00' },
    { group: 'File', name: 'MIMEType', value: 'video/mp4' },
    { group: 'IFD0', name: 'Make', value: 'LG' },
  ]
  const { needles: all } = sensitiveNeedles(tags, 10_000_000)
  const has = (bytes: Buffer): boolean => all.some((one) => one.bytes.equals(bytes))

  it('includes values as they are and in both kinds of UTF-16', () => {
    const wide = Buffer.from('SP-77 Undercover', 'utf16le')
    expect(has(Buffer.from('SP-77 Undercover'))).toBe(true)
    expect(has(wide)).toBe(true)
    expect(has(Buffer.from(wide).swap16())).toBe(true)
  })

  it('includes dates in the spellings of other formats', () => {
    expect(has(Buffer.from('2024-03-05T06:07:08'))).toBe(true)
    expect(has(Buffer.from('20240305_060708'))).toBe(true)
  })

  it('leaves out what is technical, blank, or so short that chance would find it', () => {
    expect(has(Buffer.from('video/mp4'))).toBe(false)
    expect(has(Buffer.from('0000:00:00 00:00:00'))).toBe(false)
    expect(has(Buffer.from('LG'))).toBe(false)
  })

  it('is the whole source, or is said to be less', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, n) => ({
        group: 'GPS',
        name: 'GPSLatitude',
        value: `48.${100_000 + n}`,
      }))
    expect(sensitiveNeedles(many(4000), 1_000_000).whole).toBe(true)
    expect(sensitiveNeedles([...many(4000), ...many(4000)], 1_000_000).whole).toBe(true)
    expect(sensitiveNeedles(many(4001), 1_000_000).whole).toBe(false)
  })

  it('asks for longer values in larger files', () => {
    const short = { group: 'IFD0', name: 'Model', value: 'A1b2C' }
    const in1MB = sensitiveNeedles([short], 100_000).needles.map((one) => one.bytes.length)
    const in4GB = sensitiveNeedles([short], 4_000_000_000).needles.map((one) => one.bytes.length)
    expect(in1MB).toContain(5)
    expect(in4GB).not.toContain(5)
  })
})
