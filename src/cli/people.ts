/** `invite`, `revoke` and `people`: access, from the machine itself. */
import { withOperator } from './operator.ts'
import { parseSize } from '../config/config.ts'
import { ROLES } from '../domain/clip.ts'
import { readArguments, text, UsageError, type ExitStatus, type Verb } from './verb.ts'

const DEFAULT_EXPIRY_HOURS = 72

/** Makes a contributor's code or a colleague's one-time link. */
export const inviteVerb: Verb = {
  name: 'invite',
  summary: "makes a contributor's code, or a one-time link for a colleague",
  usage: [
    'invite --role contributor [--alias NAME] [--expires 72h] [--quota 20GiB] [--words] [--json]',
    'invite --role editor|translator|admin [--alias NAME] [--expires 72h] [--json]',
  ],
  details: [
    "A contributor's code is used for the first time within --expires and is then valid until it is revoked.",
    'It is printed this once and stored nowhere: hand it over in person, apart from the address.',
  ],
  async run(args, out) {
    const options = {
      role: 'string',
      alias: 'string',
      expires: 'string',
      quota: 'string',
      words: 'boolean',
      json: 'boolean',
    } as const
    const { values } = readArguments(args, options, { least: 0, most: 0 })
    const role = ROLES.find((name) => name === values['role'])
    if (role === undefined) throw new UsageError(`--role must be one of ${ROLES.join(', ')}`)
    const expiresHours = hours(text(values, 'expires'))
    const alias = text(values, 'alias')
    return withOperator(async (operator): Promise<ExitStatus> => {
      if (role === 'contributor') {
        const quota = text(values, 'quota')
        const quotaBytes = quota === undefined ? undefined : parseSize(quota)
        if (quota !== undefined && quotaBytes === undefined)
          throw new UsageError('--quota must be a size such as 20GiB')
        const invited = await operator.inviteContributor({
          alias,
          expiresHours,
          quotaBytes,
          form: values['words'] === true ? 'words' : 'digits',
        })
        if (values['json'] === true) out.json({ role, ...invited, address: operator.config.intake.publicUrl })
        else {
          out.line(`Alias    ${invited.alias}`)
          out.line(`Code     ${invited.code}`)
          out.line(`Use by   ${invited.firstUseByDay}`)
          out.line(`Address  ${operator.config.intake.publicUrl}   (hand it over apart from the code)`)
        }
      } else {
        const link = await operator.inviteStaff({ role, name: alias ?? role, expiresHours })
        if (values['json'] === true) out.json({ role, link })
        else out.line(link)
      }
      return 0
    })
  },
}

/** Withdraws access at once. */
export const revokeVerb: Verb = {
  name: 'revoke',
  summary: "withdraws somebody's access at once",
  usage: ['revoke ALIAS [--json]'],
  details: [
    "ALIAS is a contributor's alias or a colleague's sign-in name. Sessions end; a running upload stops at its next chunk.",
  ],
  async run(args, out) {
    const { values, rest } = readArguments(args, { json: 'boolean' }, { least: 1, most: 1 })
    return withOperator(async (operator): Promise<ExitStatus> => {
      await operator.revoke(rest[0] ?? '')
      if (values['json'] === true) out.json({ revoked: true })
      else out.line('Revoked.')
      return 0
    })
  },
}

/** Lists contributors and colleagues. */
export const peopleVerb: Verb = {
  name: 'people',
  summary: 'lists contributors and colleagues',
  usage: ['people [--json]'],
  details: [],
  async run(args, out) {
    const { values } = readArguments(args, { json: 'boolean' }, { least: 0, most: 0 })
    return withOperator(async (operator): Promise<ExitStatus> => {
      const people = await operator.people()
      if (values['json'] === true) out.json({ people })
      else if (people.length === 0) out.line('Nobody yet.')
      else {
        for (const person of people) {
          out.line([person.name, person.role, person.state, person.lastSeenDay ?? 'never seen'].join('\t'))
        }
      }
      return 0
    })
  },
}

function hours(given: string | undefined): number {
  if (given === undefined) return DEFAULT_EXPIRY_HOURS
  const match = /^(\d{1,4})([hd])$/.exec(given)
  const value = Number(match?.[1]) * (match?.[2] === 'd' ? 24 : 1)
  if (!(value >= 1 && value <= 24 * 90)) throw new UsageError('--expires must be like 72h or 7d')
  return value
}
