/** One-time links: the first administrator's set-up link, and the way in for every colleague after that. */
import { transact, type CatalogDb } from '../adapters/database/database.ts'
import { newId } from '../adapters/ids.ts'
import { deriveKey } from '../adapters/sealing.ts'
import type { JoinComplete, JoinOffer } from '../contract/access.ts'
import type { ProjectId, StaffId, StaffRole } from '../domain/clip.ts'
import type { Clock } from '../domain/clock.ts'
import { dayOf } from '../domain/clock.ts'
import { AppError } from '../domain/errors.ts'
import { recordAccessAct, type Actor } from './acts.ts'
import {
  assertLongEnough,
  generatePassword,
  matchTotp,
  newTotpSecret,
  openTotp,
  sealTotp,
  totpUri,
} from './passwords.ts'
import type { Stretcher } from './stretching.ts'
import { hashToken, newToken } from './tokens.ts'

const HOUR_MS = 3_600_000
const SETUP_HOURS = 72
const UNNAMED_PROJECT = 'Untitled project'

type Deps = { readonly catalogDb: CatalogDb; readonly clock: Clock }
type JoinDeps = Deps & {
  readonly deskSecret: Uint8Array
  readonly stretcher: Stretcher
  readonly addresses: { readonly desk: string }
}

/** The link of a token. It stands in the fragment, which browsers send to nobody, so no log ever has it. */
export function joinLink(deskAddress: string, token: string): string {
  return `${deskAddress}/join#${token}`
}

/** The installation's first project, made when there is none. */
export async function firstProject({ catalogDb, clock }: Deps): Promise<ProjectId> {
  return transact(catalogDb, async (trx) => {
    const found = await trx
      .selectFrom('projects')
      .select('id')
      .orderBy('created_at')
      .limit(1)
      .executeTakeFirst()
    if (found !== undefined) return found.id
    const id = newId('proj')
    await trx.insertInto('projects').values({ id, name: UNNAMED_PROJECT, created_at: clock.now() }).execute()
    return id
  })
}

/**
 * Makes the token of the first administrator's set-up link, and the project where there is none.
 *
 * An earlier set-up link stops working. Undefined when there is an administrator already.
 */
export async function createSetupLink(deps: Deps): Promise<string | undefined> {
  const projectId = await firstProject(deps)
  if (await hasAdministrator(deps.catalogDb)) return undefined
  // Without an administrator there is nobody who could have invited one: every such link is a set-up link.
  await deps.catalogDb.deleteFrom('invitations').where('role', '=', 'admin').execute()
  const { token } = await storeInvitation(deps, { projectId, role: 'admin', name: '', hours: SETUP_HOURS })
  return token
}

/** Makes a one-time link for a colleague. Returns the token; the link is `joinLink` of it. */
export async function inviteStaff(
  deps: Deps,
  by: Actor,
  wanted: { readonly role: StaffRole; readonly name: string; readonly expiresHours: number },
): Promise<{ readonly token: string; readonly expiresAt: number }> {
  // One transaction: by the act it is known whose link it is, and whose leaving ends it.
  return transact(deps.catalogDb, async (trx) => {
    const made = await storeInvitation(
      { catalogDb: trx, clock: deps.clock },
      { projectId: by.projectId, role: wanted.role, name: wanted.name, hours: wanted.expiresHours },
    )
    await recordAccessAct(trx, by, deps.clock.now(), {
      verb: 'person.invite',
      objectId: invitationId(hashToken(made.token)),
      detail: wanted.role,
    })
    return made
  })
}

/** How an open invitation is named on the people page: the start of its hash, which opens nothing. */
export function invitationId(hash: Uint8Array): `invite_${string}` {
  return `invite_${Buffer.from(hash).toString('hex').slice(0, 32)}`
}

/** Opens a link: says what it is for and offers a second factor, the same each time. Errors: `invitation_not_valid`. */
export async function beginJoin(deps: JoinDeps, token: string): Promise<JoinOffer> {
  const hash = hashToken(token)
  const found = await getInvitation(deps, hash)
  const key = totpKey(deps)
  if (found.totp_sealed === null) {
    await deps.catalogDb
      .updateTable('invitations')
      .set({ totp_sealed: sealTotp(key, invitationPlace(hash), newTotpSecret()) })
      .where('token_hash', '=', hash)
      .where('totp_sealed', 'is', null)
      .execute()
  }
  // Read again: of two that opened the link at once, both are told what the first one stored.
  const { totp_sealed, role, name, project_id } = await getInvitation(deps, hash)
  if (totp_sealed === null) throw new AppError('invitation_not_valid')
  const secret = openTotp(key, invitationPlace(hash), totp_sealed)
  const project = await deps.catalogDb
    .selectFrom('projects')
    .select('name')
    .where('id', '=', project_id)
    .executeTakeFirstOrThrow()
  return {
    role,
    name,
    projectName: project.name,
    firstAdministrator: !(await hasAdministrator(deps.catalogDb)),
    totpSecret: secret,
    totpUri: totpUri(secret, new URL(deps.addresses.desk).hostname, name === '' ? role : name),
  }
}

/**
 * Uses a link up and makes the colleague. The role stands in the invitation and nowhere in what is sent.
 *
 * Of two at once exactly one succeeds. Errors: `invitation_not_valid`, `wrong_credentials` (the six digits),
 * `password_too_short`, `login_taken`, `busy`.
 */
