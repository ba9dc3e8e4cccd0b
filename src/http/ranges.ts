/** Byte ranges for playback and downloads, RFC 9110 section 14, one range a request. */
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Request, Response } from 'express'
import { AppError } from '../domain/errors.ts'

/** Both ends inclusive. */
export type Range = { readonly start: number; readonly end: number }

/**
 * Reads a `Range` header against an object of `sizeBytes`.
 *
 * `whole`: there is no range, or one that the standard tells us to ignore (another unit, several ranges, nonsense).
 * `unsatisfiable`: well formed and outside the object.
 */
export function parseRange(header: string | undefined, sizeBytes: number): Range | 'whole' | 'unsatisfiable' {
  const match =
    header === undefined ? null : /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header.replaceAll(/[ \t]/g, ''))
  const [, first = '', last = ''] = match ?? []
  if (first === '' && last === '') return 'whole'
  if (first === '') {
    const suffix = Number(last)
    if (suffix === 0 || sizeBytes === 0) return 'unsatisfiable'
    return { start: Math.max(0, sizeBytes - suffix), end: sizeBytes - 1 }
  }
  const start = Number(first)
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)
  if (last !== '' && Number(last) < start) return 'whole'
  return start >= sizeBytes ? 'unsatisfiable' : { start, end }
}

type Sendable = {
  readonly sizeBytes: number
  readonly contentType: string
  /** Opaque word that changes when the bytes do; made of a digest, never of a file's times. */
  readonly versionTag: string
  /** A plain name of ours for the download; without it the object is shown in place. */
  readonly downloadName?: string
  /** Opens the bytes; not called for a HEAD. `range` is undefined for the whole object. */
  open(range?: Range): Readable | Promise<Readable>
}

/**
 * Answers with an object or the asked part of it, streaming; returns when the last byte is handed over or the
 * caller has gone away.
 *
 * Errors: `range_not_satisfiable`; what `open` throws. A failure in mid-stream cuts the connection.
 */
export async function sendBlob(req: Request, res: Response, blob: Sendable): Promise<void> {
  const tag = `"${blob.versionTag}"`
  const ifRange = req.headers['if-range']
  const asked = ifRange === undefined || ifRange === tag ? req.headers.range : undefined
  const range = parseRange(asked, blob.sizeBytes)
  if (range === 'unsatisfiable') {
    res.setHeader('Content-Range', `bytes */${String(blob.sizeBytes)}`)
    throw new AppError('range_not_satisfiable')
  }
  const part = range === 'whole' ? undefined : range
  const source = req.method === 'HEAD' ? undefined : await blob.open(part)
  res.status(part === undefined ? 200 : 206)
  res.setHeader('Content-Type', blob.contentType)
  res.setHeader('Accept-Ranges', 'bytes')
  res.setHeader('ETag', tag)
  res.setHeader('Content-Length', part === undefined ? blob.sizeBytes : part.end - part.start + 1)
  if (part !== undefined) {
    res.setHeader(
      'Content-Range',
      `bytes ${String(part.start)}-${String(part.end)}/${String(blob.sizeBytes)}`,
    )
  }
  if (blob.downloadName !== undefined) {
    res.setHeader(
      'Content-Disposition',
      `attachment; filename="${blob.downloadName.replaceAll(/[^\w.-]/g, '_')}"`,
    )
  }
  if (source === undefined) {
    res.end()
    return
  }
  try {
    await pipeline(source, res)
  } catch (error) {
    // Players drop the connection all the time: they have what they wanted.
    if (isEarlyClose(error)) return
    throw error
  }
}

const EARLY_CLOSE = ['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ECONNRESET', 'EPIPE']

function isEarlyClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && EARLY_CLOSE.includes(String(error.code))
}
