/** The people of a project: who is there, letting contributors in, and taking access away. */
import { transact, type CatalogDb, type IntakeDb } from '../adapters/database/database.ts'
import type { ContributorState } from '../adapters/database/schema.ts'
import { newId } from '../adapters/ids.ts'
import { sealSmall } from '../adapters/sealing.ts'
import type { Person } from '../contract/access.ts'
import { parseId, type ContributorId, type ProjectId, type StaffId } from '../domain/clip.ts'
import { dayOf, type Clock } from '../domain/clock.ts'
import { AppError } from '../domain/errors.ts'
import { recordAccessAct, type Actor } from './acts.ts'
import { generateAlias } from './aliases.ts'
import { canonicalCode, generateCode, type CodeForm } from './codes.ts'
import { keyPlace, newContributorKey, stretchCode } from './contributors.ts'
import { invitationId } from './invitations.ts'
import { endSessionsOf } from './sessions.ts'
import type { Stretcher } from './stretching.ts'

const HOUR_MS = 3_600_000
const ALIAS_ROUNDS = 50

type Deps = { readonly intakeDb: IntakeDb; readonly catalogDb: CatalogDb; readonly clock: Clock }
type InviteDeps = Deps & { readonly pepper: Uint8Array; readonly stretcher: Stretcher }

/** What is handed over. The code is in no database; who loses it gets a new one. */
export type InvitedContributor = {
  readonly id: ContributorId
  readonly alias: string
  readonly code: string
  readonly firstUseByDay: string
}

/**
 * Makes a contributor and their code.
 *
 * Writes one row in each database; what a crash leaves between the two is an alias without a way in, to be revoked
 * like any other. Errors: `alias_taken`, `busy`.
 */
export async function inviteContributor(
  deps: InviteDeps,
  by: Actor,
  wanted: {
    readonly alias?: string | undefined
    readonly quotaBytes: number
    readonly expiresHours: number
    readonly form: CodeForm
  },
): Promise<InvitedContributor> {
  const id = newId('contrib')
  const code = generateCode(wanted.form)
  const canonical = canonicalCode(code)
  if (canonical === undefined) throw new AppError('internal')
  const keys = await stretchCode(deps, canonical)
  const now = deps.clock.now()
  const firstUseByDay = dayOf(now + wanted.expiresHours * HOUR_MS)
  const alias = await transact(deps.catalogDb, async (trx) => {
    const taken = await insertWithAlias(trx, { id, projectId: by.projectId, now }, wanted.alias)
    await recordAccessAct(trx, by, now, { verb: 'person.invite', objectId: id, detail: 'contributor' })
    return taken
  })
  try {
    await deps.intakeDb
      .insertInto('contributors')
      .values({
        id,
        project_id: by.projectId,
        lookup: keys.lookup,
        state: 'invited',
        first_use_by_day: firstUseByDay,
        wrapped_key: sealSmall(keys.wrap, keyPlace(id), newContributorKey()),
        quota_bytes: wanted.quotaBytes,
        used_bytes: 0,
        last_seen_day: null,
      })
      .execute()
  } catch (cause) {
    await deps.catalogDb.deleteFrom('contributors').where('id', '=', id).execute()
    throw new AppError('storage_failed', { cause })
  }
  return { id, alias, code, firstUseByDay }
}

async function insertWithAlias(
  trx: CatalogDb,
  row: { id: ContributorId; projectId: ProjectId; now: number },
  wanted: string | undefined,
): Promise<string> {
  for (let round = 0; round < (wanted === undefined ? ALIAS_ROUNDS : 1); round++) {
    // Late rounds add a number: the pairs of a very large project are used up.
    const alias = wanted ?? `${generateAlias()}${round < ALIAS_ROUNDS / 2 ? '' : ` ${String(round)}`}`
    const inserted = await trx
      .insertInto('contributors')
      .values({ id: row.id, project_id: row.projectId, alias, state: 'invited', created_at: row.now })
      .onConflict((conflict) => conflict.columns(['project_id', 'alias']).doNothing())
      .executeTakeFirst()
    if (inserted.numInsertedOrUpdatedRows === 1n) return alias
  }
  throw new AppError('alias_taken')
}

/** The project's translators, by name: ids and names and nothing else, for whoever may assign clips. */
export function listTranslators(
  db: CatalogDb,
  projectId: ProjectId,
): Promise<{ id: StaffId; name: string }[]> {
  return db
    .selectFrom('staff')
    .select(['id', 'name'])
    .where('project_id', '=', projectId)
    .where('role', '=', 'translator')
    .where('state', '=', 'active')
    .orderBy('name')
    .execute()
}

