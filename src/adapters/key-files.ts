/** The few secrets that live in files of their own: made once, private, each readable by the role that needs it. */
import { randomBytes } from 'node:crypto'
import { chmod, chown, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from '../domain/errors.ts'
import type { Accounts } from './accounts.ts'
import { generateKeyPair } from './sealing.ts'

const SECRET_BYTES = 32

/** Keyed hashes of contributors' codes: intake looks up, the desk invites. */
const PEPPER = 'pepper'
/** Seals staff's second factors. */
const DESK_SECRET = 'desk-secret'
/** The worker's age identity: opens what is still being worked on. */
const PROCESSING_IDENTITY = 'processing-identity'

/**
 * Makes the key files that are missing and puts owners and modes right. Run by the supervisor and the command line.
 * Errors: `storage_failed` where one is there and can not be read.
 */
export async function prepareKeyFiles(folder: string, accounts: Accounts | undefined): Promise<void> {
  await makeOnce(join(folder, PEPPER), () => Promise.resolve(randomBytes(SECRET_BYTES).toString('hex')))
  await makeOnce(join(folder, DESK_SECRET), () => Promise.resolve(randomBytes(SECRET_BYTES).toString('hex')))
  await makeOnce(join(folder, PROCESSING_IDENTITY), async () => (await generateKeyPair()).identity)
  if (accounts === undefined) return
  await hand(join(folder, PEPPER), 0, accounts.uploadsGid, 0o640)
  await hand(join(folder, DESK_SECRET), accounts.roles.desk.uid, accounts.roles.desk.gid, 0o600)
  await hand(join(folder, PROCESSING_IDENTITY), accounts.roles.worker.uid, accounts.roles.worker.gid, 0o600)
}

/** 32 bytes for the keyed hash of codes. */
export const readPepper = (folder: string): Promise<Buffer> => readSecret(join(folder, PEPPER))
/** 32 bytes that seal second factors. */
export const readDeskSecret = (folder: string): Promise<Buffer> => readSecret(join(folder, DESK_SECRET))
/** `AGE-SECRET-KEY-1…` of the worker. */
export async function readProcessingIdentity(folder: string): Promise<string> {
  return (await readFile(join(folder, PROCESSING_IDENTITY), 'utf8')).trim()
}

async function readSecret(path: string): Promise<Buffer> {
  const secret = Buffer.from((await readFile(path, 'utf8')).trim(), 'hex')
  if (secret.length !== SECRET_BYTES) throw new AppError('storage_failed', { details: { what: 'key file' } })
  return secret
}

/** Writes a text to `path` for its owner's eyes only, whole or not at all, and durable when it returns. */
export async function writePrivately(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const file = await open(beside, 'wx', 0o600)
  try {
    await file.writeFile(`${text}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
  const parent = await open(dirname(path), 'r')
  try {
    await parent.sync()
  } finally {
    await parent.close()
  }
}

/** Reads what `writePrivately` wrote; undefined when there is no such file. */
export async function readPrivately(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch {
    return undefined
  }
}

async function makeOnce(path: string, make: () => Promise<string>): Promise<void> {
  try {
    await readFile(path)
  } catch (cause) {
    // Only what is not there is made: a key that can't be read just now must not be replaced by one that opens nothing.
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'))
      throw new AppError('storage_failed', { cause, details: { what: 'key file' } })
    await writePrivately(path, await make())
  }
}

async function hand(path: string, uid: number, gid: number, mode: number): Promise<void> {
  await chown(path, uid, gid)
  await chmod(path, mode)
}
