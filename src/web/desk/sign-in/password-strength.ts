/** What the meter says, weakest first. */
export const STRENGTHS = ['too_short', 'weak', 'fair', 'strong'] as const
export type Strength = (typeof STRENGTHS)[number]

const SHORTEST = 15

/**
 * A rough word for how hard a password is to guess; the server alone decides, and asks for 15 characters.
 *
 * Counts what adds surprise: characters that neither repeat nor continue the one before (`aaa`, `abc`, `321`). Length
 * is worth more than odd signs, so four unrelated words come out strong and a padded short word does not.
 */
export function passwordStrength(password: string): Strength {
  const signs = [...password]
  if (signs.length < SHORTEST) return 'too_short'
  let surprising = 0
  let before = Number.NaN
  for (const sign of signs) {
    const code = sign.toLowerCase().codePointAt(0) ?? 0
    if (!(Math.abs(code - before) <= 1)) surprising += 1
    before = code
  }
  const different = new Set(signs.map((sign) => sign.toLowerCase())).size
  if (surprising < 10 || different < 6) return 'weak'
  return surprising >= 18 && different >= 9 ? 'strong' : 'fair'
}
