/** Requests of the sending client: one connection kept open, a pinned certificate where there is none to trust. */
import { Agent as PlainAgent, request as plainRequest, type IncomingHttpHeaders } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { AppError } from '../domain/errors.ts'

export type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }

export type Http = {
  /**
   * Sends one request and reads the whole answer, which is small.
   *
   * Errors: `server_not_trusted`; whatever the connection dies of.
   */
  send(request: {
    readonly method: string
    readonly path: string
    readonly headers?: Readonly<Record<string, string>>
    /** Pieces of exactly `Content-Length` bytes in all. */
    readonly body?: AsyncIterable<Uint8Array>
  }): Promise<Answer>
  close(): void
}

/** No answer and no progress for this long: the line is dead, whatever the socket says. */
const STALL_MS = 60_000
const MAX_ANSWER_BYTES = 1_000_000

/** Opens a client for `baseUrl`. `fingerprint` is the SHA-256 of the server's own certificate, in hex with or without colons. */
export function createHttp(baseUrl: string, fingerprint: string | undefined): Http {
  const base = new URL(baseUrl)
  const secure = base.protocol === 'https:'
  const agent = secure ? tlsAgent(base, fingerprint) : new PlainAgent({ keepAlive: true, maxSockets: 2 })
  const begin = secure ? tlsRequest : plainRequest
  return {
    send: ({ method, path, headers = {}, body }) =>
      new Promise((resolve, reject) => {
        const request = begin(new URL(path, base), { method, headers, agent, timeout: STALL_MS })
        request.on('timeout', () => request.destroy(new Error('stalled')))
        request.on('error', (error) => {
          reject(translate(error))
        })
        request.on('response', (response) => {
          const pieces: Buffer[] = []
          let bytes = 0
          response.on('data', (piece: Buffer) => {
            bytes += piece.length
            if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error('answer too long'))
            else pieces.push(piece)
          })
          response.on('error', reject)
          response.on('end', () => {
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(pieces).toString(),
            })
            // Answered before all was sent: the rest would only be thrown away.
            if (!request.writableFinished) request.destroy()
          })
        })
        if (body === undefined) request.end()
        else
          pour(body, request).catch((error: unknown) =>
            request.destroy(error instanceof Error ? error : undefined),
          )
      }),
    close: () => {
      agent.destroy()
    },
  }
}

async function pour(
  body: AsyncIterable<Uint8Array>,
  request: ReturnType<typeof plainRequest>,
): Promise<void> {
  for await (const piece of body) {
    if (request.destroyed) return
    if (request.write(piece)) continue
    await new Promise<void>((resolve) => {
      const go = (): void => {
        request.off('drain', go)
        request.off('close', go)
        resolve()
      }
      request.once('drain', go)
      request.once('close', go)
    })
  }
  request.end()
}

function tlsAgent(base: URL, fingerprint: string | undefined): TlsAgent {
  if (fingerprint === undefined) return new TlsAgent({ keepAlive: true, maxSockets: 2 })
  const expected = plainHex(fingerprint)
  const agent = new TlsAgent({ keepAlive: true, maxSockets: 2 })
  // The certificate vouches for itself, so the usual check says nothing; the fingerprint is compared before a byte
  // of ours is sent.
  agent.createConnection = (_options, done) => {
    const socket: TLSSocket = connect(
      {
        host: base.hostname,
        port: Number(base.port === '' ? 443 : base.port),
        ...(isIP(base.hostname) === 0 ? { servername: base.hostname } : {}),
        rejectUnauthorized: false,
      },
      () => {
        if (plainHex(socket.getPeerCertificate().fingerprint256) === expected) done?.(null, socket)
        else socket.destroy(new AppError('server_not_trusted'))
      },
    )
    socket.once('error', (error: Error) => {
      done?.(error, socket)
    })
    return undefined
  }
  return agent
}

function plainHex(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase()
}

function translate(error: Error): Error {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return /SELF_SIGNED|UNABLE_TO_VERIFY|CERT_|ALTNAME/.test(code)
    ? new AppError('server_not_trusted', { cause: error })
    : error
}
