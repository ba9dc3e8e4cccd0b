/**
 * The client behind `footbridge send`: resumable uploads from a laptop, to the receipt.
 *
 * It waits out everything that may pass (a server that restarts, a line that is down) for as long as it takes, goes on
 * where the server's durable bytes end, and believes nothing but digests: of the prefix on which it builds, of every
 * answer, and of the whole.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { startBlockDigest, type BlockDigest } from '../adapters/block-digest.ts'
import { openLocalFile, type LocalFile } from '../adapters/local-file.ts'
import {
  openedSessionSchema,
  uploadListSchema,
  uploadStatusSchema,
  type UploadStatus,
} from '../contract/intake.ts'
import { BLOCK_DIGEST_HEADER, UPLOADS_PATH } from '../domain/upload.ts'
import { problemSchema } from '../contract/problem.ts'
import { AppError, ERRORS, type ErrorCode } from '../domain/errors.ts'
import { createHttp, type Answer } from './send-http.ts'

export type SendProgress = {
  /** Index into `files`. */
  readonly file: number
  /** `comparing` what is there with what was sent before; `waiting` before another try. */
  readonly state: 'comparing' | 'sending' | 'waiting' | 'arrived' | 'sealed'
  readonly sentBytes: number
  readonly totalBytes: number
}

export type SendOutcome = {
  readonly path: string
  readonly bytes: number
  /** `sealed`: verified by the worker. `arrived`: durable and equal, the worker was not waited for any longer. */
  readonly result: 'sealed' | 'arrived' | 'failed'
  readonly uploadId: string | undefined
  /** Why, when it failed. */
  readonly code: ErrorCode | undefined
}

export type SendOptions = {
  readonly files: readonly string[]
  readonly code: string
  /** Where intake is, such as `https://example.org`. */
  readonly baseUrl: string
  /** SHA-256 of a self-signed certificate, as the server printed it. */
  readonly caFingerprint?: string
  readonly onProgress?: (progress: SendProgress) => void
  /** Called before each wait for a server that does not answer, or that is busy. */
  readonly onWait?: () => void
  /** How long to wait for the worker's seal after the last byte. Default ten minutes; 0 does not wait. */
  readonly sealWaitMs?: number
  readonly signal?: AbortSignal
}

const READ_BYTES = 262_144
const FIRST_CHUNK_BYTES = 1_048_576
const LEAST_CHUNK_BYTES = 65_536
const MOST_CHUNK_BYTES = 67_108_864
/** An acknowledgement every so often: what a dead line can cost. */
const CHUNK_MS = 15_000
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
const SEAL_WAIT_MS = 600_000
const SEAL_POLL_MS = 500
/** A server that has lost an upload so often loses every upload. */
const MAX_STARTS = 3

/**
 * Sends `files` one after the other and returns what became of each, in the same order.
 *
 * Errors: `wrong_credentials`, `server_not_trusted`; trouble with one file is in its outcome. Rejects when `signal`
 * is aborted.
 */
export async function sendFiles(options: SendOptions): Promise<readonly SendOutcome[]> {
  const client = createClient(options)
  try {
    await client.signIn()
    const outcomes: SendOutcome[] = []
    for (const [index, path] of options.files.entries())
      outcomes.push(await sendOne(client, options, index, path))
    return outcomes
  } finally {
    client.close()
  }
}

async function sendOne(
  client: Client,
  options: SendOptions,
  index: number,
  path: string,
): Promise<SendOutcome> {
  let file: LocalFile | undefined
  let bytes = 0
  try {
    file = await openLocalFile(path)
    bytes = file.sizeBytes
    if (bytes === 0) throw new AppError('upload_empty')
    const report = (state: SendProgress['state'], sentBytes: number): void =>
      options.onProgress?.({ file: index, state, sentBytes, totalBytes: bytes })
    const id = await transfer(client, file, report)
    report('arrived', bytes)
    const sealed = await awaitSeal(client, id, options.sealWaitMs ?? SEAL_WAIT_MS)
    if (sealed) report('sealed', bytes)
    return { path, bytes, result: sealed ? 'sealed' : 'arrived', uploadId: id, code: undefined }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (
      !(error instanceof AppError) ||
      error.code === 'wrong_credentials' ||
      error.code === 'server_not_trusted'
    )
      throw error
    return { path, bytes, result: 'failed', uploadId: undefined, code: error.code }
  } finally {
    await file?.close()
  }
}

type Report = (state: SendProgress['state'], sentBytes: number) => void

/** Brings every byte over and returns the upload's id once the server's digest of the whole equals ours. */
async function transfer(client: Client, file: LocalFile, report: Report): Promise<string> {
  const known = await findStarted(client, file, report)
  for (let starts = 0; starts < MAX_STARTS; starts++) {
    const id = starts === 0 && known !== undefined ? known : await create(client, file)
    if (await sendBytes(client, file, id, report)) {
      const status = await client.json(uploadStatusSchema, 'POST', `/api/uploads/${id}/digest`, {
        blockDigest: await digestUpTo(file, file.sizeBytes),
      })
      if (status.matched !== true || status.state === 'damaged') throw new AppError('digest_mismatch')
      return id
    }
  }
  throw new AppError('upload_gone')
}