/** Everybody of a project and every open invitation: contributors by alias, then colleagues by name. */
export async function listPeople(deps: Deps, projectId: ProjectId): Promise<Person[]> {
  const { intakeDb, catalogDb, clock } = deps
  const aliases = await catalogDb
    .selectFrom('contributors')
    .select(['id', 'alias', 'state'])
    .where('project_id', '=', projectId)
    .orderBy('alias')
    .execute()
  const doors = await intakeDb
    .selectFrom('contributors')
    .select(['id', 'state', 'quota_bytes', 'used_bytes', 'last_seen_day'])
    .where('project_id', '=', projectId)
    .execute()
  const clips = await catalogDb
    .selectFrom('clips')
    .select(['contributor_id', (build) => build.fn.countAll<number>().as('count')])
    .where('project_id', '=', projectId)
    .groupBy('contributor_id')
    .execute()
  const staff = await catalogDb
    .selectFrom('staff')
    .select(['id', 'name', 'role', 'state', 'last_seen_day'])
    .where('project_id', '=', projectId)
    .orderBy('name')
    .execute()
  const open = await catalogDb
    .selectFrom('invitations')
    .select(['token_hash', 'name', 'role'])
    .where('project_id', '=', projectId)
    .where('used', '=', 0)
    .where('expires_at', '>', clock.now())
    .orderBy('name')
    .execute()

  const doorOf = new Map(doors.map((door) => [door.id, door]))
  const clipsOf = new Map(clips.map((row) => [row.contributor_id, row.count]))
  const none = { clips: 0, usedBytes: 0, quotaBytes: null }
  return [
    ...aliases.map(({ id, alias, state }): Person => {
      const door = doorOf.get(id)
      return {
        id,
        kind: 'contributor',
        name: alias,
        role: 'contributor',
        // Intake knows of the first use; the catalogue is not told.
        state: door?.state ?? state,
        lastSeenDay: door?.last_seen_day ?? null,
        clips: clipsOf.get(id) ?? 0,
        usedBytes: door?.used_bytes ?? 0,
        quotaBytes: door?.quota_bytes ?? null,
      }
    }),
    ...staff.map(({ id, name, role, state, last_seen_day }): Person => ({
      id,
      kind: 'staff',
      name,
      role,
      state,
      lastSeenDay: last_seen_day,
      ...none,
    })),
    ...open.map(({ token_hash, name, role }): Person => ({
      id: invitationId(token_hash),
      kind: 'staff',
      name,
      role,
      state: 'invited',
      lastSeenDay: null,
      ...none,
    })),
  ]
}

/** The id behind an alias, a sign-in name or the name of an open invitation, or undefined. For the command line. */
export async function findPersonId(
  deps: Deps,
  projectId: ProjectId,
  name: string,
): Promise<string | undefined> {
  const alias = await deps.catalogDb
    .selectFrom('contributors')
    .select('id')
    .where('project_id', '=', projectId)
    .where('alias', '=', name)
    .executeTakeFirst()
  if (alias !== undefined) return alias.id
  const colleague = await deps.catalogDb
    .selectFrom('staff')
    .select('id')
    .where('project_id', '=', projectId)
    .where('login', '=', name.toLowerCase())
    .executeTakeFirst()
  if (colleague !== undefined) return colleague.id
  const people = await listPeople(deps, projectId)
  return people.find(
    (person) => person.state === 'invited' && person.kind === 'staff' && person.name === name,
  )?.id
}

/**
 * Changes how much a contributor may send, or lets their clips wait unseen.
 *
 * Errors: `not_found`, also for colleagues and for people of other projects.
 */
export async function changeContributor(
  deps: Deps,
  by: Actor,
  personId: string,
  change: { readonly quotaBytes?: number | undefined; readonly paused?: boolean | undefined },
): Promise<void> {
  const id = parseId('contrib', personId)
  if (id === undefined) throw new AppError('not_found')
  const { intakeDb, catalogDb, clock } = deps
  const door = await intakeDb
    .selectFrom('contributors')
    .select(['state', 'first_use_by_day'])
    .where('id', '=', id)
    .where('project_id', '=', by.projectId)
    .where('state', '!=', 'revoked')
    .executeTakeFirst()
  if (door === undefined) throw new AppError('not_found')
  if (change.quotaBytes !== undefined) {
    await intakeDb
      .updateTable('contributors')
      .set({ quota_bytes: change.quotaBytes })
      .where('id', '=', id)
      .execute()
    await recordAccessAct(catalogDb, by, clock.now(), {
      verb: 'person.quota',
      objectId: id,
      detail: String(change.quotaBytes),
    })
  }
  if (change.paused !== undefined) await setPaused(deps, by, id, door, change.paused)
}

/** Writes to both databases whatever they say: after a crash between the two, doing it again puts the second right. */
async function setPaused(
  { intakeDb, catalogDb, clock }: Deps,
  by: Actor,
  id: ContributorId,
  door: { readonly state: ContributorState; readonly first_use_by_day: string | null },
  paused: boolean,
): Promise<void> {
  const resumed = door.first_use_by_day === null ? 'active' : 'invited'
  const state = paused ? 'paused' : door.state === 'paused' ? resumed : door.state
  await intakeDb
    .updateTable('contributors')
    .set({ state })
    .where('id', '=', id)
    .where('state', '!=', 'revoked')
    .execute()
  await transact(catalogDb, async (trx) => {
    const changed = await trx
      .updateTable('contributors')
      .set({ state })
      .where('id', '=', id)
      .where('state', '!=', 'revoked')
      .where('state', paused ? '!=' : '=', 'paused')
      .executeTakeFirst()
    if (changed.numUpdatedRows === 0n) return
    const verb = paused ? 'person.pause' : 'person.resume'
    await recordAccessAct(trx, by, clock.now(), { verb, objectId: id })
  })
}

