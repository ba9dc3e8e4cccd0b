/** An installation for one benchmark: its own storage, vault key and contributor, made by the verbs an operator uses. */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../domain/errors.ts'
import { freePort, runVerb } from './processes.ts'

export type Installation = {
  /** For `serve` and every other verb. */
  readonly environment: Readonly<Record<string, string>>
  readonly intakeUrl: string
  readonly deskUrl: string
  /** A contributor's code. */
  readonly code: string
}

/** Makes an installation below `folder` with an open intake and a contributor who may send more than any benchmark does. */
export async function createInstallation(folder: string): Promise<Installation> {
  const storage = join(folder, 'storage')
  await mkdir(storage, { recursive: true })
  const intakePort = await freePort()
  const deskPort = await freePort()
  const environment = {
    PATH: '/usr/bin:/bin',
    FOOTBRIDGE_STORAGE: storage,
    FOOTBRIDGE_INTAKE_LISTEN: `127.0.0.1:${String(intakePort)}`,
    FOOTBRIDGE_DESK_LISTEN: `127.0.0.1:${String(deskPort)}`,
    FOOTBRIDGE_RESERVE: '100MB',
    FOOTBRIDGE_LOG_LEVEL: 'error',
  }
  await runVerb(environment, ['vault', 'create', '--out', join(folder, 'vault-key.txt'), '--json'])
  const invited = JSON.parse(
    await runVerb(environment, ['invite', '--role', 'contributor', '--quota', '2TiB', '--json']),
  ) as { code: string }
  return {
    environment,
    intakeUrl: `http://localhost:${String(intakePort)}`,
    deskUrl: `http://127.0.0.1:${String(deskPort)}`,
    code: invited.code,
  }
}

/** Opens a contributor's session and returns its token. */
export async function openSession(intakeUrl: string, code: string): Promise<string> {
  const { token } = (await post(`${intakeUrl}/api/session`, { code })) as { token: string }
  return token
}

/** Invites an editor, goes through the link as a person would, and returns the session's token. */
export async function joinAsEditor(installation: Installation): Promise<string> {
  const { environment, deskUrl } = installation
  const invited = JSON.parse(await runVerb(environment, ['invite', '--role', 'editor', '--json'])) as {
    link: string
  }
  const token = invited.link.slice(invited.link.indexOf('#') + 1)
  const offer = (await post(`${deskUrl}/api/join/begin`, { token })) as { totpSecret: string }
  const totp = (await runVerb(environment, ['totp', offer.totpSecret])).trim()
  const joined = (await post(`${deskUrl}/api/join/complete`, {
    ...{ token, totp, login: 'bench-editor', name: 'Bench', password: randomBytes(16).toString('hex') },
  })) as { token: string }
  return joined.token
}

async function post(address: string, body: object): Promise<unknown> {
  const answer = await fetch(address, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new AppError('internal', { details: { address, status: answer.status } })
  return answer.json()
}
