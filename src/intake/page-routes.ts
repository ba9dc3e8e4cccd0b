/** The page's routes: `GET /`, `POST /` and its two built files. */
import express, { type Request, type RequestHandler, type Response } from 'express'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { PageFile } from '../adapters/page-files.ts'
import type { Logger } from '../adapters/logger.ts'
import { AppError, type ErrorCode } from '../domain/errors.ts'
import type { Contributor, Principal } from '../domain/people.ts'
import { clearToken, readToken, setToken } from '../http/cookies.ts'
import { statusOf } from '../http/problems.ts'
import { route, type Route } from '../http/route.ts'
import type { Access } from './access.ts'
import { receiveFormRequest } from './form.ts'
import { parseLanguage, preferredLanguage, type Language, type MessageKey } from './messages.ts'
import type { PageMemory } from './page-memory.ts'
import { doorPage, sendPage, type Notice, type PageFiles } from './page.ts'
import type { Receiver } from './receive.ts'

/** The session cookie of this front. */
export const SESSION_COOKIE = '__Host-intake'
const ASSETS = '/assets'

type Deps = {
  readonly access: Access
  readonly receiver: Receiver
  readonly memory: PageMemory
  readonly logger: Logger
  readonly title: string
  readonly style: PageFile | undefined
  readonly script: PageFile | undefined
}

/** What a person reads when something is refused. */
const REASONS: Readonly<Partial<Record<ErrorCode, MessageKey>>> = {
  wrong_credentials: 'wrongCode',
  rate_limited: 'slowDown',
  busy: 'slowDown',
  not_signed_in: 'signedOut',
  intake_closed: 'closed',
  disk_full: 'full',
  upload_too_large: 'tooLarge',
  quota_exceeded: 'quota',
  too_many_uploads: 'tooMany',
  upload_empty: 'empty',
}

/** Routes of the page, which answers by itself in the reader's language. */
export function pageRoutes(deps: Deps): readonly Route[] {
  const { access, receiver, memory, logger, title, style, script } = deps
  const files: PageFiles = { style: addressOf(style), script: addressOf(script) }

  const tokenOf = (req: Request): string | undefined => readToken(req, SESSION_COOKIE)
  const languageOf = (req: Request, token: string | undefined): Language =>
    (token === undefined ? undefined : memory.recall(token).language) ??
    preferredLanguage(req.headers['accept-language'])

  function show(req: Request, res: Response, who: Principal): void {
    const token = tokenOf(req)
    const language = languageOf(req, token)
    if (who.kind !== 'contributor' || token === undefined) {
      sendHtml(req, res, 200, doorPage({ title, files, language, notice: undefined }))
      return
    }
    sendHtml(req, res, 200, sendPage({ title, files, language, notice: memory.recall(token).notice }))
  }

  async function act(req: Request, res: Response, who: Principal): Promise<void> {
    if (req.is('multipart/form-data') !== false) {
      await receive(req, res, who)
      return
    }
    const fields = await readForm(req, res)
    const chosen = parseLanguage(fields['language'])
    const token = tokenOf(req)
    switch (fields['do']) {
      case 'open':
        await open(req, res, fields['code'] ?? '', chosen)
        return
      case 'leave':
        if (token !== undefined) {
          await access.leave(token)
          memory.forget(token)
        }
        clearToken(res, SESSION_COOKIE)
        res.setHeader('Clear-Site-Data', '"*"')
        again(res)
        return
      case 'language':
        if (who.kind === 'contributor' && token !== undefined) {
          memory.remember(token, { ...(chosen === undefined ? {} : { language: chosen }), notice: undefined })
          again(res)
          return
        }
        sendHtml(
          req,
          res,
          200,
          doorPage({ title, files, language: chosen ?? languageOf(req, undefined), notice: undefined }),
        )
        return
      default:
        throw new AppError('invalid_request', { details: { field: 'do' } })
    }
  }

  async function open(
    req: Request,
    res: Response,
    code: string,
    chosen: Language | undefined,
  ): Promise<void> {
    const language = chosen ?? languageOf(req, undefined)
    try {
      const { token } = await access.open(code)
      const earlier = tokenOf(req)
      if (earlier !== undefined) {
        await access.leave(earlier)
        memory.forget(earlier)
      }
      setToken(res, SESSION_COOKIE, token)
      memory.remember(token, { language })
      again(res)
    } catch (error) {
      const { status, notice } = toNotice(error)
      sendHtml(req, res, status, doorPage({ title, files, language, notice }))
    }
  }

  async function receive(req: Request, res: Response, who: Principal): Promise<void> {
    const token = tokenOf(req)
    if (who.kind !== 'contributor' || token === undefined) {
      if (!req.complete) res.setHeader('Connection', 'close')
      const notice: Notice = { kind: 'trouble', reason: 'signedOut' }
      sendHtml(req, res, 401, doorPage({ title, files, language: languageOf(req, token), notice }))
      return
    }
    memory.remember(token, { notice: await receipt(req, res, who) })
    if (!res.destroyed) again(res)
  }

  async function receipt(req: Request, res: Response, who: Contributor): Promise<Notice> {
    try {
      const { bytes, whole, failure } = await receiveFormRequest(req, res, who, receiver)
      const reason = failure === undefined ? undefined : (REASONS[failure.code] ?? 'failed')
      return { kind: 'received', bytes, whole, ...(reason === undefined ? {} : { reason }) }
    } catch (error) {
      return toNotice(error).notice
    }
  }

  /** What a person is told; a bug is logged here, because it does not reach the app's own handler. */
  function toNotice(error: unknown): { status: number; notice: Notice } {
    if (!(error instanceof AppError) || error.kind === 'internal') logger.error('page request failed', error)
    const code = error instanceof AppError ? error.code : 'internal'
    return { status: statusOf(code), notice: { kind: 'trouble', reason: REASONS[code] ?? 'failed' } }
  }

  return [
    route({
      method: 'get',
      path: '/',
      action: 'page.read',
      handle: async ({ req, res, who }) => {
        show(req, res, who)
        return Promise.resolve()
      },
    }),
    route({
      method: 'post',
      path: '/',
      action: 'page.act',
      handle: ({ req, res, who }) => act(req, res, who),
    }),
    // Every browser asks for an icon; the page has none, and a refusal would be an error line in each console.
    route({
      method: 'get',
      path: '/favicon.ico',
      action: 'page.read',
      handle: () => Promise.resolve(undefined),
    }),
    ...[style, script].flatMap((file) => (file === undefined ? [] : [fileRoute(file)])),
  ]
}

