import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { sql } from 'kysely'
import { Upload } from 'tus-js-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  codeOf,
  createUpload,
  MIB,
  patch,
  plainBlockDigest,
  startIntake,
  tus,
  type Sender,
  type TestIntake,
} from '../support/intake.ts'

let intake: TestIntake
let sender: Sender

beforeAll(async () => {
  intake = await startIntake()
  sender = await intake.addSender()
})
afterAll(() => intake.close())

describe('an upload', () => {
  it('works with the stock client as its makers ship it, which must never start again', async () => {
    const bytes = randomBytes(3 * MIB + 1)
    let posts = 0
    let restarted: Promise<void> | undefined
    await new Promise<void>((resolve, reject) => {
      const upload = new Upload(bytes, {
        endpoint: `${intake.url}/files`,
        headers: { authorization: `Bearer ${sender.token}` },
        metadata: { filename: 'x.mp4', filetype: 'video/mp4' },
        chunkSize: 512 * 1024,
        retryDelays: [50, 100, 200, 400, 800, 1_600, 3_200],
        onShouldRetry: () => true,
        onBeforeRequest: (request) => {
          if (request.getMethod() === 'POST') posts++
        },
        onChunkComplete: (_size, accepted) => {
          if (accepted > MIB) restarted ??= intake.restart()
        },
        onSuccess: () => {
          resolve()
        },
        onError: reject,
      })
      upload.start()
    })
    await restarted
    expect(posts).toBe(1)
    const rows = await intake.db.selectFrom('uploads').selectAll().where('state', '=', 'complete').execute()
    expect(rows).toMatchObject([{ offset_bytes: bytes.length, type_hint: 'video' }])
  })

  it('is held in little memory, however long it is', async () => {
    const piece = randomBytes(64 * 1024)
    const pieces = 4_096
    const path = await createUpload(intake, sender, pieces * piece.length)
    let most = 0
    const before = process.memoryUsage().arrayBuffers
    const body = Readable.from(
      (function* () {
        for (let at = 0; at < pieces; at++) {
          most = Math.max(most, process.memoryUsage().arrayBuffers - before)
          yield piece
        }
      })(),
      { objectMode: false },
    )
    const asked = request(`${intake.url}${path}`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${sender.token}`,
        'tus-resumable': '1.0.0',
        'upload-offset': '0',
        'content-type': 'application/offset+octet-stream',
        'content-length': pieces * piece.length,
      },
    })
    const answered = once(asked, 'response')
    await pipeline(body, asked)
    const [answer] = (await answered) as [IncomingMessage]
    expect(answer.statusCode).toBe(204)
    // Garbage is collected late; kept, it would be 268 MB and more.
    expect(most).toBeLessThan(150_000_000)
  })

  it('is told to wait, not to start again, when the server has trouble of its own', async () => {
    const path = await createUpload(intake, sender, 10)
    await patch(intake, sender, path, 0, Buffer.from('12345'))
    await sql`ALTER TABLE uploads RENAME TO away`.execute(intake.db)
    const head = await tus(intake, sender, 'HEAD', path)
    const chunk = await patch(intake, sender, path, 5, Buffer.from('67890'))
    await sql`ALTER TABLE away RENAME TO uploads`.execute(intake.db)
    expect(head.status).toBe(423)
    expect(Number(head.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(chunk.status).toBe(500)
    expect(await chunk.text()).not.toMatch(/uploads|SQL/i)
    expect((await patch(intake, sender, path, 5, Buffer.from('67890'))).status).toBe(204)
  })

  it('arrives in chunks, across a restart, with the digest of what is durable in every answer', async () => {
    const bytes = randomBytes(5 * MIB + 4_321)
    const path = await createUpload(intake, sender, bytes.length)
    const cuts = [0, 1, 700_000, MIB, 3 * MIB + 17]
    for (const [at, from] of cuts.entries()) {
      const to = cuts[at + 1] ?? bytes.length
      if (at === 3) await intake.restart()
      const head = await tus(intake, sender, 'HEAD', path)
      expect(head.status).toBe(200)
      expect(head.headers.get('upload-offset')).toBe(String(from))
      expect(head.headers.get('upload-length')).toBe(String(bytes.length))
      const answer = await patch(intake, sender, path, from, bytes.subarray(from, to))
      expect(answer.status).toBe(204)
      expect(answer.headers.get('upload-offset')).toBe(String(to))
      expect(answer.headers.get('upload-block-digest')).toBe(plainBlockDigest(bytes.subarray(0, to)))
    }
    const done = await tus(intake, sender, 'HEAD', path)
    expect(done.headers.get('upload-block-digest')).toBe(plainBlockDigest(bytes))
    const id = path.split('/').at(-1) ?? ''
    const row = await intake.db
      .selectFrom('uploads')
      .selectAll()
      .where('id', '=', id as never)
      .executeTakeFirstOrThrow()
    expect(row).toMatchObject({
      state: 'complete',
      offset_bytes: bytes.length,
      truncated: 0,
      type_hint: null,
    })
    const outbox = await intake.db.selectFrom('outbox').selectAll().where('upload_id', '=', row.id).execute()
    expect(outbox).toMatchObject([{ kind: 'upload_complete', done: 0 }])

    // Each segment is an age file of its own that the stock tool opens with the vault's key.
    const object = await readFile(join(intake.quarantine, id))
    await writeFile(join(intake.folder, 'vault.key'), intake.vault.identity)
    const segments = await intake.db
      .selectFrom('segments')
      .selectAll()
      .where('upload_id', '=', row.id)
      .orderBy('seq')
      .execute()
    expect(segments.length).toBe(cuts.length)
    const opened = segments.map(({ file_offset, file_bytes }) =>
      execFileSync('age', ['-d', '-i', join(intake.folder, 'vault.key')], {
        input: object.subarray(file_offset, file_offset + file_bytes),
        maxBuffer: 64 * MIB,
      }),
    )
    expect(Buffer.concat(opened).equals(bytes)).toBe(true)
    expect(object.includes(bytes.subarray(2 * MIB, 2 * MIB + 32))).toBe(false)
    expect(await codeOf(await patch(intake, sender, path, bytes.length, Buffer.from('x')))).toBe(
      'upload_too_large',
    )
    const again = await patch(intake, sender, path, bytes.length, new Uint8Array(0))
    expect(again.status).toBe(204)
    const still = await intake.db.selectFrom('outbox').selectAll().where('upload_id', '=', row.id).execute()
    expect(still.length).toBe(1)
  })
})
