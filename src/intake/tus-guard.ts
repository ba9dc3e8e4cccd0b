/**
 * The door in front of the upload library: what is not a well-formed tus 1.0.0 request never reaches it.
 *
 * The library (2.4.5) answers several malformed requests with the wrong status, keeps whatever metadata it is given,
 * trusts forwarding headers, and a GET of a finished upload can end the whole process. Pure: headers in, decision out.
 * Source: https://tus.io/protocols/resumable-upload
 */
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { Metadata } from '@tus/utils'
import { TYPE_HINTS, UPLOAD_METADATA_KEYS, type TypeHint } from '../contract/intake.ts'
import { parseUploadId, type UploadId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'

/** The one version of the protocol. */
export const TUS_VERSION = '1.0.0'
/** What works here, and nothing else. */
export const TUS_EXTENSIONS = ['creation', 'creation-with-upload', 'termination'] as const
const BYTES_TYPE = 'application/offset+octet-stream'
const MAX_METADATA_CHARS = 4_096
const CREATION_KEY = /^[A-Za-z0-9_-]{16,64}$/

export type TusRequest =
  | {
      readonly verb: 'POST'
      readonly lengthBytes: number
      readonly withBody: boolean
      readonly typeHint: TypeHint | undefined
      readonly creationKey: Uint8Array | undefined
    }
  | { readonly verb: 'PATCH'; readonly id: UploadId; readonly offset: number }
  | { readonly verb: 'HEAD' | 'DELETE'; readonly id: UploadId }

export type RawRequest = {
  readonly method: string
  /** What stands behind the collection's path, undefined for the collection itself. */
  readonly name: string | undefined
  readonly headers: IncomingHttpHeaders
  /** As they came, so that a header that stands twice is seen. */
  readonly headerNames: readonly string[]
}

/** The verb that is meant: proxies that only know POST are told by `X-HTTP-Method-Override`. */
export function verbOf({ method, headers }: Pick<RawRequest, 'method' | 'headers'>): string {
  const meant = headers['x-http-method-override']
  return method === 'POST' && typeof meant === 'string' && /^(PATCH|DELETE|HEAD)$/i.test(meant)
    ? meant.toUpperCase()
    : method
}

/**
 * Reads a request, or refuses it.
 *
 * Errors: `method_not_allowed`, `upload_version`, `upload_body_type`, `upload_empty`, `upload_too_large` (more body
 * than length), `invalid_request` with `details.field`, `not_found` for a name that cannot be an upload's.
 */
export function readTusRequest(raw: RawRequest): TusRequest {
  const verb = verbOf(raw)
  const { headers, name } = raw
  const allowed = name === undefined ? ['POST'] : ['HEAD', 'PATCH', 'DELETE']
  if (!allowed.includes(verb)) {
    throw new AppError('method_not_allowed', { details: { allow: ['OPTIONS', ...allowed].join(', ') } })
  }
  assertOnce(raw.headerNames)
  if (headers['tus-resumable'] !== TUS_VERSION) throw new AppError('upload_version')
  if (verb === 'POST') return readCreation(headers)
  const id = name === undefined ? undefined : parseUploadId(name)
  if (id === undefined) throw new AppError('not_found')
  if (verb === 'HEAD' || verb === 'DELETE') return { verb, id }
  if (headers['content-type'] !== BYTES_TYPE) throw new AppError('upload_body_type')
  assertNotEncoded(headers)
  if (headers['upload-length'] !== undefined) throw invalid('Upload-Length')
  return { verb: 'PATCH', id, offset: wholeNumber(headers, 'Upload-Offset') }
}

function readCreation(headers: IncomingHttpHeaders): TusRequest {
  if (headers['upload-concat'] !== undefined) throw invalid('Upload-Concat')
  if (headers['upload-defer-length'] !== undefined) throw invalid('Upload-Defer-Length')
  const lengthBytes = wholeNumber(headers, 'Upload-Length')
  if (lengthBytes === 0) throw new AppError('upload_empty')
  const withBody = hasBody(headers)
  if (withBody) {
    if (headers['content-type'] !== BYTES_TYPE) throw new AppError('upload_body_type')
    assertNotEncoded(headers)
    if (Number(headers['content-length'] ?? 0) > lengthBytes) throw new AppError('upload_too_large')
  }
  return { verb: 'POST', lengthBytes, withBody, ...readMetadata(headers['upload-metadata']) }
}

function readMetadata(header: string | string[] | undefined): {
  typeHint: TypeHint | undefined
  creationKey: Uint8Array | undefined
} {
  if (header === undefined) return { typeHint: undefined, creationKey: undefined }
  if (typeof header !== 'string' || header.length > MAX_METADATA_CHARS) throw invalid('Upload-Metadata')
  const { filetype, key } = pick(header)
  if (key !== undefined && !CREATION_KEY.test(key)) throw invalid('Upload-Metadata')
  return {
    typeHint: TYPE_HINTS.find((hint) => filetype === hint || filetype?.startsWith(`${hint}/`)),
    creationKey: key === undefined ? undefined : createHash('sha256').update(key).digest(),
  }
}

/** Only the keys that we read; a mistake anywhere refuses the whole header. */
function pick(header: string): Partial<Record<(typeof UPLOAD_METADATA_KEYS)[number], string>> {
  let all: Record<string, string | null>
  try {
    all = Metadata.parse(header)
  } catch (cause) {
    throw new AppError('invalid_request', { cause, details: { field: 'Upload-Metadata' } })
  }
  const picked: Partial<Record<(typeof UPLOAD_METADATA_KEYS)[number], string>> = {}
  for (const key of UPLOAD_METADATA_KEYS) {
    const value = Object.hasOwn(all, key) ? all[key] : undefined
    if (typeof value === 'string') picked[key] = value
  }
  return picked
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function assertNotEncoded(headers: IncomingHttpHeaders): void {
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') throw new AppError('upload_body_type')
}

const SINGLE = new Set(['tus-resumable', 'upload-length', 'upload-offset', 'upload-metadata', 'content-type'])

function assertOnce(names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    const lower = name.toLowerCase()
    if (!SINGLE.has(lower)) continue
    if (seen.has(lower)) throw invalid(name)
    seen.add(lower)
  }
}

function wholeNumber(headers: IncomingHttpHeaders, name: 'Upload-Length' | 'Upload-Offset'): number {
  const text = headers[name.toLowerCase()]
  const value = typeof text === 'string' && /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw invalid(name)
  return value
}

function invalid(field: string): AppError {
  return new AppError('invalid_request', { details: { field } })
}
