/** The desk's endpoints for signing in, people and the state of the server. */
import { toString as drawQr } from 'qrcode'
import type { CatalogDb, IntakeDb } from '../adapters/database/database.ts'
import type { Logger } from '../adapters/logger.ts'
import {
  changePersonSchema,
  intakeDoorSchema,
  inviteContributorSchema,
  inviteStaffSchema,
  joinBeginSchema,
  joinCompleteSchema,
  signInSchema,
  vaultSchema,
  type ContributorInvited,
  type ServerState,
  type Session,
  type SignedIn,
  type StaffInvited,
} from '../contract/access.ts'
import { parseId, type JobId, type ProjectId, type StaffId, type StaffRole } from '../domain/clip.ts'
import type { Clock } from '../domain/clock.ts'
import { AppError } from '../domain/errors.ts'
import { clearToken, readToken, setToken } from '../http/cookies.ts'
import { route, type Call, type Route } from '../http/route.ts'
import { recordAccessAct } from './acts.ts'
import { beginJoin, completeJoin, inviteStaff, joinLink } from './invitations.ts'
import { changeContributor, inviteContributor, listPeople, listTranslators, revokePerson } from './people.ts'
import { asStaff } from './policy.ts'
import { createStaffSessions, type StaffSessions } from './sessions.ts'
import { findVaultRecipient, isIntakeOpen, setIntakeOpen, setVaultRecipient } from './settings.ts'
import { createSignIn } from './sign-in.ts'
import { createStretcher, type Stretcher } from './stretching.ts'

const COOKIE = '__Host-desk'

/** What the desk's access needs; the context has it. */
export type AccessDeps = {
  readonly intakeDb: IntakeDb
  readonly catalogDb: CatalogDb
  /** Seals second factors. 32 bytes. */
  readonly deskSecret: Uint8Array
  /** Keys the lookups of contributors' codes; the same that intake has. 32 bytes. */
  readonly pepper: Uint8Array
  readonly clock: Clock
  readonly logger: Logger
  /** Public addresses without a trailing slash. */
  readonly addresses: { readonly intake: string; readonly desk: string }
  readonly stretcher?: Stretcher
  readonly idleMs?: Readonly<Record<StaffRole, number>>
  /** Figures that access does not know: storage, queue, sandbox, separation, versions. */
  readonly serverState: (projectId: ProjectId) => Promise<Omit<ServerState, 'intakeOpen' | 'vaultReady'>>
  /** Makes a failing job of the project due again. Errors: `not_found`. */
  readonly retryJob: (id: JobId, projectId: ProjectId) => Promise<void>
}

/** Every route of access on the desk. */
export function accessRoutes(given: AccessDeps): Route[] {
  const deps = { ...given, stretcher: given.stretcher ?? createStretcher() }
  const sessions = createStaffSessions(deps)
  return [
    ...sessionRoutes(deps, sessions),
    ...joinRoutes(deps, sessions),
    ...peopleRoutes(deps),
    ...serverRoutes(deps),
  ]
}

type Deps = AccessDeps & { readonly stretcher: Stretcher }

function sessionRoutes(deps: Deps, sessions: StaffSessions): Route[] {
  const signIn = createSignIn(deps)
  return [
    route({
      method: 'get',
      path: '/api/session',
      action: 'session.read',
      handle: async ({ who }) => describeSession(deps, asStaff(who).staffId),
    }),
    route({
      method: 'post',
      path: '/api/sign-in',
      action: 'session.open',
      body: signInSchema,
      handle: async (call) => openSession(deps, sessions, call, await signIn(call.input)),
    }),
    route({
      method: 'post',
      path: '/api/sign-out',
      action: 'session.close',
      async handle({ req, res }) {
        const token = readToken(req, COOKIE)
        if (token !== undefined) await sessions.end(token)
        clearToken(res, COOKIE)
        res.setHeader('Clear-Site-Data', '"cache", "cookies", "storage"')
      },
    }),
  ]
}

function joinRoutes(deps: Deps, sessions: StaffSessions): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/join/begin',
      action: 'join.use',
      body: joinBeginSchema,
      handle: ({ input }) => beginJoin(deps, input.token),
    }),
    route({
      method: 'post',
      path: '/api/join/complete',
      action: 'join.use',
      body: joinCompleteSchema,
      handle: async (call) => openSession(deps, sessions, call, await completeJoin(deps, call.input)),
    }),
  ]
}

