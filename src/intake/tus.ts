/** Resumable uploads: our door, then the upload library, then an answer that is ours again. */
import type { Request as ExpressRequest, RequestHandler, Response as ExpressResponse } from 'express'
import { Server } from '@tus/server'
import type { IntakeDb } from '../adapters/database/database.ts'
import { newUploadId } from '../adapters/ids.ts'
import type { Logger } from '../adapters/logger.ts'
import { assertMay } from '../access/policy.ts'
import { BLOCK_DIGEST_HEADER, UPLOADS_PATH } from '../domain/upload.ts'
import { AppError, type ErrorCode } from '../domain/errors.ts'
import type { Principal } from '../domain/people.ts'
import { assertSameOrigin } from '../http/guards.ts'
import { toProblem } from '../http/problems.ts'
import { passages, Quarantine, type Passage } from './quarantine.ts'
import type { Receiver } from './receive.ts'
import { readTusRequest, TUS_EXTENSIONS, TUS_VERSION, verbOf, type TusRequest } from './tus-guard.ts'
import { findByCreationKey, type UploadRow } from './uploads.ts'

/** A request that is asked to make room for another flushes what it has within this time. */
const LOCK_DRAIN_MS = 200
/** How soon a phone should ask again after a trouble of ours. */
const HEAD_RETRY_SECONDS = 5

type Deps = {
  readonly intakeDb: IntakeDb
  readonly receiver: Receiver
  readonly logger: Logger
  readonly authenticate: (req: ExpressRequest) => Promise<Principal>
}

/** Handles every method on `UPLOADS_PATH` and below. `req.params.id` is what stands behind it. */
export function tusHandler({ intakeDb, receiver, logger, authenticate }: Deps): RequestHandler {
  const library = new Server({
    path: UPLOADS_PATH,
    datastore: new Quarantine(intakeDb, receiver),
    locker: receiver.turns,
    lockDrainTimeout: LOCK_DRAIN_MS,
    maxSize: receiver.limits.maxUploadBytes,
    relativeLocation: true,
    respectForwardedHeaders: false,
    allowedOrigins: [],
    namingFunction: newUploadId,
    disableTerminationForFinishedUploads: true,
    getFileIdFromRequest: (_req, lastId) => lastId,
    onResponseError: (_req, error) => {
      const failure = inOurWords(error)
      const passage = passages.getStore()
      if (passage !== undefined) passage.seen.failure ??= failure
      return { status_code: toProblem(failure).status, body: '' }
    },
  })

  async function pass(req: ExpressRequest, res: ExpressResponse, passage: Passage): Promise<void> {
    const { asked, seen } = passage
    const answer = await passages.run(passage, () => library.handleWeb(toWebRequest(req, res, asked)))
    const failure = seen.failure ?? (answer.status >= 400 ? new AppError('internal') : undefined)
    if (failure !== undefined) {
      await forgetOrphan(receiver, passage)
      throw failure
    }
    const location = answer.headers.get('Location')
    if (location !== null) res.setHeader('Location', location)
    const length = answer.headers.get('Upload-Length')
    if (length !== null) res.setHeader('Upload-Length', length)
    if (answer.headers.get('Connection') === 'close') res.setHeader('Connection', 'close')
    describe(res, seen)
    res.status(answer.status).end()
  }

  return async (req, res) => {
    const id: unknown = req.params['id']
    const verb = verbOf(req)
    res.setHeader('Tus-Resumable', TUS_VERSION)
    res.setHeader('Cache-Control', 'no-store')
    if (verb === 'OPTIONS') {
      res.setHeader('Tus-Version', TUS_VERSION)
      res.setHeader('Tus-Extension', TUS_EXTENSIONS.join(','))
      res.setHeader('Tus-Max-Size', receiver.limits.maxUploadBytes)
      res.status(204).end()
      return
    }
    const passage: { current?: Passage } = {}
    try {
      const name = Array.isArray(id) ? id.join('/') : typeof id === 'string' ? id : undefined
      const headerNames = req.rawHeaders.filter((_, at) => at % 2 === 0)
      const asked = readTusRequest({ method: req.method, name, headers: req.headers, headerNames })
      assertSameOrigin(req)
      const who = await authenticate(req)
      assertMay(who, 'uploads.write')
      if (who.kind !== 'contributor') throw new AppError('not_signed_in')
      passage.current = { who, asked, body: req, seen: {} }
      if (asked.verb === 'POST' && asked.creationKey !== undefined) {
        const known = await findByCreationKey(intakeDb, who.contributorId, asked.creationKey)
        if (known !== undefined) {
          await answerRepeated(req, res, receiver, passage.current, known)
          return
        }
      }
      await pass(req, res, passage.current)
    } catch (error) {
      refuse(req, res, verb, error, passage.current)
    }
  }

  function refuse(
    req: ExpressRequest,
    res: ExpressResponse,
    verb: string,
    error: unknown,
    passage: Passage | undefined,
  ): void {
    if (!(error instanceof AppError) || error.kind === 'internal')
      logger.error('upload request failed', error)
    if (res.headersSent || res.destroyed) {
      res.destroy()
      return
    }
    const { status, headers, body } = toProblem(error)
    if (status === 412) res.setHeader('Tus-Version', TUS_VERSION)
    if (status === 413) res.setHeader('Tus-Max-Size', receiver.limits.maxUploadBytes)
    if (status === 409 && passage !== undefined) describe(res, passage.seen)
    // An answer before the body was read: the sender should stop, not finish sending what nobody takes.
    if (!req.complete) res.setHeader('Connection', 'close')
    if (verb === 'HEAD') {
      // Its client starts from the first byte on anything but 423 and the final refusals.
      const transient = status >= 500 || status === 429 || status === 423
      if (transient)
        res.setHeader('Retry-After', String(body.details?.['retryAfterSeconds'] ?? HEAD_RETRY_SECONDS))
      res.status(transient ? 423 : status).end()
      return
    }
    res.writeHead(status, headers).end(JSON.stringify(body))
  }
}

