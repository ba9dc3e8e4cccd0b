/** The contributors' front: every piece of middleware and every route, on one screen. */
import type { Server } from 'node:http'
import express, { type Express, type Request } from 'express'
import type { IntakeDb } from './adapters/database/database.ts'
import type { SegmentLog } from './adapters/blobs/segment-log.ts'
import type { Logger } from './adapters/logger.ts'
import { readPageFiles, type PageFile } from './adapters/page-files.ts'
import { UPLOADS_PATH } from './domain/upload.ts'
import type { Clock } from './domain/clock.ts'
import type { Principal } from './domain/people.ts'
import { readToken } from './http/cookies.ts'
import { securityHeaders } from './http/guards.ts'
import { notFoundHandler, problemHandler } from './http/problems.ts'
import { mountRoutes, type Route } from './http/route.ts'
import type { Access } from './intake/access.ts'
import { createPageMemory } from './intake/page-memory.ts'
import { pageRoutes, SESSION_COOKIE } from './intake/page-routes.ts'
import { createReceiver, type Limits, type Receiver } from './intake/receive.ts'
import { apiRoutes } from './intake/routes.ts'
import { tusHandler } from './intake/tus.ts'

export type IntakeDeps = {
  readonly intakeDb: IntakeDb
  readonly segments: SegmentLog
  readonly access: Access
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: Limits
  /** Title of the page; says nothing about its purpose. */
  readonly pageTitle: string
  /** Folder with the built script and style; without it the page is bare HTML. */
  readonly webRoot: string | undefined
  /** Tell browsers to come back by TLS only. */
  readonly hsts?: boolean
}

export type IntakeApp = {
  readonly app: Express
  /** Everything that is mounted apart from the uploads themselves. */
  readonly routes: readonly Route[]
  /** Sets a server's time-outs before its first connection. */
  attach(server: Server): void
  /** Asks every upload under way to come to an end and returns when all bytes that came are durable. */
  drain(): Promise<void>
}

/** Headers are small: who needs longer is holding a place, not sending. */
const HEADERS_MS = 20_000
/** No byte for this long ends the connection; what came is kept. A moving transfer may take days. */
const IDLE_MS = 90_000
/** A phone sends chunk after chunk; a new connection for each costs seconds on a bad line. */
const KEEP_ALIVE_MS = 75_000

/**
 * Sets the time-outs of intake's server, before its first connection: patient with the slow, not with the silent.
 * Node's default would cut every request after five minutes, in mid-upload.
 */
function configureIntakeServer(server: Server): void {
  server.requestTimeout = 0
  server.headersTimeout = HEADERS_MS
  server.timeout = IDLE_MS
  server.keepAliveTimeout = KEEP_ALIVE_MS
}

/** Builds the app and keeps what earlier forms had sent. Errors: `config_invalid` when `webRoot` is not built. */
export async function createIntakeApp(deps: IntakeDeps): Promise<IntakeApp> {
  const { access, logger } = deps
  const receiver = createReceiver(deps)
  await receiver.keepBrokenForms()
  const [style, script] =
    deps.webRoot === undefined ? [] : await readPageFiles(deps.webRoot, ['style.css', 'main.ts'])
  const routes = intakeRoutes({ ...deps, receiver, style, script })

  const authenticate = async (req: Request): Promise<Principal> => {
    const token = readToken(req, SESSION_COOKIE)
    return (token === undefined ? undefined : await access.find(token)) ?? { kind: 'anonymous' }
  }

  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.use(securityHeaders({ front: 'intake', hsts: deps.hsts ?? false }))
  app.all(
    [UPLOADS_PATH, `${UPLOADS_PATH}/{*id}`],
    tusHandler({ intakeDb: deps.intakeDb, receiver, logger, authenticate }),
  )
  mountRoutes(app, routes, authenticate)
  app.use(notFoundHandler)
  app.use(problemHandler(logger))

  return {
    app,
    routes,
    attach: configureIntakeServer,
    drain: () => receiver.drain(),
  }
}

type RouteDeps = Pick<IntakeDeps, 'intakeDb' | 'access' | 'logger' | 'pageTitle'> & {
  readonly receiver: Receiver
  readonly style: PageFile | undefined
  readonly script: PageFile | undefined
}

/** Every route of the front but the uploads' own, to be mounted and to be held against the policy table. */
function intakeRoutes(deps: RouteDeps): readonly Route[] {
  return [...apiRoutes(deps), ...pageRoutes({ ...deps, title: deps.pageTitle, memory: createPageMemory() })]
}
