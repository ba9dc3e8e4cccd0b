/**
 * Contributors: the code that lets them in, and the session it opens.
 *
 * No code is stored. The typed code is stretched with the installation's salt; one half of the result, keyed by the
 * pepper that is in no database, finds the row, and the other opens the contributor's own key in it. A shared salt is
 * sound only because codes are generated with 83 bits or more. Times finer than a day are kept in memory only.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { transact, type IntakeDb } from '../adapters/database/database.ts'
import type { ContributorState } from '../adapters/database/schema.ts'
import type { Logger } from '../adapters/logger.ts'
import { deriveKey, openSmall, sealSmall } from '../adapters/sealing.ts'
import type { ContributorId } from '../domain/clip.ts'
import { dayOf, type Clock } from '../domain/clock.ts'
import { AppError } from '../domain/errors.ts'
import type { Contributor } from '../domain/people.ts'
import { canonicalCode } from './codes.ts'
import { readSalt } from './settings.ts'
import { createStretcher, type Stretcher } from './stretching.ts'
import { hashToken, newToken } from './tokens.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const IDLE_MS = 60 * MINUTE_MS
const ABSOLUTE_MS = 12 * 60 * MINUTE_MS

export type ContributorAccess = {
  /**
   * Opens a session with what somebody typed.
   *
   * Errors: `wrong_credentials`, the same for a wrong, an overlong, an expired and a revoked code, after the same
   * work; `busy`.
   */
  open(typed: string): Promise<{ readonly token: string; readonly who: Contributor }>
  /** The contributor whose session `token` is, or undefined. Counts as use. */
  find(token: string): Promise<Contributor | undefined>
  /** Ends a session; fine when there is none. */
  leave(token: string): Promise<void>
}

type Deps = {
  readonly intakeDb: IntakeDb
  readonly pepper: Uint8Array
  readonly clock: Clock
  readonly logger: Logger
  readonly stretcher?: Stretcher
}

/** The two secrets that a code gives: where its row is, and what opens it. */
type CodeKeys = { readonly lookup: Buffer; readonly wrap: Buffer }

/** Stretches a canonical code. Errors: `busy`. */
export async function stretchCode(
  deps: { readonly intakeDb: IntakeDb; readonly pepper: Uint8Array; readonly stretcher: Stretcher },
  canonical: string,
): Promise<CodeKeys> {
  const stretched = await deps.stretcher.stretch(canonical, await readSalt(deps.intakeDb))
  return {
    lookup: createHmac('sha256', deps.pepper).update(deriveKey(stretched, 'code lookup')).digest(),
    wrap: deriveKey(stretched, 'code wrap'),
  }
}

/** Where a contributor's own key is sealed, for `sealSmall`. */
export const keyPlace = (id: ContributorId): string => `contributors.wrapped_key.${id}`

const NO_ROW = {
  id: 'contrib_00000000000000000000000000000000',
  wrapped_key: new Uint8Array(60),
} as const