/** The same key, the same contributor: the same upload, with what of it is here. The body, if any, is not read. */
async function answerRepeated(
  req: ExpressRequest,
  res: ExpressResponse,
  receiver: Receiver,
  { who, asked }: Passage,
  known: UploadRow,
): Promise<void> {
  if (asked.verb !== 'POST' || known.length_bytes !== asked.lengthBytes)
    throw new AppError('creation_key_reused')
  res.setHeader('Location', `${UPLOADS_PATH}/${known.id}`)
  describe(res, { offset: known.offset_bytes, blockDigest: await receiver.digestOf(who, known) })
  if (!req.complete) res.setHeader('Connection', 'close')
  res.status(201).end()
}

function describe(res: ExpressResponse, seen: Passage['seen']): void {
  if (seen.offset !== undefined) res.setHeader('Upload-Offset', seen.offset)
  if (seen.blockDigest !== undefined) res.setHeader(BLOCK_DIGEST_HEADER, seen.blockDigest)
}

/**
 * A creation whose own body was refused must not leave an upload that nobody can find. With a creation key it can be
 * found, and what has arrived of it is kept.
 */
async function forgetOrphan(receiver: Receiver, { asked, seen }: Passage): Promise<void> {
  if (asked.verb !== 'POST' || seen.created === undefined) return
  if (asked.creationKey !== undefined && seen.failure?.code !== 'upload_too_large') return
  await receiver.remove(seen.created)
}

/** Only what the library needs goes in: no metadata, no forwarding headers, no origin, and no body (`Passage`). */
function toWebRequest(req: ExpressRequest, res: ExpressResponse, asked: TusRequest): Request {
  const headers = new Headers({ 'Tus-Resumable': TUS_VERSION })
  const length = req.headers['content-length']
  const type = req.headers['content-type']
  let withBody = false
  if (asked.verb === 'POST') {
    headers.set('Upload-Length', String(asked.lengthBytes))
    withBody = asked.withBody
  } else if (asked.verb === 'PATCH') {
    headers.set('Upload-Offset', String(asked.offset))
    withBody = true
  }
  if (withBody && type !== undefined) headers.set('Content-Type', type)
  if (withBody && length !== undefined) headers.set('Content-Length', length)
  const address = asked.verb === 'POST' ? UPLOADS_PATH : `${UPLOADS_PATH}/${asked.id}`
  const request = new Request(`http://intake.invalid${address}`, {
    method: asked.verb,
    headers,
  })
  // Where the library looks for the socket, to notice that the sender has gone.
  return Object.assign(request, { runtime: { name: 'node', node: { req, res } } })
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  403: 'upload_finished',
  404: 'not_found',
  409: 'offset_mismatch',
  410: 'upload_gone',
  413: 'upload_too_large',
}

/** The library throws plain objects with a status; what is neither that nor ours is a bug. */
function inOurWords(error: unknown): AppError {
  if (error instanceof AppError) return error
  const status =
    typeof error === 'object' && error !== null && 'status_code' in error ? error.status_code : undefined
  const body = typeof error === 'object' && error !== null && 'body' in error ? error.body : undefined
  // "Cannot terminate" and "aborted" share a status.
  if (status === 400 && typeof body === 'string') {
    return new AppError(body.startsWith('Cannot terminate') ? 'upload_finished' : 'upload_locked')
  }
  const code = typeof status === 'number' ? CODES[status] : undefined
  return new AppError(code ?? 'internal', { cause: error })
}