/** An unfinished upload of ours from before that is the beginning of this very file. */
async function findStarted(client: Client, file: LocalFile, report: Report): Promise<string | undefined> {
  const { uploads } = await client.json(uploadListSchema, 'GET', '/api/uploads')
  for (const upload of uploads) {
    if (upload.length !== file.sizeBytes || upload.offset === 0) continue
    report('comparing', 0)
    const head = await client.ask('HEAD', `${UPLOADS_PATH}/${upload.id}`)
    if (head.status !== 200) continue
    if ((await digestUpTo(file, offsetOf(head))) === head.headers[BLOCK_DIGEST_HEADER.toLowerCase()])
      return upload.id
  }
  return undefined
}

async function create(client: Client, file: LocalFile): Promise<string> {
  const key = Buffer.from(randomBytes(18).toString('base64url')).toString('base64')
  const answer = await client.ask('POST', UPLOADS_PATH, {
    'Upload-Length': String(file.sizeBytes),
    'Upload-Metadata': `key ${key}`,
  })
  const id = answer.headers.location?.split('/').at(-1)
  if (answer.status !== 201 || id === undefined) throw refusal(answer)
  return id
}

/** Sends from wherever the server is until all is there. False when the server no longer has the upload. */
async function sendBytes(client: Client, file: LocalFile, id: string, report: Report): Promise<boolean> {
  const path = `${UPLOADS_PATH}/${id}`
  let place = await findPlace(client, file, path)
  let chunkBytes = FIRST_CHUNK_BYTES
  try {
    while (place !== undefined && place.offset < file.sizeBytes) {
      report('sending', place.offset)
      const from = place.offset
      const bytes = Math.min(chunkBytes, file.sizeBytes - from)
      const startedAt = performance.now()
      const answer = await client.once(
        'PATCH',
        path,
        {
          'Content-Type': 'application/offset+octet-stream',
          'Upload-Offset': String(from),
          'Content-Length': String(bytes),
        },
        hashing(file, from, bytes, place.digest, (sent) => {
          report('sending', sent)
        }),
      )
      if (answer?.status === 204 && offsetOf(answer) === from + bytes) {
        assertSame(answer, place.digest)
        place = { offset: from + bytes, digest: place.digest }
        const rate = bytes / Math.max(1, performance.now() - startedAt)
        chunkBytes = clamp(rate * CHUNK_MS, LEAST_CHUNK_BYTES, Math.min(chunkBytes * 2, MOST_CHUNK_BYTES))
        continue
      }
      if (answer?.status === 404 || answer?.status === 410) return false
      if (answer !== undefined && isFinal(answer)) throw refusal(answer)
      // A part came over, or nothing: ask where we are, and be more careful.
      chunkBytes = Math.max(LEAST_CHUNK_BYTES, chunkBytes / 2)
      report('waiting', from)
      if (![204, 401, 409].includes(answer?.status ?? 0)) await client.rest()
      place.digest.close()
      place = await findPlace(client, file, path)
    }
    return place !== undefined
  } finally {
    place?.digest.close()
  }
}

/** Where the server is, with our digest up to there; undefined when it does not have the upload any more. */
async function findPlace(
  client: Client,
  file: LocalFile,
  path: string,
): Promise<{ readonly offset: number; readonly digest: BlockDigest } | undefined> {
  const head = await client.ask('HEAD', path)
  if (head.status === 404 || head.status === 410) return undefined
  if (head.status !== 200) throw refusal(head)
  const offset = offsetOf(head)
  const digest = await hashUpTo(file, offset)
  if (offset > 0) assertSame(head, digest)
  return { offset, digest }
}

async function* hashing(
  file: LocalFile,
  from: number,
  bytes: number,
  digest: BlockDigest,
  onSent: (offset: number) => void,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < from + bytes;) {
    const piece = await file.read(at, Math.min(READ_BYTES, from + bytes - at))
    digest.update(piece)
    at += piece.length
    yield piece
    onSent(at)
  }
}

async function hashUpTo(file: LocalFile, end: number): Promise<BlockDigest> {
  const digest = await startBlockDigest()
  for (let at = 0; at < end;) {
    const piece = await file.read(at, Math.min(4 * READ_BYTES, end - at))
    digest.update(piece)
    at += piece.length
  }
  return digest
}

async function digestUpTo(file: LocalFile, end: number): Promise<string> {
  const digest = await hashUpTo(file, end)
  const hex = digest.digest()
  digest.close()
  return hex
}

function assertSame(answer: Answer, digest: BlockDigest): void {
  if (answer.headers[BLOCK_DIGEST_HEADER.toLowerCase()] !== digest.digest())
    throw new AppError('digest_mismatch')
}

