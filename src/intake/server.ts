/** How the HTTP server under intake is set: patient with the slow, not with the silent. */
import type { Server } from 'node:http'

/** Headers are small: who needs longer is holding a place, not sending. */
const HEADERS_MS = 20_000
/** No byte for this long ends the connection; what came is kept. A moving transfer may take days. */
const IDLE_MS = 90_000
/** A phone sends chunk after chunk; a new connection for each costs seconds on a bad line. */
const KEEP_ALIVE_MS = 75_000

/**
 * Sets the time-outs of intake's server, before its first connection.
 *
 * Node's default would cut every request after five minutes, in mid-upload.
 * Source: the settings sheet of docs/decisions on resumable uploads; measured on Node 24.
 */
export function configureIntakeServer(server: Server): void {
  server.requestTimeout = 0
  server.headersTimeout = HEADERS_MS
  server.timeout = IDLE_MS
  server.keepAliveTimeout = KEEP_ALIVE_MS
}
