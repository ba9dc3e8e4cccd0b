import { digitValue } from '../../../domain/digits.ts'

/** Keeps the digits of what was typed, in Latin form: keyboards of other scripts type their own. */
export function latinDigits(typed: string): string {
  return Array.from(typed, (sign) => digitValue(sign) ?? '').join('')
}
