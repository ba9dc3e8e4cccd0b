/** A desk with nothing but access, over HTTP, on databases of its own and a clock that tests move. */
import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import express from 'express'
import {
  migrateCatalog,
  migrateIntake,
  openCatalogDb,
  openIntakeDb,
} from '../../src/adapters/database/database.ts'
import type { CatalogDb, IntakeDb } from '../../src/adapters/database/database.ts'
import type { LogFields, Logger } from '../../src/adapters/logger.ts'
import { createContributorAccess, type ContributorAccess } from '../../src/access/contributors.ts'
import { createStaff, firstProject } from '../../src/access/invitations.ts'
import { currentTotp } from '../../src/access/passwords.ts'
import { accessRoutes, type AccessDeps } from '../../src/access/routes.ts'
import { createDeskAccess } from '../../src/access/sessions.ts'
import { createStretcher, type Stretcher } from '../../src/access/stretching.ts'
import { signedInSchema } from '../../src/contract/access.ts'
import type { ProjectId, StaffId, StaffRole } from '../../src/domain/clip.ts'
import { AppError } from '../../src/domain/errors.ts'
import { securityHeaders } from '../../src/http/guards.ts'
import { notFoundHandler, problemHandler } from '../../src/http/problems.ts'
import { mountRoutes, type Route } from '../../src/http/route.ts'

export type Answer = {
  readonly status: number
  readonly json: unknown
  readonly text: string
  readonly headers: Headers
}

export type TestColleague = {
  readonly id: StaffId
  readonly login: string
  readonly password: string
  readonly totpSecret: string
  readonly token: string
}

export type TestAccess = {
  readonly url: string
  readonly routes: readonly Route[]
  readonly deps: AccessDeps & { readonly stretcher: Stretcher }
  readonly contributors: ContributorAccess
  readonly projectId: ProjectId
  readonly clock: { now(): number; advance(ms: number): void }
  /** Lines that were logged, as text. */
  readonly log: string[]
  /** Jobs that were asked to run again. */
  readonly retried: string[]
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  /** Makes a colleague and signs in over HTTP. */
  colleague(role: StaffRole, projectId?: ProjectId): Promise<TestColleague>
  /** Present six digits; moves the clock on first, because a step works once. */
  digits(secret: string): Promise<string>
  close(): Promise<void>
}

export type CallOptions = {
  readonly token?: string | undefined
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Two databases in a folder of their own, with everything that preparing an installation would put in. */
async function openDatabases(): Promise<{
  intakeDb: IntakeDb
  catalogDb: CatalogDb
  close(): Promise<void>
}> {
  const folder = await mkdtemp(join(tmpdir(), 'footbridge-access-'))
  const intakeDb = openIntakeDb(folder)
  const catalogDb = openCatalogDb(folder)
  await migrateIntake(intakeDb)
  await migrateCatalog(catalogDb)
  await intakeDb
    .insertInto('settings')
    .values({ key: 'kdf_salt', value: randomBytes(16).toString('hex') })
    .execute()
  return {
    intakeDb,
    catalogDb,
    close: async () => {
      await intakeDb.destroy()
      await catalogDb.destroy()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A clock that stands until it is moved; starts in the middle of a UTC day. */
export function standingClock(start = Date.UTC(2031, 4, 6, 12)): {
  now(): number
  advance(ms: number): void
} {
  let now = start
  return {
    now: () => now,
    advance: (ms) => {
      now += ms
    },
  }
}

/** A logger that keeps its lines. */
export function listeningLogger(lines: string[]): Logger {
  const keep = (message: string, fields?: LogFields): void => {
    lines.push(JSON.stringify({ message, ...fields }))
  }
  return {
    info: keep,
    warn: keep,
    error: (message, error, fields) => {
      keep(`${message}: ${error instanceof AppError ? error.code : String(error)}`, fields)
    },
  }
}

/** Starts the desk on a free port. */
export async function startAccess(more: Partial<AccessDeps> = {}): Promise<TestAccess> {
  const databases = await openDatabases()
  const clock = standingClock()
  const log: string[] = []
  const retried: string[] = []
  const deps = {
    ...databases,
    clock,
    logger: listeningLogger(log),
    deskSecret: randomBytes(32),
    pepper: randomBytes(32),
    stretcher: createStretcher(),
    addresses: { intake: 'https://intake.example', desk: 'https://desk.example' },
    serverState: () =>
      Promise.resolve({
        sandbox: { proven: true, failed: [] },
        separated: false,
        storage: { freeBytes: 1, usedBytes: 1 },
        queue: { waiting: 0, running: 0, oldestWaitingSeconds: 0 },
        failing: [],
        versions: {},
      }),
    retryJob: (id: string) => {
      retried.push(id)
      return Promise.resolve()
    },
    ...more,
  }
  const projectId = await firstProject(deps)
  const routes = accessRoutes(deps)
  const app = express()
  app.disable('x-powered-by')
  app.use(securityHeaders({ front: 'desk' }))
  const desk = createDeskAccess(deps)
  mountRoutes(app, routes, (req) => desk.authenticate(req))
  app.use(notFoundHandler)
  app.use(problemHandler(deps.logger))
  const server = createServer(app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`

  const call: TestAccess['call'] = (method, path, options) => callUrl(url, method, path, options)
  const digits: TestAccess['digits'] = (secret) => {
    clock.advance(31_000)
    return currentTotp(secret, clock.now())
  }
  let made = 0
  return {
    url,
    routes,
    deps,
    contributors: createContributorAccess(deps),
    projectId,
    clock,
    log,
    retried,
    call,
    digits,
    async colleague(role, project = projectId) {
      const login = `${role}-${String(++made)}`
      const { id, password, totpSecret } = await createStaff(deps, {
        projectId: project,
        role,
        login,
        name: `Person ${login}`,
      })
      const answer = await call('POST', '/api/sign-in', {
        body: { login, password, totp: await digits(totpSecret) },
      })
      return { id, login, password, totpSecret, token: signedInSchema.parse(answer.json).token }
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      await databases.close()
    },
  }
}

/** One request; a `token` is sent as a bearer, a `body` as JSON. */
export async function callUrl(
  url: string,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  const { token, body, headers } = options
  const answer = await fetch(`${url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await answer.text()
  const isJson = /json/.test(answer.headers.get('content-type') ?? '')
  return {
    status: answer.status,
    json: isJson && text !== '' ? (JSON.parse(text) as unknown) : undefined,
    text,
    headers: answer.headers,
  }
}
