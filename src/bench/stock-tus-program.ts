/**
 * The peer of the intake benchmark, a process of its own: `@tus/server` with its own file store, as its makers ship it.
 *
 * `stock-tus-program.ts FOLDER` listens on a free port of loopback and prints `{ url }`. It neither encrypts nor syncs.
 */
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { Server } from '@tus/server'

// A development package: loaded when the benchmark is asked for, so that an installation without it starts.
const { FileStore } = await import('@tus/file-store')

const probe = createServer().listen(0, '127.0.0.1')
await once(probe, 'listening')
const { port } = probe.address() as AddressInfo
probe.close()
await once(probe, 'close')

const server = new Server({ path: '/files', datastore: new FileStore({ directory: process.argv[2] ?? '' }) })
const listening = server.listen({ host: '127.0.0.1', port })
await once(listening, 'listening')
process.stdout.write(JSON.stringify({ url: `http://127.0.0.1:${String(port)}/files` }))
process.on('SIGTERM', () => {
  process.exit(0)
})