export async function completeJoin(deps: JoinDeps, sent: JoinComplete): Promise<StaffId> {
  const hash = hashToken(sent.token)
  const invitation = await getInvitation(deps, hash)
  const key = totpKey(deps)
  if (invitation.totp_sealed === null) throw new AppError('invitation_not_valid')
  const secret = openTotp(key, invitationPlace(hash), invitation.totp_sealed)
  const step = matchTotp(secret, sent.totp, deps.clock.now(), 0)
  if (step === undefined) throw new AppError('wrong_credentials')
  assertLongEnough(sent.password)
  const passwordHash = await deps.stretcher.hashPassword(sent.password)
  return transact(deps.catalogDb, async (trx) => {
    const now = deps.clock.now()
    const used = await trx
      .updateTable('invitations')
      .set({ used: 1, totp_sealed: null })
      .where('token_hash', '=', hash)
      .where('used', '=', 0)
      .where('expires_at', '>', now)
      .executeTakeFirst()
    if (used.numUpdatedRows !== 1n) throw new AppError('invitation_not_valid')
    const first = !(await hasAdministrator(trx))
    const id = await insertStaff(trx, {
      projectId: invitation.project_id,
      role: invitation.role,
      login: sent.login,
      name: sent.name,
      passwordHash,
      totp: (id) => sealTotp(key, staffPlace(id), secret),
      lastStep: step,
      now,
    })
    if (first && invitation.role === 'admin' && sent.projectName !== undefined) {
      await trx
        .updateTable('projects')
        .set({ name: sent.projectName })
        .where('id', '=', invitation.project_id)
        .execute()
    }
    await recordAccessAct(trx, { projectId: invitation.project_id, staffId: id }, now, {
      verb: 'person.join',
      objectId: id,
      detail: invitation.role,
    })
    return id
  })
}

/** Makes a colleague at once, with a password and second factor that nobody chose: for the demo and for tests. */
export async function createStaff(
  deps: Omit<JoinDeps, 'addresses'>,
  wanted: {
    readonly projectId: ProjectId
    readonly role: StaffRole
    readonly login: string
    readonly name: string
  },
): Promise<{ readonly id: StaffId; readonly password: string; readonly totpSecret: string }> {
  const password = generatePassword()
  const totpSecret = newTotpSecret()
  const passwordHash = await deps.stretcher.hashPassword(password)
  const id = await insertStaff(deps.catalogDb, {
    ...wanted,
    passwordHash,
    totp: (staffId) => sealTotp(totpKey(deps), staffPlace(staffId), totpSecret),
    lastStep: 0,
    now: deps.clock.now(),
  })
  return { id, password, totpSecret }
}

/** The key under which second factors are sealed. */
export function totpKey(deps: { readonly deskSecret: Uint8Array }): Buffer {
  return deriveKey(deps.deskSecret, 'totp')
}

/** Where a colleague's second factor is sealed. */
export const staffPlace = (id: StaffId): string => `staff.totp_sealed.${id}`
const invitationPlace = (hash: Buffer): string => `invitations.totp_sealed.${hash.toString('hex')}`

async function storeInvitation(
  { catalogDb, clock }: Deps,
  wanted: { projectId: ProjectId; role: StaffRole; name: string; hours: number },
): Promise<{ token: string; expiresAt: number }> {
  const token = newToken()
  const expiresAt = clock.now() + wanted.hours * HOUR_MS
  await catalogDb.deleteFrom('invitations').where('expires_at', '<=', clock.now()).execute()
  await catalogDb
    .insertInto('invitations')
    .values({
      token_hash: hashToken(token),
      project_id: wanted.projectId,
      role: wanted.role,
      name: wanted.name,
      totp_sealed: null,
      expires_at: expiresAt,
      used: 0,
    })
    .execute()
  return { token, expiresAt }
}

async function getInvitation({ catalogDb, clock }: Deps, hash: Buffer) {
  const found = await catalogDb
    .selectFrom('invitations')
    .select(['role', 'name', 'project_id', 'totp_sealed'])
    .where('token_hash', '=', hash)
    .where('used', '=', 0)
    .where('expires_at', '>', clock.now())
    .executeTakeFirst()
  if (found === undefined) throw new AppError('invitation_not_valid')
  return found
}

async function hasAdministrator(db: CatalogDb): Promise<boolean> {
  const found = await db
    .selectFrom('staff')
    .select('id')
    .where('role', '=', 'admin')
    .where('state', '=', 'active')
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}

type NewStaff = {
  readonly projectId: ProjectId
  readonly role: StaffRole
  readonly login: string
  readonly name: string
  readonly passwordHash: string
  readonly totp: (id: StaffId) => Uint8Array
  readonly lastStep: number
  readonly now: number
}

async function insertStaff(db: CatalogDb, wanted: NewStaff): Promise<StaffId> {
  const id = newId('staff')
  const inserted = await db
    .insertInto('staff')
    .values({
      id,
      project_id: wanted.projectId,
      role: wanted.role,
      login: wanted.login,
      name: wanted.name,
      password_hash: wanted.passwordHash,
      totp_sealed: wanted.totp(id),
      totp_last_step: wanted.lastStep,
      state: 'active',
      created_at: wanted.now,
      last_seen_day: dayOf(wanted.now),
    })
    .onConflict((conflict) => conflict.column('login').doNothing())
    .executeTakeFirst()
  if (inserted.numInsertedOrUpdatedRows !== 1n) throw new AppError('login_taken')
  return id
}
