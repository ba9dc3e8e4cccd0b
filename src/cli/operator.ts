/** What the command line may do on the machine itself: the desk's acts, by nobody in particular. */
import { createSetupLink, createStaff, firstProject, inviteStaff, joinLink } from '../access/invitations.ts'
import {
  findPersonId,
  inviteContributor,
  listPeople,
  revokePerson,
  type InvitedContributor,
} from '../access/people.ts'
import { findVaultRecipient, setVaultRecipient } from '../access/settings.ts'
import { createStretcher } from '../access/stretching.ts'
import { listClips } from '../catalog/clip-list.ts'
import type { ClipView } from '../catalog/clip-views.ts'
import { loadConfig, type Config } from '../config/config.ts'
import { readEnvironment } from '../config/env.ts'
import { inviteContributorSchema, type Person } from '../contract/access.ts'
import { openDesk, prepareIfNew } from '../context.ts'
import type { DeskDeps } from '../desk-app.ts'
import type { ProjectId, StaffRole } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'

export type Operator = {
  readonly config: Config
  readonly deps: DeskDeps
  hasVault(): Promise<boolean>
  /** Errors: `vault_already_set`. */
  setVaultRecipient(recipient: string): Promise<void>
  /** The first administrator's link, or undefined when there is an administrator. A link given before dies. */
  setupLinkIfNeeded(): Promise<string | undefined>
  inviteContributor(wanted: {
    readonly alias: string | undefined
    readonly expiresHours: number
    readonly quotaBytes: number | undefined
    readonly form: 'digits' | 'words'
  }): Promise<InvitedContributor>
  /** A one-time link for a colleague. */
  inviteStaff(wanted: {
    readonly role: StaffRole
    readonly name: string
    readonly expiresHours: number
  }): Promise<string>
  nameProject(name: string): Promise<void>
  createStaff(wanted: { readonly role: StaffRole; readonly login: string; readonly name: string }): Promise<{
    readonly password: string
    readonly totpSecret: string
  }>
  /** By alias of a contributor, name or sign-in name of a colleague. Errors: `not_found`. */
  revoke(alias: string): Promise<void>
  people(): Promise<Person[]>
  /** Every clip of the project, one after the other. */
  clips(): AsyncGenerator<ClipView>
}

/**
 * Opens the installation that the environment describes, preparing it where there is none, for `work`, and closes it.
 *
 * The command line works on the installation's first project.
 */
export async function withOperator<Result>(work: (operator: Operator) => Promise<Result>): Promise<Result> {
  const { environment, unknown } = readEnvironment()
  const config = loadConfig(environment, unknown)
  await prepareIfNew(config)
  const opened = await openDesk(config, AbortSignal.abort())
  try {
    return await work(createOperator(config, opened.deps, await firstProject(opened.deps)))
  } finally {
    await opened.close()
  }
}

function createOperator(config: Config, given: DeskDeps, projectId: ProjectId): Operator {
  const deps = { ...given, stretcher: createStretcher() }
  const by = { projectId, staffId: null }
  return {
    config,
    deps: given,
    hasVault: async () => (await findVaultRecipient(deps.intakeDb)) !== undefined,
    setVaultRecipient: (recipient) => setVaultRecipient(deps.intakeDb, recipient),
    async setupLinkIfNeeded() {
      const token = await createSetupLink(deps)
      return token === undefined ? undefined : joinLink(deps.addresses.desk, token)
    },
    inviteContributor({ quotaBytes, ...wanted }) {
      // The same default as on the desk's page.
      const defaults = inviteContributorSchema.parse({})
      return inviteContributor(deps, by, { ...wanted, quotaBytes: quotaBytes ?? defaults.quotaBytes })
    },
    async inviteStaff(wanted) {
      const { token } = await inviteStaff(deps, by, wanted)
      return joinLink(deps.addresses.desk, token)
    },
    async nameProject(name) {
      await deps.catalogDb.updateTable('projects').set({ name }).where('id', '=', projectId).execute()
    },
    createStaff: (wanted) => createStaff(deps, { projectId, ...wanted }),
    async revoke(alias) {
      const id = await findPersonId(deps, projectId, alias)
      if (id === undefined) throw new AppError('not_found')
      await revokePerson(deps, by, id)
    },
    people: () => listPeople(deps, projectId),
    async *clips() {
      let after: Awaited<ReturnType<typeof listClips>>['next'] = null
      do {
        const page = await listClips(deps.catalogDb, { projectId }, {}, { after, limit: 500 })
        yield* page.clips
        after = page.next
      } while (after !== null)
    },
  }
}
