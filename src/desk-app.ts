/** The editors' and administrators' front: every piece of middleware and every route, on one screen. */
import type { Server } from 'node:http'
import { join } from 'node:path'
import express, {
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express'
import { accessRoutes, type AccessDeps } from './access/routes.ts'
import { createDeskAccess } from './access/sessions.ts'
import { createBuiltFiles } from './adapters/built-files.ts'
import { latestRevision } from './catalog/clips.ts'
import { AppError } from './domain/errors.ts'
import { securityHeaders } from './http/guards.ts'
import { notFoundHandler, problemHandler } from './http/problems.ts'
import { mountRoutes, route, type Route } from './http/route.ts'
import type { ReviewDeps } from './review/deps.ts'
import { reviewRoutes } from './review/routes.ts'

/** What the context hands over: all that access and review need, but for who is asking, which is made here. */
export type DeskDeps = AccessDeps &
  Omit<ReviewDeps, 'look' | 'isActive'> & {
    /** Folder with the built page: `index.html` and `assets/`; without it the front is an API only. */
    readonly webRoot: string | undefined
    /** Tell browsers to come back by TLS only. */
    readonly hsts?: boolean
  }

/** Addresses that the page's own router understands; each is answered with the same file. */
const PAGES = ['/', '/join', '/clips/:id', '/bins', '/people', '/server', '/vault'] as const
const YEAR_SECONDS = 31_536_000

/** Builds the app. Nothing is opened or read before the first request. */
export function createDeskApp(deps: DeskDeps): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.use(securityHeaders({ front: 'desk', hsts: deps.hsts ?? false }))
  if (deps.webRoot !== undefined) app.use('/assets', builtFiles(join(deps.webRoot, 'assets')))
  mountRoutes(app, deskRoutes(deps), createDeskAccess(deps).authenticate)
  app.use(notFoundHandler)
  app.use(problemHandler(deps.logger))
  return app
}

/** Every route of the front, to be mounted and to be held against the policy table. */
export function deskRoutes(deps: DeskDeps): readonly Route[] {
  const { look, isActive } = createDeskAccess(deps)
  return [...pageRoutes(deps), ...accessRoutes(deps), ...reviewRoutes({ ...deps, look, isActive })]
}

/** A request is small and soon over; playback and events go on for as long as somebody reads. */
const HEADERS_MS = 20_000
const REQUEST_MS = 60_000
const KEEP_ALIVE_MS = 65_000

/** Sets the time-outs of the desk's server, before its first connection. */
export function configureDeskServer(server: Server): void {
  server.headersTimeout = HEADERS_MS
  server.requestTimeout = REQUEST_MS
  server.keepAliveTimeout = KEEP_ALIVE_MS
  // Silence is lawful: an event stream between two clips, a player that has buffered enough.
  server.timeout = 0
}

function pageRoutes(deps: DeskDeps): Route[] {
  const { catalogDb, webRoot } = deps
  return [
    route({
      method: 'get',
      path: '/healthz',
      action: 'health.read',
      async handle() {
        await latestRevision(catalogDb)
        return { ok: true }
      },
    }),
    ...PAGES.map((path) =>
      route({ method: 'get', path, action: 'page.read', handle: ({ res }) => sendPage(res, webRoot) }),
    ),
  ]
}

/** The same bytes for everybody, signed in or not: what somebody may see comes by the API. */
function sendPage(res: Response, webRoot: string | undefined): Promise<void> {
  if (webRoot === undefined) throw new AppError('not_found')
  return new Promise((resolve, reject) => {
    res.sendFile('index.html', { root: webRoot, ...NO_FILE_FACTS }, (error?: Error) => {
      if (error === undefined || res.destroyed) resolve()
      else reject(new AppError('not_found', { cause: error }))
    })
  })
}

/** A file's times and size say when and what was installed. */
const NO_FILE_FACTS = { etag: false, lastModified: false, cacheControl: false, dotfiles: 'ignore' } as const

/** Compressed where the browser can read it: a slow link is nothing rare among editors. */
function builtFiles(folder: string): RequestHandler {
  const files = createBuiltFiles(folder)
  const send = async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    const file = await files.find(req.path.slice(1))
    if (file === undefined) {
      next()
      return
    }
    const encoding = req.acceptsEncodings(['br', 'gzip', 'identity'])
    const bytes = encoding === 'br' ? file.brotli : encoding === 'gzip' ? file.gzip : file.plain
    if (encoding === 'br' || encoding === 'gzip') res.setHeader('Content-Encoding', encoding)
    res.setHeader('Vary', 'Accept-Encoding')
    res.setHeader('Content-Type', file.contentType)
    res.setHeader('Content-Length', bytes.length)
    // The names carry the digests of the files.
    res.setHeader('Cache-Control', `public, max-age=${String(YEAR_SECONDS)}, immutable`)
    res.end(req.method === 'HEAD' ? undefined : bytes)
  }
  return (req, res, next) => {
    if (req.method === 'GET' || req.method === 'HEAD') send(req, res, next).catch(next)
    else next()
  }
}
