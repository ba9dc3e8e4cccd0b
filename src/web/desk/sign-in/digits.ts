/** Keeps the digits of what was typed, in Latin form: keyboards of other scripts type their own. */
export function latinDigits(typed: string): string {
  let digits = ''
  for (const sign of typed) {
    if (/\d/.test(sign)) digits += sign
    else if (/\p{Nd}/u.test(sign)) digits += String(valueOfDigit(sign))
  }
  return digits
}

/** Every script's digits stand together from 0 to 9 in Unicode, so the value is the distance to the run's start. */
function valueOfDigit(sign: string): number {
  const code = sign.codePointAt(0) ?? 0
  let start = code
  while (code - start < 9 && /\p{Nd}/u.test(String.fromCodePoint(start - 1))) start -= 1
  // Mathematical digits follow each other without a gap; their runs start at a fixed place.
  if (code >= 0x1d7ce && code <= 0x1d7ff) return (code - 0x1d7ce) % 10
  return code - start
}