async function awaitSeal(client: Client, id: string, waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs
  while (performance.now() < deadline) {
    const status: UploadStatus = await client.json(uploadStatusSchema, 'GET', `/api/uploads/${id}`)
    if (status.state === 'sealed') return true
    if (status.state === 'damaged') throw new AppError('digest_mismatch')
    await client.sleep(SEAL_POLL_MS)
  }
  return false
}

type Schema<Out> = { parse(value: unknown): Out }

type Client = {
  signIn(): Promise<void>
  /** One tus request, once; undefined when the connection died. */
  once(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: AsyncIterable<Uint8Array>,
  ): Promise<Answer | undefined>
  /** One tus request without a body, until it is answered for good. */
  ask(method: string, path: string, headers?: Record<string, string>): Promise<Answer>
  /** One JSON request, until it is answered for good. Errors: the server's refusal. */
  json<Out>(schema: Schema<Out>, method: string, path: string, body?: unknown): Promise<Out>
  /** Waits before another try, longer each time until something goes well. */
  rest(): Promise<void>
  sleep(ms: number): Promise<void>
  close(): void
}

function createClient({ baseUrl, caFingerprint, code, signal, onWait }: SendOptions): Client {
  const http = createHttp(baseUrl, caFingerprint)
  let token = ''
  let waitMs = FIRST_WAIT_MS

  const sleep = (ms: number): Promise<void> => pause(ms, undefined, signal === undefined ? {} : { signal })
  const rest = async (): Promise<void> => {
    onWait?.()
    // Up to half on top, so that many clients of one server do not come back in step.
    await sleep(waitMs * (1 + (randomBytes(1)[0] ?? 0) / 512))
    waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)
  }
  const attempt = async (request: Parameters<typeof http.send>[0]): Promise<Answer | undefined> => {
    signal?.throwIfAborted()
    try {
      const answer = await http.send(request)
      if (answer.status < 500 && answer.status !== 423 && answer.status !== 429) waitMs = FIRST_WAIT_MS
      return answer
    } catch (error) {
      if (error instanceof AppError) throw error
      return undefined
    }
  }
  const untilFinal = async (make: () => Parameters<typeof http.send>[0]): Promise<Answer> => {
    for (;;) {
      const answer = await attempt(make())
      if (answer?.status === 401) {
        if (token === '') return answer
        // Our session has run out, or the server's memory of it has.
        token = ''
        await signIn()
        continue
      }
      if (answer !== undefined && (answer.status < 400 || isFinal(answer))) return answer
      await rest()
    }
  }
  const signIn = async (): Promise<void> => {
    const body = JSON.stringify({ code })
    const answer = await untilFinal(() => ({
      method: 'POST',
      path: '/api/session',
      headers: { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) },
      body: one(body),
    }))
    if (answer.status !== 200) throw refusal(answer)
    token = openedSessionSchema.parse(JSON.parse(answer.body)).token
  }
  const authorized = (headers: Record<string, string>): Record<string, string> => ({
    ...headers,
    Authorization: `Bearer ${token}`,
  })
  const tus = (headers: Record<string, string>): Record<string, string> =>
    authorized({ ...headers, 'Tus-Resumable': '1.0.0' })

  return {
    signIn,
    rest,
    sleep,
    once: async (method, path, headers, body) => attempt({ method, path, headers: tus(headers), body }),
    ask: (method, path, headers = {}) => untilFinal(() => ({ method, path, headers: tus(headers) })),
    async json(schema, method, path, body) {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const answer = await untilFinal(() => ({
        method,
        path,
        headers: authorized(
          text === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(text)) },
        ),
        ...(text === undefined ? {} : { body: one(text) }),
      }))
      if (answer.status !== 200) throw refusal(answer)
      return schema.parse(JSON.parse(answer.body))
    },
    close: () => {
      http.close()
    },
  }
}

/** Would the same request be answered the same tomorrow? */
function isFinal({ status }: Answer): boolean {
  return status >= 400 && status < 500 && ![401, 408, 409, 423, 425, 429].includes(status)
}

function refusal(answer: Answer): AppError {
  try {
    const { code } = problemSchema.parse(JSON.parse(answer.body))
    if (Object.hasOwn(ERRORS, code)) return new AppError(code as ErrorCode)
  } catch {
    // A HEAD has no body, and what stands in between us and the server writes what it likes.
  }
  if (answer.status === 401) return new AppError('not_signed_in')
  return new AppError(answer.status === 404 ? 'not_found' : 'internal')
}

function offsetOf(answer: Answer): number {
  return Number(answer.headers['upload-offset'] ?? Number.NaN)
}

function clamp(value: number, least: number, most: number): number {
  return Math.floor(Math.min(most, Math.max(least, value)))
}

async function* one(text: string): AsyncGenerator<Uint8Array> {
  yield Promise.resolve(Buffer.from(text))
}
