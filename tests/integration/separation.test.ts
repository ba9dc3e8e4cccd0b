/** Folders of the three roles: who may look into which, and that a change of accounts takes everything along. */
import { execFileSync } from 'node:child_process'
import { lstat, mkdtemp, readdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findAccounts, type Account, type Accounts } from '../../src/adapters/accounts.ts'
import { storagePaths } from '../../src/adapters/storage-layout.ts'
import { loadConfig, type Config } from '../../src/config/config.ts'
import { prepareInstallation } from '../../src/context.ts'

let folder: string
let config: Config
const accounts = await findAccounts()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footbridge-separation-'))
  execFileSync('/bin/chmod', ['755', folder])
  config = loadConfig({ FOOTBRIDGE_STORAGE: join(folder, 'storage') })
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Can somebody with the account's rights do it? */
function can(account: Account, ...command: string[]): boolean {
  const groups = account.groups.length === 0 ? '--clear-groups' : `--groups=${account.groups.join(',')}`
  try {
    execFileSync(
      '/usr/bin/setpriv',
      [`--reuid=${account.uid}`, `--regid=${account.gid}`, groups, ...command],
      {
        stdio: 'ignore',
      },
    )
    return true
  } catch {
    return false
  }
}

function list(account: Account, path: string): boolean {
  return can(account, '/bin/ls', path)
}

// Accounts need root: elsewhere the roles share one user, which the start says and docs/threat-model.md explains.
describe.runIf(accounts !== undefined)('separate accounts', () => {
  const { roles } = accounts as Accounts

  it('AZ-13: let intake reach what arrives and nothing that is finished or opens it', async () => {
    await prepareInstallation(config, accounts, true)
    const paths = storagePaths(config.storageRoot)
    expect(list(roles.intake, paths.quarantine)).toBe(true)
    expect(can(roles.intake, '/bin/cat', join(paths.intakeDatabase, 'intake.db'))).toBe(true)
    expect(can(roles.intake, '/bin/cat', join(paths.keys, 'pepper'))).toBe(true)
    for (const path of [
      paths.deskDatabase,
      paths.keyringDatabase,
      paths.sealed,
      paths.clean,
      paths.derived,
      paths.scratch,
    ]) {
      expect(list(roles.intake, path), path).toBe(false)
    }
    for (const key of ['processing-identity', 'desk-secret']) {
      expect(can(roles.intake, '/bin/cat', join(paths.keys, key)), key).toBe(false)
    }
  })

  it('let the desk read what is finished, and neither change it nor open an original', async () => {
    await prepareInstallation(config, accounts, true)
    const paths = storagePaths(config.storageRoot)
    expect(list(roles.desk, paths.derived)).toBe(true)
    expect(can(roles.desk, '/usr/bin/touch', join(paths.derived, 'x'))).toBe(false)
    expect(list(roles.desk, paths.keyringDatabase)).toBe(false)
    expect(can(roles.desk, '/bin/cat', join(paths.keys, 'processing-identity'))).toBe(false)
    expect(can(roles.worker, '/usr/bin/touch', join(paths.derived, 'x'))).toBe(true)
  })

  it('take over what one user had written, and give it back', async () => {
    await prepareInstallation(config, undefined, false)
    const paths = storagePaths(config.storageRoot)
    execFileSync('/bin/sh', ['-c', `echo x > ${paths.clean}/a && echo x > ${paths.scratch}/worker.lock`])
    await prepareInstallation(config, accounts, true)
    expect(
      can(roles.worker, '/bin/sh', '-c', `echo y > ${paths.scratch}/worker.lock && cat ${paths.clean}/a`),
    ).toBe(true)
    await prepareInstallation(config, undefined, false)
    expect((await stat(join(paths.clean, 'a'))).uid).toBe(0)
    expect(list(roles.desk, paths.clean)).toBe(false)
    expect(await readdir(paths.clean)).toEqual(['a'])
  })
})

it('without accounts everything is private to the one user', async () => {
  await prepareInstallation(config, undefined, false)
  for (const path of Object.values(storagePaths(config.storageRoot))) {
    if (typeof path === 'string') expect((await stat(path)).mode & 0o077, path).toBe(0)
  }
})

it('a key that can not be read is not replaced by a new one', async () => {
  await prepareInstallation(config, undefined, false)
  const { keys } = storagePaths(config.storageRoot)
  for (const name of ['pepper', 'desk-secret', 'processing-identity']) {
    const path = join(keys, name)
    await rename(path, `${path}.kept`)
    // A link to itself: there, and unreadable for root as well.
    await symlink(name, path)
    await expect(prepareInstallation(config, undefined, false)).rejects.toMatchObject({
      code: 'storage_failed',
    })
    expect((await lstat(path)).isSymbolicLink(), name).toBe(true)
    await rename(`${path}.kept`, path)
  }
})
