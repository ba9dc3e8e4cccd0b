/** The real desk app in this process, on a free port, with databases and objects of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { createDiskBlobStore } from '../../src/adapters/blobs/disk-blob-store.ts'
import type { BlobStore } from '../../src/adapters/blobs/blob-store.ts'
import {
  migrateCatalog,
  migrateIntake,
  openCatalogDb,
  openIntakeDb,
  type CatalogDb,
  type IntakeDb,
} from '../../src/adapters/database/database.ts'
import type { Logger } from '../../src/adapters/logger.ts'
import { configureDeskServer, createDeskApp, type DeskDeps } from '../../src/desk-app.ts'
import { AppError } from '../../src/domain/errors.ts'
import { listenFront } from '../../src/http/listen.ts'

export type TestDesk = {
  readonly url: string
  readonly catalogDb: CatalogDb
  readonly intakeDb: IntakeDb
  readonly blobs: BlobStore
  readonly deps: DeskDeps
  /** Messages and fields of every warning and error so far. */
  readonly complaints: readonly string[]
  /** Everything else that was logged. */
  readonly notes: readonly string[]
  /** Asks the desk as whoever has `token`. */
  ask(token: string | undefined, path: string, init?: RequestInit): Promise<Response>
  /** Sends JSON as whoever has `token`. */
  send(token: string, method: string, path: string, body?: unknown): Promise<Response>
  /** Stops as the desk does when it closes: streams are told to end, running requests get two seconds. */
  stop(): Promise<void>
}

/** Starts a desk on an empty catalogue. */
export async function startDesk(more: { readonly webRoot?: string } = {}): Promise<TestDesk> {
  const folder = await mkdtemp(join(tmpdir(), 'footbridge-desk-'))
  const catalogDb = openCatalogDb(folder)
  const intakeDb = openIntakeDb(folder)
  await migrateCatalog(catalogDb)
  await migrateIntake(intakeDb)
  const blobs = await createDiskBlobStore(folder)
  const complaints: string[] = []
  const notes: string[] = []
  const closing = new AbortController()
  const deps: DeskDeps = {
    catalogDb,
    intakeDb,
    blobs,
    clock: { now: () => Date.now() },
    logger: listeningLogger(complaints, notes),
    closing: closing.signal,
    webRoot: more.webRoot,
    deskSecret: randomBytes(32),
    pepper: randomBytes(32),
    addresses: { intake: 'https://intake.test', desk: 'https://desk.test' },
    serverState: () => Promise.reject(new AppError('busy')),
    retryJob: () => Promise.reject(new AppError('not_found')),
  }
  const front = await listenFront(createDeskApp(deps), {
    host: '127.0.0.1',
    port: 0,
    tls: undefined,
    configure: configureDeskServer,
  })
  const url = `http://127.0.0.1:${String(front.port)}`
  const ask: TestDesk['ask'] = (token, path, init = {}) => {
    const headers = new Headers(init.headers)
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    return fetch(`${url}${path}`, { ...init, headers })
  }
  return {
    url,
    catalogDb,
    intakeDb,
    blobs,
    deps,
    complaints,
    notes,
    ask,
    send: (token, method, path, body) =>
      ask(token, path, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      }),
    async stop() {
      closing.abort()
      await front.close(2_000)
      await catalogDb.destroy()
      await intakeDb.destroy()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function listeningLogger(complaints: string[], notes: string[]): Logger {
  return {
    info: (message, fields) => {
      notes.push(`${message} ${JSON.stringify(fields ?? {})}`)
    },
    warn: (message, fields) => {
      complaints.push(`${message} ${JSON.stringify(fields ?? {})}`)
    },
    error: (message, error, fields) => {
      const cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
      complaints.push(`${message} ${JSON.stringify(fields ?? {})} ${cause}`)
    },
  }
}
