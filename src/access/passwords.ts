/** The two things a colleague signs in with: a long password, and six digits from a device of their own. */
import { randomInt } from 'node:crypto'
import { generateSecret, generateSync, generateURI, verifySync } from 'otplib'
import { openSmall, sealSmall } from '../adapters/sealing.ts'
import { AppError } from '../domain/errors.ts'
import { generateCode } from './codes.ts'

/** A clock may be off by one step to either side. RFC 6238, section 5.2. */
const STEP_SECONDS = 30
const LEAST_CHARACTERS = 15

/** Errors: `password_too_short`. Characters are counted as people see them in a list, not as bytes. */
export function assertLongEnough(password: string): void {
  if (Array.from(password.normalize('NFKC')).length < LEAST_CHARACTERS)
    throw new AppError('password_too_short')
}

/** Makes a password that nobody chose: seven words and a number. */
export function generatePassword(): string {
  return `${generateCode('words')} ${String(randomInt(10, 100))}`
}

/** Makes the secret of a second factor, in base32, 160 bits. */
export function newTotpSecret(): string {
  return generateSecret()
}

/** What an authenticator app reads from a picture. It names the installation by its address alone. */
export function totpUri(secret: string, host: string, label: string): string {
  return generateURI({ secret, issuer: host, label })
}

/**
 * The time step that `digits` belong to, or undefined when they fit no step near `nowMs` later than `lastStep`.
 *
 * The caller keeps the step as the new `lastStep`, so that six digits work once.
 */
export function matchTotp(
  secret: string,
  digits: string,
  nowMs: number,
  lastStep: number,
): number | undefined {
  if (!/^\d{6}$/.test(digits)) return undefined
  const epoch = Math.floor(nowMs / 1000)
  const result = verifySync({ secret, token: digits, epoch, epochTolerance: STEP_SECONDS })
  if (!result.valid) return undefined
  const step = Math.floor(epoch / STEP_SECONDS) + result.delta
  return step > lastStep ? step : undefined
}

/** The six digits of `secret` at `nowMs`, the present when left out. Errors: `invalid_request` for no secret at all. */
export async function currentTotp(secret: string, nowMs = Date.now()): Promise<string> {
  try {
    return generateSync({ secret, epoch: Math.floor(nowMs / 1000) })
  } catch (cause) {
    throw new AppError('invalid_request', { cause, details: { field: 'secret' } })
  }
}

/** Seals a second factor's secret for the row that `place` names. */
export function sealTotp(key: Uint8Array, place: string, secret: string): Uint8Array {
  return sealSmall(key, place, Buffer.from(secret))
}

/** Opens what `sealTotp` sealed. Errors: `internal` where the desk's secret is not the one it was sealed under. */
export function openTotp(key: Uint8Array, place: string, sealed: Uint8Array): string {
  const secret = openSmall(key, place, sealed)
  if (secret === undefined) throw new AppError('internal')
  return secret.toString()
}