function peopleRoutes(deps: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/people',
      action: 'people.read',
      handle: async ({ who }) => ({ people: await listPeople(deps, asStaff(who).projectId) }),
    }),
    route({
      method: 'get',
      path: '/api/translators',
      action: 'clips.assign',
      handle: async ({ who }) => ({
        translators: await listTranslators(deps.catalogDb, asStaff(who).projectId),
      }),
    }),
    route({
      method: 'post',
      path: '/api/people/contributors',
      action: 'people.invite',
      body: inviteContributorSchema,
      async handle({ who, input, res }): Promise<ContributorInvited> {
        const { id, alias, code, firstUseByDay } = await inviteContributor(deps, asStaff(who), input)
        res.status(201)
        const intakeAddress = deps.addresses.intake
        const addressQrSvg = await drawQr(intakeAddress, {
          type: 'svg',
          errorCorrectionLevel: 'M',
          margin: 2,
        })
        return { id, alias, code, firstUseByDay, intakeAddress, addressQrSvg }
      },
    }),
    route({
      method: 'post',
      path: '/api/people/staff',
      action: 'people.invite',
      body: inviteStaffSchema,
      async handle({ who, input, res }): Promise<StaffInvited> {
        const { token, expiresAt } = await inviteStaff(deps, asStaff(who), input)
        res.status(201)
        return { link: joinLink(deps.addresses.desk, token), expiresAt: new Date(expiresAt).toISOString() }
      },
    }),
    route({
      method: 'patch',
      path: '/api/people/:id',
      action: 'people.change',
      body: changePersonSchema,
      handle: ({ who, params, input }) => changeContributor(deps, asStaff(who), params['id'] ?? '', input),
    }),
    route({
      method: 'post',
      path: '/api/people/:id/revoke',
      action: 'people.revoke',
      handle: ({ who, params }) => revokePerson(deps, asStaff(who), params['id'] ?? ''),
    }),
  ]
}

function serverRoutes(deps: Deps): Route[] {
  const { intakeDb, catalogDb, clock } = deps
  return [
    route({
      method: 'put',
      path: '/api/vault',
      action: 'vault.set',
      body: vaultSchema,
      async handle({ who, input }) {
        await setVaultRecipient(intakeDb, input.recipient)
        await recordAccessAct(catalogDb, asStaff(who), clock.now(), { verb: 'vault.set', objectId: 'vault' })
      },
    }),
    route({
      method: 'get',
      path: '/api/server',
      action: 'server.read',
      handle: async ({ who }): Promise<ServerState> => ({
        ...(await deps.serverState(asStaff(who).projectId)),
        intakeOpen: await isIntakeOpen(intakeDb),
        vaultReady: (await findVaultRecipient(intakeDb)) !== undefined,
      }),
    }),
    route({
      method: 'put',
      path: '/api/server/intake',
      action: 'server.change',
      body: intakeDoorSchema,
      async handle({ who, input }) {
        await setIntakeOpen(intakeDb, input.open)
        const verb = input.open ? 'intake.open' : 'intake.close'
        await recordAccessAct(catalogDb, asStaff(who), clock.now(), { verb, objectId: 'intake' })
      },
    }),
    route({
      method: 'post',
      path: '/api/jobs/:id/retry',
      action: 'jobs.retry',
      async handle({ who, params }) {
        const id = parseId('job', params['id'] ?? '')
        if (id === undefined) throw new AppError('not_found')
        await deps.retryJob(id, asStaff(who).projectId)
        await recordAccessAct(catalogDb, asStaff(who), clock.now(), { verb: 'job.retry', objectId: id })
      },
    }),
  ]
}

/** Always a new session, never the one that the browser came with. */
async function openSession(
  deps: Deps,
  sessions: StaffSessions,
  { req, res }: Pick<Call<unknown>, 'req' | 'res'>,
  staffId: StaffId,
): Promise<SignedIn> {
  const token = await sessions.begin(staffId, readToken(req, COOKIE))
  setToken(res, COOKIE, token)
  return { token, session: await describeSession(deps, staffId) }
}

async function describeSession({ catalogDb, intakeDb }: Deps, staffId: StaffId): Promise<Session> {
  const row = await catalogDb
    .selectFrom('staff')
    .innerJoin('projects', 'projects.id', 'staff.project_id')
    .select(['staff.id', 'staff.name', 'staff.role', 'staff.project_id', 'projects.name as project_name'])
    .where('staff.id', '=', staffId)
    .executeTakeFirst()
  if (row === undefined) throw new AppError('not_signed_in')
  return {
    staffId: row.id,
    name: row.name,
    role: row.role,
    project: { id: row.project_id, name: row.project_name },
    vaultReady: (await findVaultRecipient(intakeDb)) !== undefined,
  }
}
