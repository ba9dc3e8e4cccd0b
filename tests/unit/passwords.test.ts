import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import {
  assertLongEnough,
  currentTotp,
  generatePassword,
  matchTotp,
  newTotpSecret,
  totpUri,
} from '../../src/access/passwords.ts'
import { createLimiter } from '../../src/access/limiter.ts'
import { createStretcher } from '../../src/access/stretching.ts'
import { standingClock } from '../support/access.ts'

/** RFC 6238, appendix B: the SHA-1 secret in base32, and the last six of its eight digits. */
const RFC_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const RFC = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
] as const

describe('six digits', () => {
  test.each(RFC)('are those of the standard at %i s', async (seconds, digits) => {
    expect(await currentTotp(RFC_SECRET, seconds * 1000)).toBe(digits)
    expect(matchTotp(RFC_SECRET, digits, seconds * 1000, 0)).toBe(Math.floor(seconds / 30))
  })

  property.prop([fc.integer({ min: 1_900_000_000, max: 2_100_000_000 }), fc.integer({ min: -3, max: 3 })])(
    'fit one step to either side and no further',
    async (seconds, drift) => {
      const secret = newTotpSecret()
      const step = Math.floor(seconds / 30)
      const digits = await currentTotp(secret, (step + drift) * 30_000)
      const matched = matchTotp(secret, digits, seconds * 1000, 0)
      // Digits of different steps are equal by chance once in a million.
      expect(matched).toBe(Math.abs(drift) <= 1 ? step + drift : undefined)
    },
  )

  test('work once: a step that was used, and any before it, fit no more', async () => {
    const secret = newTotpSecret()
    const now = 2_000_000_000_000
    const digits = await currentTotp(secret, now)
    const step = matchTotp(secret, digits, now, 0)
    expect(step).toBeDefined()
    expect(matchTotp(secret, digits, now, step ?? 0)).toBeUndefined()
    expect(matchTotp(secret, await currentTotp(secret, now - 30_000), now, step ?? 0)).toBeUndefined()
    expect(matchTotp(secret, await currentTotp(secret, now + 30_000), now, step ?? 0)).toBe((step ?? 0) + 1)
  })

  test.each(['', '12345', '1234567', '12345a', '１２３４５６', ' 123456'])(
    '%j fits nothing and breaks nothing',
    (digits) => {
      expect(matchTotp(RFC_SECRET, digits, 59_000, 0)).toBeUndefined()
    },
  )

  test('are enrolled by an address that names the host and nothing of the product', () => {
    expect(totpUri(RFC_SECRET, '127.0.0.1', 'Ann')).toBe(
      `otpauth://totp/127.0.0.1:Ann?secret=${RFC_SECRET}&issuer=127.0.0.1`,
    )
  })
})

describe('a password', () => {
  test('is counted in characters, after what compatibility forms are', () => {
    expect(() => {
      assertLongEnough('a'.repeat(15))
    }).not.toThrow()
    expect(() => {
      assertLongEnough('a'.repeat(14))
    }).toThrow('too short')
    expect(() => {
      assertLongEnough('😀'.repeat(8))
    }).toThrow('too short')
  })

  test('that is made for somebody is long and never the same', () => {
    const made = new Set(Array.from({ length: 50 }, generatePassword))
    expect(made.size).toBe(50)
    for (const password of made)
      expect(() => {
        assertLongEnough(password)
      }).not.toThrow()
  })

  test('is kept as Argon2id of 64 MiB, three passes, one lane, with a salt of its own', async () => {
    const stretcher = createStretcher()
    const [one, two] = await Promise.all([
      stretcher.hashPassword('correct horse battery'),
      stretcher.hashPassword('correct horse battery'),
    ])
    expect(one).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=1\$/)
    expect(one).not.toBe(two)
    expect(await stretcher.verifyPassword(one, 'correct horse battery')).toBe(true)
    expect(await stretcher.verifyPassword(one, 'correct horse batterx')).toBe(false)
    expect(await stretcher.verifyPassword(undefined, 'correct horse battery')).toBe(false)
  })
})

describe('the gate before the stretching', () => {
  test('lets so many work, so many wait, and turns the rest away at once', async () => {
    const stretcher = createStretcher({ atOnce: 1, mayWait: 1 })
    const salt = new Uint8Array(16)
    const outcomes = await Promise.allSettled([1, 2, 3].map((n) => stretcher.stretch(String(n), salt)))
    expect(
      outcomes.map((outcome) =>
        outcome.status === 'rejected' ? (outcome.reason as { code: string }).code : 'done',
      ),
    ).toEqual(['done', 'done', 'busy'])
    // The gate is free again, and the same input gives the same output.
    const first = outcomes[0]
    expect(await stretcher.stretch('1', salt)).toEqual(
      first?.status === 'fulfilled' ? first.value : undefined,
    )
  })

  test('is not held by work that failed', async () => {
    const stretcher = createStretcher({ atOnce: 1, mayWait: 0 })
    await expect(stretcher.stretch('x', new Uint8Array(1))).rejects.toThrow()
    expect(await stretcher.stretch('x', new Uint8Array(16))).toHaveLength(32)
  })
})

describe('the limiter', () => {
  test('grants a burst, then one for each interval, each name apart', () => {
    const clock = standingClock()
    const limiter = createLimiter(clock, { burst: 3, refillMs: 1000 })
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([true, true, true, false])
    expect(limiter.take('b')).toBe(true)
    clock.advance(999)
    expect(limiter.take('a')).toBe(false)
    clock.advance(1)
    expect(limiter.take('a')).toBe(true)
    expect(limiter.take('a')).toBe(false)
    clock.advance(60_000)
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([true, true, true, false])
  })

  test('forgets the oldest of very many names, so that strangers can not fill the memory', () => {
    const limiter = createLimiter(standingClock(), { burst: 1, refillMs: 1_000_000 })
    for (let i = 0; i <= 10_000; i++) expect(limiter.take(String(i))).toBe(true)
    expect(limiter.take('10000')).toBe(false)
    expect(limiter.take('0')).toBe(true)
  })
})
