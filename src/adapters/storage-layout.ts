/** The folders of the embedded default: where they are, whose they are, and that they are private. */
import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../domain/errors.ts'
import type { Accounts } from './accounts.ts'

export type StoragePaths = {
  readonly root: string
  readonly intakeDatabase: string
  readonly deskDatabase: string
  readonly keyringDatabase: string
  readonly keys: string
  /** Self-signed certificates, one folder a front. */
  readonly tls: { readonly intake: string; readonly desk: string }
  readonly quarantine: string
  readonly sealed: string
  readonly clean: string
  readonly derived: string
  readonly scratch: string
}

/** Names the folders below `root`; makes nothing. */
export function storagePaths(root: string): StoragePaths {
  return {
    root,
    intakeDatabase: join(root, 'database', 'intake'),
    deskDatabase: join(root, 'database', 'desk'),
    keyringDatabase: join(root, 'database', 'keyring'),
    keys: join(root, 'keys'),
    tls: { intake: join(root, 'keys', 'tls-intake'), desk: join(root, 'keys', 'tls-desk') },
    quarantine: join(root, 'quarantine'),
    sealed: join(root, 'sealed'),
    clean: join(root, 'clean'),
    derived: join(root, 'derived'),
    scratch: join(root, 'scratch'),
  }
}

/**
 * Makes every folder with its owner and mode; run again it puts them right.
 *
 * Without `accounts` all belong to the one user we are and nobody else may look in. With them each role reaches only
 * what it needs: what arrives is shared by the uploads group, what is finished is written by the worker and read by
 * the media group, the keyring and scratch are the worker's alone.
 */
export async function prepareStorage(paths: StoragePaths, accounts: Accounts | undefined): Promise<void> {
  try {
    await mkdir(paths.root, { recursive: true })
    await mkdir(join(paths.root, 'database'), { recursive: true })
    const passage = accounts === undefined ? 0o700 : 0o711
    await chmod(paths.root, passage)
    await chmod(join(paths.root, 'database'), passage)
    if (accounts === undefined) {
      const root = process.getuid?.() === 0 ? { uid: 0, gid: 0 } : undefined
      for (const folder of folders(paths)) await own(folder, 0o700, root)
      return
    }
    const { roles, uploadsGid, mediaGid } = accounts
    const worker = roles.worker
    await own(paths.intakeDatabase, 0o2770, { uid: roles.intake.uid, gid: uploadsGid })
    await own(paths.deskDatabase, 0o2770, { uid: roles.desk.uid, gid: mediaGid })
    await own(paths.keyringDatabase, 0o700, worker)
    await own(paths.keys, 0o711, { uid: 0, gid: 0 })
    await own(paths.tls.intake, 0o700, roles.intake)
    await own(paths.tls.desk, 0o700, roles.desk)
    await own(paths.quarantine, 0o2770, { uid: roles.intake.uid, gid: uploadsGid })
    await own(paths.sealed, 0o2750, { uid: worker.uid, gid: mediaGid })
    await own(paths.clean, 0o2750, { uid: worker.uid, gid: mediaGid })
    await own(paths.derived, 0o2750, { uid: worker.uid, gid: mediaGid })
    await own(paths.scratch, 0o700, worker)
    await ownDatabase(paths.intakeDatabase, roles.intake.uid, uploadsGid)
    await ownDatabase(paths.deskDatabase, roles.desk.uid, mediaGid)
    await ownDatabase(paths.keyringDatabase, worker.uid, worker.gid)
  } catch (cause) {
    throw new AppError('storage_failed', { cause, details: { what: 'storage folders' } })
  }
}

function folders(paths: StoragePaths): readonly string[] {
  const { root: _root, tls, ...rest } = paths
  return [...Object.values(rest), tls.intake, tls.desk]
}

async function own(
  folder: string,
  mode: number,
  owner: { uid: number; gid: number } | undefined,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  if (owner !== undefined) {
    const before = await stat(folder)
    await chown(folder, owner.uid, owner.gid)
    // The folder was somebody else's (the last start was separated and this one is not, or the other way round):
    // what lies in it goes with it.
    if (before.uid !== owner.uid) await handOver(folder, owner)
  }
  await chmod(folder, mode)
}

async function handOver(folder: string, owner: { uid: number; gid: number }): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    await chown(path, owner.uid, owner.gid)
    if (entry.isDirectory()) await handOver(path, owner)
    else await chmod(path, 0o660)
  }
}

/** Database files made by root before the roles start (migrations) are handed over. */
async function ownDatabase(folder: string, uid: number, gid: number): Promise<void> {
  for (const name of await readdir(folder)) {
    await chown(join(folder, name), uid, gid)
    await chmod(join(folder, name), 0o660)
  }
}
