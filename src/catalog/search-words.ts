/**
 * What a search compares: words without accents, vowel marks, stretching or variant letters.
 *
 * SQLite's tokenizer folds Latin accents only and splits Arabic words at their vowel marks, so both sides of a
 * search pass through here first. Pure.
 */
import { digitValue } from '../domain/digits.ts'

/** Letters that people type for one another, and the one that stands for them. Hamza seats fold by decomposition. */
const VARIANTS: Readonly<Record<string, string>> = {
  ى: 'ي', // alef maksura
  ی: 'ي', // Farsi yeh
  ې: 'ي',
  ک: 'ك', // keheh
  ة: 'ه', // teh marbuta
  ۀ: 'ه',
  ہ: 'ه', // heh goal
  ٱ: 'ا', // alef wasla
  ß: 'ss',
  ı: 'i',
  ł: 'l',
  ø: 'o',
  đ: 'd',
  æ: 'ae',
  œ: 'oe',
}
const VARIANT = new RegExp(`[${Object.keys(VARIANTS).join('')}]`, 'gu')

/** `text` as it is indexed and asked for: lower case, only letters, digits and single spaces. */
export function foldWords(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\p{M}\u0640\u200c\u200d]/gu, '')
    .replace(VARIANT, (letter) => VARIANTS[letter] ?? letter)
    .replace(/\p{Nd}/gu, (digit) => String(digitValue(digit)))
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

/**
 * The FTS5 expression for what somebody typed: every word must begin a word of the clip, in any order.
 *
 * Undefined where `typed` holds no word. Nothing in `typed` can act as an operator: each word is letters and digits
 * between quotes.
 */
export function matchExpression(typed: string): string | undefined {
  const words = foldWords(typed)
    .split(' ')
    .filter((word) => word !== '')
  return words.length === 0 ? undefined : words.map((word) => `"${word}"*`).join(' ')
}
