/** From our errors to answers: the one table of statuses and the one body, RFC 9457. */
import { randomBytes } from 'node:crypto'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import type { Logger } from '../adapters/logger.ts'
import type { Problem } from '../contract/problem.ts'
import { AppError, ERRORS, type ErrorCode, type ErrorKind } from '../domain/errors.ts'

const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  gone: 410,
  too_large: 413,
  unsupported: 415,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
  full: 507,
}

/** Codes for which HTTP has a word of its own. */
const STATUS_OF_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  method_not_allowed: 405,
  range_not_satisfiable: 416,
  upload_locked: 423,
  upload_version: 412,
}

const RETRY_AFTER_SECONDS: Readonly<Partial<Record<ErrorKind, number>>> = { rate_limited: 60, unavailable: 5 }
const PLAIN = 'text/plain; charset=utf-8'

/** The status that a registered code is answered with. */
export function statusOf(code: ErrorCode): number {
  return STATUS_OF_CODE[code] ?? STATUS[ERRORS[code].kind]
}

/** An answer that is ready to be written, by Express or by the upload library alike. */
export type ProblemAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Problem
}

/**
 * Turns anything thrown into an answer.
 *
 * What is not an `AppError` is a bug and becomes `internal`. `details.retryAfterSeconds` and `details.allow` become
 * the headers of those names.
 */
export function toProblem(error: unknown, requestId?: string): ProblemAnswer {
  const known = error instanceof AppError ? error : new AppError('internal')
  const { title, remedy } = ERRORS[known.code]
  const { retryAfterSeconds = RETRY_AFTER_SECONDS[known.kind], allow } = known.details
  return {
    status: statusOf(known.code),
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) }),
      ...(typeof allow === 'string' ? { Allow: allow } : {}),
    },
    body: {
      type: 'about:blank',
      title,
      status: statusOf(known.code),
      code: known.code,
      remedy,
      ...(Object.keys(known.details).length === 0 ? {} : { details: known.details }),
      ...(requestId === undefined ? {} : { requestId }),
    },
  }
}

/** Errors that Express raises by itself, before any of our code ran, said in our words. */
function translate(error: unknown): unknown {
  if (error instanceof URIError) return new AppError('not_found', { cause: error })
  return error
}

/**
 * The last handler of an app: writes the problem, and logs a bug once with an id that the caller can quote.
 *
 * A browser that asks for a page gets the same as two lines of text: what it can't show it would save, and a file
 * in the downloads of a phone is a trace.
 */
export function problemHandler(logger: Logger): ErrorRequestHandler {
  return (thrown: unknown, req, res, _next) => {
    const error = translate(thrown)
    const bug = !(error instanceof AppError) || error.kind === 'internal'
    const requestId = bug ? randomBytes(6).toString('hex') : undefined
    if (requestId !== undefined) logger.error('request failed', error, { requestId })
    if (res.headersSent) {
      // Half an answer must not look like a whole one.
      res.destroy()
      return
    }
    const { status, headers, body } = toProblem(error, requestId)
    for (const name of res.getHeaderNames()) {
      // What described the answer that did not happen.
      if (!/^(content-|accept-ranges|etag)/.test(name) || name === 'content-security-policy') continue
      // With 416 it says how long the object is.
      if (name === 'content-range' && status === 416) continue
      res.removeHeader(name)
    }
    if (req.accepts(['application/problem+json', 'text/html']) === 'text/html') {
      res.writeHead(status, { ...headers, 'Content-Type': PLAIN }).end(`${body.title}.\n${body.remedy}\n`)
      return
    }
    res.writeHead(status, headers).end(JSON.stringify(body))
  }
}

/** Answers everything that no route took. */
export const notFoundHandler: RequestHandler = () => {
  throw new AppError('not_found')
}
