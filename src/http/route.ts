/**
 * A route is a value: method, path, who may, what comes in, what it does.
 *
 * So the whole list can be held against the policy table, and no route can forget to ask who is there. The order for
 * each request: from our own page? who is it? may they? is the input what the schema says? Only then the handler.
 */
import express, { type IRouter, type Request, type RequestHandler, type Response } from 'express'
import { assertMay, type Action } from '../access/policy.ts'
import { AppError } from '../domain/errors.ts'
import type { Principal } from '../domain/people.ts'
import { assertSameOrigin } from './guards.ts'

const BODY_LIMIT = '64kb'

/** What a handler is given. `signal` is aborted when the caller goes away before the answer is complete. */
export type Call<In> = {
  readonly who: Principal
  readonly params: Readonly<Record<string, string>>
  readonly input: In
  readonly req: Request
  readonly res: Response
  readonly signal: AbortSignal
}

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** The part of a zod schema that a route needs. */
type Schema<Out> = {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: Out }
    | { readonly success: false; readonly error: { readonly issues: readonly Issue[] } }
}
type Issue = { readonly code?: string | undefined; readonly path: readonly PropertyKey[] }

type Spec<In> = {
  readonly method: Method
  /** As Express writes it, such as `/api/clips/:id`. */
  readonly path: string
  readonly action: Action
  /** Schema of the query string; every value is a string, and each key may come once. */
  readonly query?: Schema<In>
  /** Schema of the JSON body. */
  readonly body?: Schema<In>
  /** What it returns is sent as JSON; undefined means 204, or that the handler answered by itself. */
  readonly handle: (call: Call<In>) => Promise<unknown>
}

/** One route, ready to be mounted. Made by `route` only. */
export type Route = {
  readonly method: Method
  readonly path: string
  readonly action: Action
  readonly takes: 'query' | 'body' | 'nothing'
  /** Checks the input and runs the handler. */
  run(who: Principal, req: Request, res: Response, signal: AbortSignal): Promise<unknown>
}

/** Makes a route. Give `query` or `body`, not both; with neither, `input` is undefined. */
export function route<In = undefined>(spec: Spec<In>): Route {
  const { method, path, action, query, body, handle } = spec
  if (query !== undefined && body !== undefined) throw new AppError('internal')
  const takes = query !== undefined ? 'query' : body !== undefined ? 'body' : 'nothing'
  const schema: Schema<In> = query ?? body ?? NOTHING
  return {
    method,
    path,
    action,
    takes,
    run(who, req, res, signal) {
      const input = parse(schema, takes === 'query' ? queryOf(req) : takes === 'body' ? req.body : undefined)
      return handle({ who, params: paramsOf(req), input, req, res, signal })
    },
  }
}

// Reached only where `In` is undefined: a spec without a schema has no other input.
const NOTHING: Schema<never> = { safeParse: (value) => ({ success: true, data: value as never }) }

/**
 * Mounts `routes` in their order, then answers other methods on the same paths with 405.
 *
 * `authenticate` says who is asking; it answers `anonymous` for everything that it does not know.
 */
export function mountRoutes(
  app: IRouter,
  routes: readonly Route[],
  authenticate: (req: Request) => Promise<Principal>,
): void {
  for (const one of routes) {
    const reader = one.takes === 'body' ? [readJson] : []
    app[one.method](one.path, [guard(one, authenticate), ...reader, answer(one)])
  }
  for (const path of new Set(routes.map((one) => one.path))) {
    const methods = routes.filter((one) => one.path === path).map((one) => one.method.toUpperCase())
    const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ')
    const refuse: RequestHandler = () => {
      throw new AppError('method_not_allowed', { details: { allow } })
    }
    app.all(path, refuse)
  }
}

const PRINCIPAL = Symbol('principal')
type Guarded = Response['locals'] & { [PRINCIPAL]?: Principal }

/** Who and whence, before a single byte of the body is read. */
function guard(one: Route, authenticate: (req: Request) => Promise<Principal>): RequestHandler {
  return async (req, res, next) => {
    assertSameOrigin(req)
    const who = await authenticate(req)
    assertMay(who, one.action)
    const locals: Guarded = res.locals
    locals[PRINCIPAL] = who
    next()
  }
}

function answer(one: Route): RequestHandler {
  return async (req, res) => {
    const locals: Guarded = res.locals
    const who = locals[PRINCIPAL]
    if (who === undefined) throw new AppError('internal')
    const gone = new AbortController()
    res.once('close', () => {
      if (!res.writableFinished) gone.abort()
    })
    const result = await one.run(who, req, res, gone.signal)
    if (res.headersSent || res.destroyed) return
    if (result === undefined) {
      if (res.statusCode === 200) res.status(204)
      res.end()
      return
    }
    // Not `res.json`: that would add an ETag, a digest of what somebody was shown.
    res.setHeader('Content-Type', 'application/json; charset=utf-8')
    res.end(JSON.stringify(result))
  }
}

const jsonParser: RequestHandler = express.json({
  limit: BODY_LIMIT,
  strict: true,
  inflate: false,
  type: 'application/json',
})

const readJson: RequestHandler = (req, res, next) => {
  jsonParser(req, res, (error: unknown) => {
    if (error !== undefined) next(bodyError(error))
    else if (req.body === undefined)
      next(new AppError('invalid_request', { details: { expected: 'application/json' } }))
    else next()
  })
}

function bodyError(cause: unknown): AppError {
  const type = cause instanceof Error && 'type' in cause ? cause.type : undefined
  if (type === 'entity.too.large') return new AppError('body_too_large', { cause })
  return new AppError('invalid_request', { cause, details: { expected: 'application/json' } })
}

function parse<In>(schema: Schema<In>, value: unknown): In {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new AppError('invalid_request', {
    details: { field: (issue?.path ?? []).map(String).join('.'), rule: issue?.code ?? 'invalid' },
  })
}

/** Reads the query by itself: `a=1&a=2` must not become a list, nor `a[b]=1` an object, whatever the app's setting. */
function queryOf(req: Request): Record<string, string> {
  const at = req.url.indexOf('?')
  const pairs = [...new URLSearchParams(at < 0 ? '' : req.url.slice(at))]
  const query = Object.fromEntries(pairs)
  if (Object.keys(query).length !== pairs.length) {
    throw new AppError('invalid_request', { details: { rule: 'each key once' } })
  }
  return query
}

function paramsOf(req: Request): Record<string, string> {
  return Object.fromEntries(Object.entries(req.params).map(([name, value]) => [name, String(value)]))
}
