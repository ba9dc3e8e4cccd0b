/**
 * The sender of the intake benchmark, a process of its own: `tus-load-program.ts JSON`.
 *
 * Sends `streams` files of `bytesEach` at once, each as one creation and one PATCH, the way a client without a
 * chunk size does, and prints `{ seconds, bytes }` from the first creation to the last answer. Every file's offset is
 * asked for afterwards: a server that answers early and keeps less is an error, not a fast server.
 */
import { randomBytes } from 'node:crypto'
import { Agent, request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'

export type Load = {
  /** Where uploads are created. */
  readonly url: string
  readonly bearer: string | undefined
  readonly streams: number
  readonly bytesEach: number
}

const PIECE_BYTES = 1_048_576
/** Not compressible, made once; each file starts at another place in it. */
const pieces = randomBytes(16 * PIECE_BYTES)
const agent = new Agent({ keepAlive: true, maxSockets: Infinity })

const load = JSON.parse(process.argv[2] ?? '{}') as Load
const headers: OutgoingHttpHeaders = {
  'Tus-Resumable': '1.0.0',
  ...(load.bearer === undefined ? {} : { Authorization: `Bearer ${load.bearer}` }),
}

const began = performance.now()
const places = await Promise.all(Array.from({ length: load.streams }, (_, index) => sendFile(index)))
const seconds = (performance.now() - began) / 1000
for (const place of places) {
  const kept = await ask('HEAD', place, {}, undefined)
  if (Number(kept.headers['upload-offset']) !== load.bytesEach)
    throw new Error('the server kept less than it answered for')
}
process.stdout.write(JSON.stringify({ seconds, bytes: load.streams * load.bytesEach }))
agent.destroy()

async function sendFile(index: number): Promise<URL> {
  const created = await ask(
    'POST',
    new URL(load.url),
    { 'Upload-Length': load.bytesEach, 'Content-Length': 0 },
    undefined,
  )
  if (created.statusCode !== 201) throw new Error(`creation was answered with ${String(created.statusCode)}`)
  const place = new URL(created.headers.location ?? '', load.url)
  const sent = await ask(
    'PATCH',
    place,
    {
      'Upload-Offset': 0,
      'Content-Type': 'application/offset+octet-stream',
      'Content-Length': load.bytesEach,
    },
    index,
  )
  if (sent.statusCode !== 204) throw new Error(`sending was answered with ${String(sent.statusCode)}`)
  return place
}

function ask(
  method: string,
  url: URL,
  more: OutgoingHttpHeaders,
  bodyOf: number | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, agent, headers: { ...headers, ...more } }, (answer) => {
      answer.resume()
      answer.once('end', () => {
        resolve(answer)
      })
      answer.once('error', reject)
    })
    outgoing.once('error', reject)
    if (bodyOf === undefined) {
      outgoing.end()
      return
    }
    let left = load.bytesEach
    let at = (bodyOf * 7919 * 64) % (15 * PIECE_BYTES)
    const pump = (): void => {
      while (left > 0) {
        const bytes = Math.min(PIECE_BYTES, left)
        left -= bytes
        const more = outgoing.write(pieces.subarray(at, at + bytes))
        at = (at + PIECE_BYTES) % (15 * PIECE_BYTES)
        if (!more) {
          outgoing.once('drain', pump)
          return
        }
      }
      outgoing.end()
    }
    pump()
  })
}
