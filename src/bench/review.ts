/** Waiting: how long after the last byte an editor can play the clip, with the whole server as it is installed. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { request } from 'node:http'
import { UPLOADS_PATH } from '../domain/upload.ts'
import { AppError } from '../domain/errors.ts'
import { median, rounded, type Benchmark } from './benchmark.ts'
import { makeFootage } from './footage.ts'
import { createInstallation, joinAsEditor, openSession, type Installation } from './installation.ts'
import { startServer } from './processes.ts'

const SIZES = { quick: { clips: 3, seconds: 20 }, full: { clips: 5, seconds: 60 } } as const
const LOOK_EVERY_MS = 50
const PATIENCE_MS = 600_000

/** One clip after the other on a quiet server; the median. */
export const reviewBench: Benchmark = {
  name: 'review',
  summary: 'seconds from the last byte of a 1080p30 clip until an editor can play it',
  run: async (options) => {
    const size = options.full ? SIZES.full : SIZES.quick
    const clip = await makeFootage(options.folder, 'clip', { seconds: size.seconds, sound: true })
    const installation = await createInstallation(options.folder)
    const { program } = await startServer(installation.environment, [])
    try {
      const sender = await openSession(installation.intakeUrl, installation.code)
      const editor = await joinAsEditor(installation)
      const waits: number[] = []
      const seen = new Set<string>()
      while (waits.length < size.clips) {
        const lastByteAt = await sendClip(installation.intakeUrl, sender, clip)
        const playableAt = await untilPlayable(installation, editor, seen)
        waits.push((playableAt - lastByteAt) / 1000)
        options.note(
          `${String(size.seconds)} s of footage: playable after ${(waits.at(-1) ?? 0).toFixed(1)} s`,
        )
      }
      return { afterLastByteS: rounded(median(waits)), clipS: size.seconds }
    } finally {
      await program.stop()
    }
  },
}

/** Sends a file in one go and returns when its last byte had left. */
async function sendClip(intakeUrl: string, token: string, path: string): Promise<number> {
  const { size } = await stat(path)
  const headers = { Authorization: `Bearer ${token}`, 'Tus-Resumable': '1.0.0' }
  const created = await fetch(`${intakeUrl}${UPLOADS_PATH}`, {
    method: 'POST',
    headers: { ...headers, 'Upload-Length': String(size) },
  })
  if (created.status !== 201) throw unexpected('creation', created.status)
  const place = new URL(created.headers.get('location') ?? '', intakeUrl)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let lastByteAt = 0
  const sent = request(place, {
    method: 'PATCH',
    headers: {
      ...headers,
      'Upload-Offset': 0,
      'Content-Type': 'application/offset+octet-stream',
      'Content-Length': size,
    },
  })
  sent.once('finish', () => {
    lastByteAt = performance.now()
  })
  sent.once('error', reject)
  sent.once('response', (answer) => {
    answer.resume()
    if (answer.statusCode === 204) resolve(lastByteAt)
    else reject(unexpected('sending', answer.statusCode ?? 0))
  })
  createReadStream(path).once('error', reject).pipe(sent)
  return promise
}

/** Returns when the first bytes of the proxy of a clip that is not in `seen` were read; adds the clip to `seen`. */
async function untilPlayable(installation: Installation, token: string, seen: Set<string>): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` }
  for (const giveUpAt = performance.now() + PATIENCE_MS; performance.now() < giveUpAt;) {
    const answer = await fetch(`${installation.deskUrl}/api/clips`, { headers })
    if (!answer.ok) throw unexpected('the list of clips', answer.status)
    const { clips } = (await answer.json()) as {
      clips: { id: string; state: string; reason: string | null }[]
    }
    const clip = clips.find((one) => !seen.has(one.id))
    if (clip?.reason) throw new AppError('internal', { details: { state: clip.state, reason: clip.reason } })
    if (clip?.state === 'published') {
      const proxy = await fetch(`${installation.deskUrl}/api/clips/${clip.id}/proxy`, {
        headers: { ...headers, Range: 'bytes=0-65535' },
      })
      if (proxy.status !== 206) throw unexpected('the proxy', proxy.status)
      await proxy.arrayBuffer()
      seen.add(clip.id)
      return performance.now()
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  throw new AppError('internal', { details: { why: 'the clip was not published in time' } })
}

function unexpected(what: string, status: number): AppError {
  return new AppError('internal', { details: { what, status } })
}
