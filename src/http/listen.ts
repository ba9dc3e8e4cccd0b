/** Opens one front to the network and closes it in an orderly way. */
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { AppError } from '../domain/errors.ts'

export type Front = {
  readonly server: Server
  /** The port that was got. */
  readonly port: number
  /** Takes no new connection, lets running requests finish for `graceMs`, then ends what is left. */
  close(graceMs: number): Promise<void>
}

/** Header sizes and time-outs are the fronts' own business: `configure` runs before the first connection. */
export type ListenOptions = {
  readonly host: string
  readonly port: number
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  readonly configure: (server: Server) => void
}

const MAX_HEADER_BYTES = 16_384

/** Listens with `app` and returns when connections are accepted. Errors: `config_invalid` when the address can't be had. */
export async function listenFront(app: RequestListener, options: ListenOptions): Promise<Front> {
  const server =
    options.tls === undefined
      ? createServer({ maxHeaderSize: MAX_HEADER_BYTES }, app)
      : createTlsServer({ ...options.tls, maxHeaderSize: MAX_HEADER_BYTES, minVersion: 'TLSv1.2' }, app)
  options.configure(server)
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException): void => {
      const address = `${options.host}:${String(options.port)}`
      const problem = cause.code === 'EADDRINUSE' ? 'is in use by another program' : 'can not be listened on'
      reject(new AppError('config_invalid', { cause, details: { address, problem } }))
    }
    server.once('error', refuse)
    server.listen(options.port, options.host, () => {
      server.off('error', refuse)
      resolve()
    })
  })
  const address = server.address() as AddressInfo
  return {
    server,
    port: address.port,
    close: async (graceMs) => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      })
      server.closeIdleConnections()
      const timer = setTimeout(() => {
        server.closeAllConnections()
      }, graceMs)
      await closed
      clearTimeout(timer)
    },
  }
}