function fileRoute(file: PageFile): Route {
  return route({
    method: 'get',
    path: `${ASSETS}/${file.name}`,
    action: 'page.read',
    handle: ({ req, res }) => {
      sendCompressed(req, res, 200, file.contentType, file)
      return Promise.resolve()
    },
  })
}

function addressOf(file: PageFile | undefined): string | undefined {
  return file === undefined ? undefined : `${ASSETS}/${file.name}`
}

/** Back to the one address by GET, so that reloading repeats nothing. */
function again(res: Response): void {
  res.status(303).setHeader('Location', '/').end()
}

function sendHtml(req: Request, res: Response, status: number, page: string): void {
  const plain = Buffer.from(page)
  sendCompressed(req, res, status, 'text/html; charset=utf-8', {
    plain,
    get gzip() {
      return gzipSync(plain)
    },
    get brotli() {
      return brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })
    },
  })
}

/**
 * Compressed where the browser can read it. On a page that holds a secret beside a guess of an attacker's, the length
 * would tell them apart (BREACH); ours hold neither: no token, and nothing that the request said.
 */
function sendCompressed(
  req: Request,
  res: Response,
  status: number,
  contentType: string,
  body: Pick<PageFile, 'plain' | 'gzip' | 'brotli'>,
): void {
  const encoding = req.acceptsEncodings(['br', 'gzip', 'identity'])
  const bytes = encoding === 'br' ? body.brotli : encoding === 'gzip' ? body.gzip : body.plain
  res.status(status)
  res.setHeader('Content-Type', contentType)
  res.setHeader('Vary', 'Accept-Encoding, Accept-Language')
  if (encoding === 'br' || encoding === 'gzip') res.setHeader('Content-Encoding', encoding)
  res.setHeader('Content-Length', bytes.length)
  res.end(req.method === 'HEAD' ? undefined : bytes)
}

const parseForm: RequestHandler = express.urlencoded({
  extended: false,
  limit: '8kb',
  parameterLimit: 8,
  inflate: false,
})

async function readForm(req: Request, res: Response): Promise<Record<string, string>> {
  await new Promise<void>((resolve, reject) => {
    void parseForm(req, res, (error: unknown) => {
      if (error === undefined) resolve()
      else reject(new AppError('invalid_request', { cause: error, details: { expected: 'form' } }))
    })
  })
  const body: unknown = req.body
  if (typeof body !== 'object' || body === null)
    throw new AppError('invalid_request', { details: { expected: 'form' } })
  return Object.fromEntries(
    Object.entries(body).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  )
}
