/** An installation for one benchmark: its own storage, vault key and contributor, made by the verbs an operator uses. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
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
  const invited = (await runVerb(environment, [
    ...['invite', '--role', 'contributor', '--quota', '2TiB', '--json'],
  ])) as { code: string }
  return {
    environment,
    intakeUrl: `http://localhost:${String(intakePort)}`,
    deskUrl: `http://127.0.0.1:${String(deskPort)}`,
    code: invited.code,
  }
}

/** Opens a contributor's session and returns its token. */
export async function openSession(intakeUrl: string, code: string): Promise<string> {
  const answer = await fetch(`${intakeUrl}/api/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ code }),
  })
  const { token } = (await answer.json()) as { token: string }
  return token
}