/**
 * Takes access away at once: sessions end, a running upload fails at its next chunk, an open link dies, and with a
 * colleague every open link that they made. What was sent stays. Doing it again changes nothing.
 *
 * Errors: `not_found`, also for people of other projects; `last_administrator`.
 */
export async function revokePerson(deps: Deps, by: Actor, personId: string): Promise<void> {
  const contributor = parseId('contrib', personId)
  if (contributor !== undefined) return revokeContributor(deps, by, contributor)
  const staff = parseId('staff', personId)
  if (staff !== undefined) return revokeStaff(deps, by, staff)
  return revokeInvitation(deps, by, personId)
}

async function revokeContributor(deps: Deps, by: Actor, id: ContributorId): Promise<void> {
  const { intakeDb, catalogDb, clock } = deps
  const alias = await catalogDb
    .selectFrom('contributors')
    .select('id')
    .where('id', '=', id)
    .where('project_id', '=', by.projectId)
    .executeTakeFirst()
  if (alias === undefined) throw new AppError('not_found')
  // The door first: if anything fails after this, the person is out and the act can be repeated.
  await transact(intakeDb, async (trx) => {
    await trx
      .updateTable('contributors')
      // Without its sealed key the row is of no use even to who has code, pepper and a copy of the database.
      .set({ state: 'revoked', wrapped_key: Buffer.alloc(0) })
      .where('id', '=', id)
      .execute()
    await trx.deleteFrom('contributor_sessions').where('contributor_id', '=', id).execute()
  })
  await transact(catalogDb, async (trx) => {
    await trx.updateTable('contributors').set({ state: 'revoked' }).where('id', '=', id).execute()
    await recordAccessAct(trx, by, clock.now(), { verb: 'person.revoke', objectId: id })
  })
}

async function revokeStaff({ catalogDb, clock }: Deps, by: Actor, id: StaffId): Promise<void> {
  await transact(catalogDb, async (trx) => {
    const person = await trx
      .selectFrom('staff')
      .select(['role', 'state'])
      .where('id', '=', id)
      .where('project_id', '=', by.projectId)
      .executeTakeFirst()
    if (person === undefined) throw new AppError('not_found')
    if (person.state === 'revoked') return
    if (person.role === 'admin' && !(await hasOtherAdministrator(trx, by.projectId, id))) {
      throw new AppError('last_administrator')
    }
    await trx.updateTable('staff').set({ state: 'revoked' }).where('id', '=', id).execute()
    await endSessionsOf(trx, id)
    await recordAccessAct(trx, by, clock.now(), { verb: 'person.revoke', objectId: id })
    await withdrawLinksOf(trx, by, id, clock.now())
  })
}

/** A link that somebody made and kept would be their way back in, as an administrator even. */
async function withdrawLinksOf(trx: CatalogDb, by: Actor, id: StaffId, now: number): Promise<void> {
  const made = await trx
    .selectFrom('acts')
    .select('object_id')
    .where('staff_id', '=', id)
    .where('verb', '=', 'person.invite')
    .execute()
  const names = new Set(made.map((act) => act.object_id))
  for (const { token_hash } of await openLinks(trx, by.projectId)) {
    const objectId = invitationId(token_hash)
    if (!names.has(objectId)) continue
    await trx.deleteFrom('invitations').where('token_hash', '=', token_hash).execute()
    await recordAccessAct(trx, by, now, { verb: 'person.revoke', objectId })
  }
}

function openLinks(trx: CatalogDb, projectId: ProjectId): Promise<{ token_hash: Uint8Array }[]> {
  return trx
    .selectFrom('invitations')
    .select('token_hash')
    .where('project_id', '=', projectId)
    .where('used', '=', 0)
    .execute()
}

async function hasOtherAdministrator(trx: CatalogDb, projectId: ProjectId, than: StaffId): Promise<boolean> {
  const other = await trx
    .selectFrom('staff')
    .select('id')
    .where('project_id', '=', projectId)
    .where('role', '=', 'admin')
    .where('state', '=', 'active')
    .where('id', '!=', than)
    .limit(1)
    .executeTakeFirst()
  return other !== undefined
}

async function revokeInvitation({ catalogDb, clock }: Deps, by: Actor, personId: string): Promise<void> {
  await transact(catalogDb, async (trx) => {
    const found = (await openLinks(trx, by.projectId)).find(
      (row) => invitationId(row.token_hash) === personId,
    )
    if (found === undefined) throw new AppError('not_found')
    await trx.deleteFrom('invitations').where('token_hash', '=', found.token_hash).execute()
    await recordAccessAct(trx, by, clock.now(), { verb: 'person.revoke', objectId: personId })
  })
}
