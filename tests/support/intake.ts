/** Runs intake alone in this process: the real app on a free port, over real SQLite and a real folder. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateCode } from '../../src/access/codes.ts'
import {
  createContributorAccess,
  keyPlace,
  newContributorKey,
  stretchCode,
} from '../../src/access/contributors.ts'
import { createStretcher } from '../../src/access/stretching.ts'
import { createDiskSegmentLog } from '../../src/adapters/blobs/disk-segment-log.ts'
import type { SegmentLog } from '../../src/adapters/blobs/segment-log.ts'
import { migrateIntake, openIntakeDb, type IntakeDb } from '../../src/adapters/database/database.ts'
import { newId } from '../../src/adapters/ids.ts'
import { createLogger } from '../../src/adapters/logger.ts'
import { generateKeyPair, sealSmall, type AgeKeyPair } from '../../src/adapters/sealing.ts'
import type { ContributorId, ProjectId } from '../../src/domain/clip.ts'
import { createIntakeApp, type IntakeApp } from '../../src/intake-app.ts'
import type { Limits } from '../../src/intake/receive.ts'

export const MIB = 1_048_576

export type Sender = { readonly id: ContributorId; readonly code: string; readonly token: string }

export type TestIntake = {
  readonly url: string
  readonly db: IntakeDb
  readonly folder: string
  readonly quarantine: string
  readonly vault: AgeKeyPair
  readonly processing: AgeKeyPair
  readonly intake: IntakeApp
  readonly server: Server
  /** A contributor with a session of their own. */
  addSender(quotaBytes?: number): Promise<Sender>
  /** Ends the server as SIGKILL would, as far as one process can: connections cut, nothing flushed. Same storage and port. */
  restart(): Promise<void>
  close(): Promise<void>
}

type Options = {
  readonly limits?: Partial<Limits>
  readonly segments?: (folder: string) => SegmentLog
  readonly quarantine?: string
  readonly webRoot?: string
}

/** Starts an intake that is open, with a vault key and a processing key. */
export async function startIntake(options: Options = {}): Promise<TestIntake> {
  const folder = await mkdtemp(join(tmpdir(), 'footbridge-intake-'))
  const quarantine = options.quarantine ?? join(folder, 'quarantine')
  await mkdir(quarantine, { recursive: true })
  const pepper = randomBytes(32)
  const [vault, processing] = [await generateKeyPair(), await generateKeyPair()]
  const logger = createLogger('intake', 'silent')
  const clock = { now: () => Date.now() }
  const stretcher = createStretcher()
  const first = openIntakeDb(folder)
  await migrateIntake(first)
  const settings = {
    vault_recipient: vault.recipient,
    processing_recipient: processing.recipient,
    kdf_salt: randomBytes(16).toString('hex'),
    intake_open: '1',
  }
  await first
    .insertInto('settings')
    .values(Object.entries(settings).map(([key, value]) => ({ key, value })))
    .execute()

  const boot = async (db: IntakeDb, port: number) => {
    const access = createContributorAccess({ intakeDb: db, pepper, clock, logger, stretcher })
    const intake = await createIntakeApp({
      intakeDb: db,
      segments: options.segments?.(quarantine) ?? createDiskSegmentLog(quarantine),
      access,
      clock,
      logger,
      limits: { maxUploadBytes: 2 ** 31, reserveBytes: 0, ...options.limits },
      pageTitle: 'Welcome',
      webRoot: options.webRoot,
    })
    const server = createServer(intake.app)
    intake.attach(server)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return { db, access, intake, server, port: (server.address() as AddressInfo).port }
  }
  const end = async (): Promise<void> => {
    running.server.close()
    running.server.closeAllConnections()
    await running.intake.drain()
    await running.db.destroy()
  }
  let running = await boot(first, 0)

  return {
    get url() {
      return `http://127.0.0.1:${String(running.port)}`
    },
    get db() {
      return running.db
    },
    get intake() {
      return running.intake
    },
    get server() {
      return running.server
    },
    folder,
    quarantine,
    vault,
    processing,
    async addSender(quotaBytes = 10 ** 12) {
      const code = generateCode('digits')
      const keys = await stretchCode({ intakeDb: running.db, pepper, stretcher }, code.replaceAll(/\D/g, ''))
      const id = newId('contrib')
      await running.db
        .insertInto('contributors')
        .values({
          id,
          project_id: PROJECT,
          lookup: keys.lookup,
          state: 'active',
          first_use_by_day: null,
          wrapped_key: sealSmall(keys.wrap, keyPlace(id), newContributorKey()),
          quota_bytes: quotaBytes,
          used_bytes: 0,
          last_seen_day: null,
        })
        .execute()
      const { token } = await running.access.open(code)
      return { id, code, token }
    },
    async restart() {
      const { port } = running
      await end()
      running = await boot(openIntakeDb(folder), port)
    },
    async close() {
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const PROJECT: ProjectId = 'proj_00000000000000000000000000000001'

/** One tus request as `sender`, or as nobody. */
export async function tus(
  intake: Pick<TestIntake, 'url'>,
  sender: Pick<Sender, 'token'> | undefined,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: Uint8Array | ReadableStream<Uint8Array>,
): Promise<Response> {
  const given = { 'tus-resumable': '1.0.0', ...headers }
  return fetch(`${intake.url}${path}`, {
    method,
    headers: {
      ...(sender === undefined ? {} : { authorization: `Bearer ${sender.token}` }),
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== '')),
      ...(method === 'PATCH' && headers['content-type'] === undefined
        ? { 'content-type': 'application/offset+octet-stream' }
        : {}),
    },
    ...(body === undefined ? {} : { body: body as BodyInit, duplex: 'half' }),
  })
}

/** Creates an upload and returns its path. */
export async function createUpload(
  intake: Pick<TestIntake, 'url'>,
  sender: Sender,
  lengthBytes: number,
  metadata?: string,
): Promise<string> {
  const answer = await tus(intake, sender, 'POST', '/files', {
    'upload-length': String(lengthBytes),
    ...(metadata === undefined ? {} : { 'upload-metadata': metadata }),
  })
  const location = answer.headers.get('location')
  if (answer.status !== 201 || location === null)
    throw new Error(`not created: ${String(answer.status)} ${await answer.text()}`)
  return location
}

/** Sends `bytes` at `offset`. */
export function patch(
  intake: Pick<TestIntake, 'url'>,
  sender: Sender,
  path: string,
  offset: number,
  bytes: Uint8Array,
): Promise<Response> {
  return tus(intake, sender, 'PATCH', path, { 'upload-offset': String(offset) }, bytes)
}

/** The block digest, worked out the plain way. */
export function plainBlockDigest(bytes: Uint8Array): string {
  const outer = createHash('sha256')
  for (let at = 0; at < bytes.length; at += MIB) {
    outer.update(
      createHash('sha256')
        .update(bytes.subarray(at, at + MIB))
        .digest(),
    )
  }
  return outer.digest('hex')
}

/** The code of a problem answer. */
export async function codeOf(answer: Response): Promise<unknown> {
  return ((await answer.json()) as { code?: unknown }).code
}
