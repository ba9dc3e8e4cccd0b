/** Decimal digits of every script that people type in. */

const DECIMAL = /^\p{Nd}$/u

/**
 * The value of a decimal digit of any script, or undefined for anything else.
 *
 * Digits of a script stand in a row from zero to nine, rows may touch, and no row begins in the middle: Unicode's
 * stability policy, and checked by a test for each of them. Compatibility forms (NFKC) cover a few scripts only.
 */
export function digitValue(character: string): number | undefined {
  if (!DECIMAL.test(character)) return undefined
  const codePoint = character.codePointAt(0) ?? 0
  let start = codePoint
  while (DECIMAL.test(String.fromCodePoint(start - 1))) start--
  return (codePoint - start) % 10
}