/** Makes the contributors' front door. One a process: the gate and the sessions' clocks are in its memory. */
export function createContributorAccess(deps: Deps): ContributorAccess {
  const { intakeDb, pepper, clock, logger } = deps
  const stretcher = deps.stretcher ?? createStretcher()
  const clocks = new Map<string, { readonly startedAt: number; usedAt: number }>()

  const open: ContributorAccess['open'] = async (typed) => {
    const canonical = canonicalCode(typed)
    // What can be no code is stretched like one, so that it takes as long and says as little.
    const keys = await stretchCode({ intakeDb, pepper, stretcher }, canonical ?? '')
    const row = await intakeDb
      .selectFrom('contributors')
      .selectAll()
      .where('lookup', '=', keys.lookup)
      .executeTakeFirst()
    const { id, wrapped_key } = row ?? NO_ROW
    const key = openSmall(keys.wrap, keyPlace(id), wrapped_key)
    const today = dayOf(clock.now())
    if (canonical === undefined || row === undefined || key === undefined || !isUsable(row, today)) {
      throw new AppError('wrong_credentials')
    }
    const token = newToken()
    const hash = hashToken(token)
    await transact(intakeDb, async (trx) => {
      const opened = await trx
        .updateTable('contributors')
        .set({
          last_seen_day: today,
          first_use_by_day: null,
          ...(row.state === 'invited' ? { state: 'active' as const } : {}),
        })
        .where('id', '=', row.id)
        .where('state', '!=', 'revoked')
        .executeTakeFirst()
      // Revoked between reading the row and now.
      if (opened.numUpdatedRows !== 1n) throw new AppError('wrong_credentials')
      await trx
        .deleteFrom('contributor_sessions')
        .where('created_day', '<', dayOf(clock.now() - DAY_MS))
        .execute()
      await trx
        .insertInto('contributor_sessions')
        .values({
          token_hash: hash,
          contributor_id: row.id,
          wrapped_key: sealSmall(
            deriveKey(Buffer.from(token), 'contributor session'),
            sessionPlace(hash),
            key,
          ),
          created_day: today,
        })
        .execute()
    })
    forgetOld()
    clocks.set(hash.toString('hex'), { startedAt: clock.now(), usedAt: clock.now() })
    logger.info('a contributor session was opened')
    return { token, who: toContributor({ ...row, contributor_id: row.id }, key) }
  }

  const find: ContributorAccess['find'] = async (token) => {
    const hash = hashToken(token)
    const row = await intakeDb
      .selectFrom('contributor_sessions as session')
      .innerJoin('contributors as person', 'person.id', 'session.contributor_id')
      .select([
        'session.contributor_id',
        'session.wrapped_key',
        'session.created_day',
        'person.project_id',
        'person.state',
        'person.quota_bytes',
      ])
      .where('session.token_hash', '=', hash)
      .executeTakeFirst()
    if (row === undefined) return undefined
    if (row.state === 'revoked' || !useClock(hash.toString('hex'), row.created_day)) {
      await leave(token)
      return undefined
    }
    const key = openSmall(
      deriveKey(Buffer.from(token), 'contributor session'),
      sessionPlace(hash),
      row.wrapped_key,
    )
    return key === undefined ? undefined : toContributor(row, key)
  }

  const leave: ContributorAccess['leave'] = async (token) => {
    const hash = hashToken(token)
    clocks.delete(hash.toString('hex'))
    await intakeDb.deleteFrom('contributor_sessions').where('token_hash', '=', hash).execute()
  }

  /** Within both limits? After a restart nothing finer than the day is known, and the clocks start anew. */
  function useClock(name: string, createdDay: string): boolean {
    const now = clock.now()
    if (createdDay < dayOf(now - DAY_MS)) return false
    const times = clocks.get(name)
    if (times === undefined) {
      clocks.set(name, { startedAt: now, usedAt: now })
      return true
    }
    if (isOver(times, now)) return false
    times.usedAt = now
    return true
  }

  /** A clock outlives its row by far: without it a session that is over would start anew, as after a restart. */
  function forgetOld(): void {
    for (const [name, times] of clocks) if (isOver(times, clock.now() - 2 * DAY_MS)) clocks.delete(name)
  }

  return { open, find, leave }
}

function isOver(times: { readonly startedAt: number; readonly usedAt: number }, now: number): boolean {
  return now - times.usedAt > IDLE_MS || now - times.startedAt > ABSOLUTE_MS
}

function isUsable(
  row: { readonly state: ContributorState; readonly first_use_by_day: string | null },
  today: string,
): boolean {
  return row.state !== 'revoked' && (row.first_use_by_day === null || row.first_use_by_day >= today)
}

const sessionPlace = (hash: Buffer): string => `contributor_sessions.wrapped_key.${hash.toString('hex')}`

function toContributor(
  row: {
    readonly contributor_id: ContributorId
    readonly project_id: Contributor['projectId']
    readonly state: ContributorState
    readonly quota_bytes: number
  },
  key: Uint8Array,
): Contributor {
  return {
    kind: 'contributor',
    contributorId: row.contributor_id,
    projectId: row.project_id,
    paused: row.state === 'paused',
    quotaBytes: row.quota_bytes,
    key,
  }
}

/** Makes a contributor's own key: it seals what intake must remember about their uploads. */
export function newContributorKey(): Buffer {
  return randomBytes(32)
}
