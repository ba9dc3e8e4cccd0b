/**
 * Signing in to the desk: password and six digits, one answer for everything that does not match.
 *
 * Guesses are slowed together, not by address, and no name can be locked out by a stranger: wrong passwords make further
 * wrong answers `rate_limited`, while the right ones still get in. A flood of guesses takes the whole desk's budget, and
 * who wants in then tries again; sessions that are open do not notice. Only who has the password can make the second
 * factor rest, longer each time; meanwhile it is answered like any other mismatch.
 */
import type { CatalogDb } from '../adapters/database/database.ts'
import type { SignIn } from '../contract/access.ts'
import type { StaffId } from '../domain/clip.ts'
import { dayOf, type Clock } from '../domain/clock.ts'
import { AppError } from '../domain/errors.ts'
import { staffPlace, totpKey } from './invitations.ts'
import { createLimiter } from './limiter.ts'
import { matchTotp, openTotp } from './passwords.ts'
import type { Stretcher } from './stretching.ts'

type Deps = {
  readonly catalogDb: CatalogDb
  readonly deskSecret: Uint8Array
  readonly clock: Clock
  readonly stretcher: Stretcher
}

/** Ten slips are human; after that a wrong answer every half minute is still told from a limit. */
const BY_LOGIN = { burst: 10, refillMs: 30_000 }
/** Of the whole desk: well above a newsroom's morning, well below what guessing needs. */
const ALL_TOGETHER = { burst: 300, refillMs: 200 }
const FREE_DIGIT_TRIES = 5
const FIRST_REST_MS = 30_000
const LONGEST_REST_MS = 3_600_000

/** Makes the sign-in check of one process; it remembers failures in memory. */
export function createSignIn(deps: Deps): (sent: SignIn) => Promise<StaffId> {
  const { catalogDb, clock, stretcher } = deps
  const byLogin = createLimiter(clock, BY_LOGIN)
  const budget = createLimiter(clock, ALL_TOGETHER)
  const rests = new Map<StaffId, { tries: number; until: number }>()

  const mismatch = (login: string): AppError =>
    new AppError(byLogin.take(login) ? 'wrong_credentials' : 'rate_limited')

  /** The colleague's id. Errors: `wrong_credentials`, `rate_limited`, `busy`. */
  return async (sent) => {
    const login = sent.login.trim().toLowerCase()
    if (!budget.take('')) throw new AppError('rate_limited', { details: { retryAfterSeconds: 5 } })
    const row = await catalogDb
      .selectFrom('staff')
      .select(['id', 'password_hash', 'totp_sealed', 'totp_last_step'])
      .where('login', '=', login)
      .where('state', '=', 'active')
      .executeTakeFirst()
    const passwordMatches = await stretcher.verifyPassword(row?.password_hash, sent.password)
    if (row === undefined || !passwordMatches) throw mismatch(login)

    const now = clock.now()
    const rest = rests.get(row.id)
    if (rest !== undefined && now < rest.until) throw mismatch(login)
    const secret = openTotp(totpKey(deps), staffPlace(row.id), row.totp_sealed)
    const step = matchTotp(secret, sent.totp, now, row.totp_last_step)
    if (step === undefined || !(await useStep(row.id, step))) {
      const tries = (rest?.tries ?? 0) + 1
      rests.set(row.id, { tries, until: tries < FREE_DIGIT_TRIES ? 0 : now + restMs(tries) })
      throw mismatch(login)
    }
    rests.delete(row.id)
    await catalogDb
      .updateTable('staff')
      .set({ last_seen_day: dayOf(now) })
      .where('id', '=', row.id)
      .execute()
    return row.id
  }

  /** Of two requests with the same digits one gets the step. */
  async function useStep(id: StaffId, step: number): Promise<boolean> {
    const used = await catalogDb
      .updateTable('staff')
      .set({ totp_last_step: step })
      .where('id', '=', id)
      .where('state', '=', 'active')
      .where('totp_last_step', '<', step)
      .executeTakeFirst()
    return used.numUpdatedRows === 1n
  }
}

function restMs(tries: number): number {
  return Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** (tries - FREE_DIGIT_TRIES))
}
