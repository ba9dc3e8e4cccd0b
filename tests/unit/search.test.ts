import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { foldWords, matchExpression } from '../../src/catalog/search-words.ts'
import { drawReel } from '../../src/catalog/reels.ts'

describe('words of a search', () => {
  it.each([
    ['vowel marks', 'مُسْتَشْفَى', 'مستشفى'],
    ['stretching', 'مـــستشفى', 'مستشفى'],
    ['seats of hamza', 'أطفال إسعاف آباء', 'اطفال اسعاف اباء'],
    ['alef maksura and yeh', 'مستشفى', 'مستشفي'],
    ['Farsi and Arabic letters', 'کودکی', 'كودكي'],
    ['teh marbuta and heh', 'غرفة', 'غرفه'],
    ['presentation forms', 'ﻻ', 'لا'],
    ['Latin accents and case', 'Éclair À LA Crème', 'eclair a la creme'],
    ['letters that do not decompose', 'Straße Łódź smørrebrød', 'strasse lodz smorrebrod'],
    ['digits of any script', '٣ ۴ ५', '3 4 5'],
    ['digits of two scripts whose rows touch', '\u{116d9} \u{116da} \u{116e3}', '9 0 9'],
    ['width', 'ＷＡＲＤ　４', 'ward 4'],
    ['punctuation', 'ward-4/left: "door"', 'ward 4 left door'],
  ])('are the same for %s', (_what, a, b) => {
    expect(foldWords(a)).toBe(foldWords(b))
    expect(foldWords(a)).not.toBe('')
  })

  it('keeps apart what means something else', () => {
    expect(foldWords('دار')).not.toBe(foldWords('دور'))
    expect(foldWords('ward 4')).not.toBe(foldWords('ward 5'))
  })

  it.each(['', '   ', '"', '***', '-- ', '()', '\u0000', 'ـ'])('has no expression for %j', (typed) => {
    expect(matchExpression(typed)).toBeUndefined()
  })

  test.prop([fc.string({ unit: 'binary', maxLength: 60 })])(
    'can be nothing but quoted words, whatever is typed',
    (typed) => {
      const expression = matchExpression(typed)
      if (expression !== undefined) expect(expression).toMatch(/^"[\p{L}\p{N}]+"\*( "[\p{L}\p{N}]+"\*)*$/u)
    },
  )

  test.prop([fc.string({ unit: 'binary', maxLength: 60 })])('are folded once and for all', (typed) => {
    expect(foldWords(foldWords(typed))).toBe(foldWords(typed))
  })
})

describe('a reel name', () => {
  it('has the eight letters that a cut list has room for, and can be said', () => {
    for (let draw = 0; draw < 2_000; draw++) expect(drawReel()).toMatch(/^[A-Z]{6}\d\d$/)
  })

  it('comes in no order and from a large pool', () => {
    const drawn = Array.from({ length: 2_000 }, drawReel)
    expect(new Set(drawn).size).toBeGreaterThan(1_990)
    const rising = drawn.filter((reel, index) => index > 0 && reel > (drawn[index - 1] ?? ''))
    expect(Math.abs(rising.length - 1_000)).toBeLessThan(200)
  })
})
