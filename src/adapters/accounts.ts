/**
 * The system accounts that keep the three roles apart, when they are there and we may use them.
 *
 * `scripts/setup` makes them as root. Intake's account is in no group that reads finished material.
 */
import { readFile } from 'node:fs/promises'

export const ROLES_WITH_ACCOUNTS = ['intake', 'desk', 'worker'] as const
export type RoleName = (typeof ROLES_WITH_ACCOUNTS)[number]

export type Account = { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }

export type Accounts = {
  readonly roles: Readonly<Record<RoleName, Account>>
  /** May read and write what arrives: intake, desk (codes) and worker. */
  readonly uploadsGid: number
  /** May read what is finished: desk and worker. */
  readonly mediaGid: number
}

const UPLOADS_GROUP = 'footbridge-uploads'
const MEDIA_GROUP = 'footbridge-media'

/** Reads the accounts from the system; undefined unless we are root and every one of them is there. */
export async function findAccounts(): Promise<Accounts | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const users = await entries('/etc/passwd')
  const groups = await entries('/etc/group')
  const uploadsGid = groups.get(UPLOADS_GROUP)?.[0]
  const mediaGid = groups.get(MEDIA_GROUP)?.[0]
  if (uploadsGid === undefined || mediaGid === undefined) return undefined
  const account = (role: RoleName, extra: readonly number[]): Account | undefined => {
    const ids = users.get(`footbridge-${role}`)
    return ids?.[0] === undefined || ids[1] === undefined
      ? undefined
      : { uid: ids[0], gid: ids[1], groups: extra }
  }
  const intake = account('intake', [uploadsGid])
  const desk = account('desk', [uploadsGid, mediaGid])
  const worker = account('worker', [uploadsGid, mediaGid])
  if (intake === undefined || desk === undefined || worker === undefined) return undefined
  return { roles: { intake, desk, worker }, uploadsGid, mediaGid }
}

/** Name → the numbers in its third and fourth column. */
async function entries(path: string): Promise<Map<string, readonly number[]>> {
  const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.split(':'))
  return new Map(lines.map((columns) => [columns[0] ?? '', columns.slice(2, 4).map(Number)]))
}
