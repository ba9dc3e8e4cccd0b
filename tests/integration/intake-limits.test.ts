import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDiskSegmentLog } from '../../src/adapters/blobs/disk-segment-log.ts'
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
  intake = await startIntake({ limits: { maxUploadBytes: 50 * MIB } })
  sender = await intake.addSender()
})
afterAll(() => intake.close())

const create = (who: Sender, lengthBytes: number, key?: string): Promise<Response> =>
  tus(intake, who, 'POST', '/files', {
    'upload-length': String(lengthBytes),
    ...(key === undefined ? {} : { 'upload-metadata': `key ${Buffer.from(key).toString('base64')}` }),
  })
const offsetOf = async (path: string, who = sender): Promise<number> =>
  Number((await tus(intake, who, 'HEAD', path)).headers.get('upload-offset'))

/** Begins a PATCH by hand and leaves it open. */
function begin(
  at: { url: string },
  who: Sender,
  path: string,
  offset: number,
  declared: number,
  bytes: Uint8Array,
): Socket & { said: () => string } {
  const socket = connect(Number(new URL(at.url).port), '127.0.0.1')
  let answer = ''
  socket.on('error', () => undefined)
  socket.on('data', (piece) => {
    answer += piece.toString()
  })
  socket.write(
    `PATCH ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${who.token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: ${String(offset)}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: ${String(declared)}\r\n\r\n`,
  )
  socket.write(bytes)
  return Object.assign(socket, { said: () => answer })
}

describe('creating an upload', () => {
  it('gives the same address for the same key, and keeps what has arrived', async () => {
    const key = randomBytes(16).toString('hex')
    const first = await create(sender, 1_000, key)
    const path = first.headers.get('location') ?? ''
    const bytes = randomBytes(400)
    await patch(intake, sender, path, 0, bytes)
    const again = await create(sender, 1_000, key)
    expect(again.status).toBe(201)
    expect(again.headers.get('location')).toBe(path)
    expect(again.headers.get('upload-offset')).toBe('400')
    expect(again.headers.get('upload-block-digest')).toBe(plainBlockDigest(bytes))
    const other = await create(sender, 1_001, key)
    expect(other.status).toBe(409)
    expect(await codeOf(other)).toBe('creation_key_reused')
    const stranger = await intake.addSender()
    expect((await create(stranger, 1_000, key)).headers.get('location')).not.toBe(path)
    const race = await Promise.all(Array.from({ length: 8 }, () => create(sender, 77, 'k'.repeat(32))))
    const places = new Set(
      race.filter((answer) => answer.status === 201).map((answer) => answer.headers.get('location')),
    )
    expect(places.size).toBe(1)
    expect(race.every((answer) => answer.status === 201 || answer.status === 503)).toBe(true)
  })

  it('takes the whole body at once, and keeps the part that came of a body that was cut', async () => {
    const bytes = randomBytes(3 * MIB)
    const answer = await tus(
      intake,
      sender,
      'POST',
      '/files',
      { 'upload-length': String(bytes.length), 'content-type': 'application/offset+octet-stream' },
      bytes,
    )
    expect(answer.status).toBe(201)
    expect(answer.headers.get('upload-offset')).toBe(String(bytes.length))
    expect(answer.headers.get('upload-block-digest')).toBe(plainBlockDigest(bytes))

    const before = (await readdir(intake.quarantine)).length
    const key = randomBytes(16).toString('hex')
    const socket = connect(Number(new URL(intake.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(
      `POST /files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${sender.token}\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 1000\r\nUpload-Metadata: key ${Buffer.from(key).toString('base64')}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 1000\r\n\r\n`,
    )
    await new Promise<void>((resolve) =>
      socket.write(randomBytes(600), () => {
        resolve()
      }),
    )
    await expect.poll(async () => (await readdir(intake.quarantine)).length).toBe(before + 1)
    socket.destroy()
    await expect.poll(async () => (await create(sender, 1_000, key)).headers.get('upload-offset')).toBe('600')
  })

  it('says at once when the file is too large, the code is used up, or too much is unfinished', async () => {
    const tooLarge = await create(sender, 50 * MIB + 1)
    expect(tooLarge.status).toBe(413)
    expect(tooLarge.headers.get('tus-max-size')).toBe(String(50 * MIB))
    expect(await codeOf(tooLarge)).toBe('upload_too_large')

    const small = await intake.addSender(10 * MIB)
    const path = await createUpload(intake, small, 6 * MIB)
    const over = await create(small, 5 * MIB)
    expect(over.status).toBe(413)
    expect(await codeOf(over)).toBe('quota_exceeded')
    expect((await tus(intake, small, 'DELETE', path)).status).toBe(204)
    expect((await create(small, 5 * MIB)).status).toBe(201)

    const eager = await intake.addSender()
    const all = await Promise.all(Array.from({ length: 101 }, () => create(eager, 1)))
    expect(all.filter((answer) => answer.status === 201).length).toBe(100)
    expect(await codeOf(all.find((answer) => answer.status !== 201) ?? new Response('{}'))).toBe(
      'too_many_uploads',
    )
  })

  it('waits until there is a vault key, and while the door is shut lets running uploads end', async () => {
    const path = await createUpload(intake, sender, 10)
    await patch(intake, sender, path, 0, Buffer.from('12345'))
    const settings = await intake.db
      .selectFrom('settings')
      .selectAll()
      .where('key', 'in', ['vault_recipient', 'intake_open'])
      .execute()
    await intake.db.updateTable('settings').set({ value: '0' }).where('key', '=', 'intake_open').execute()
    const shut = await create(sender, 10)
    expect(shut.status).toBe(503)
    expect(await codeOf(shut)).toBe('intake_closed')
    expect(shut.headers.get('retry-after')).not.toBe(null)
    expect((await patch(intake, sender, path, 5, Buffer.from('67890'))).status).toBe(204)
    await intake.db.deleteFrom('settings').where('key', 'in', ['vault_recipient', 'intake_open']).execute()
    expect(await codeOf(await create(sender, 10))).toBe('intake_closed')
    await intake.db.insertInto('settings').values(settings).execute()
    expect((await create(sender, 10)).status).toBe(201)
  })
})

describe('removing an upload', () => {
  it('is for its owner and only before the last byte is in', async () => {
    const path = await createUpload(intake, sender, 10)
    await patch(intake, sender, path, 0, Buffer.from('12345'))
    expect((await tus(intake, sender, 'DELETE', path)).status).toBe(204)
    expect((await tus(intake, sender, 'HEAD', path)).status).toBe(404)
    expect(await readdir(intake.quarantine)).not.toContain(path.slice(7))
    const segments = await intake.db
      .selectFrom('segments')
      .selectAll()
      .where('upload_id', '=', path.slice(7) as never)
      .execute()
    expect(segments).toEqual([])

    const finished = await createUpload(intake, sender, 5)
    await patch(intake, sender, finished, 0, Buffer.from('12345'))
    const refused = await tus(intake, sender, 'DELETE', finished)
    expect(refused.status).toBe(403)
    expect(await codeOf(refused)).toBe('upload_finished')
    expect(await offsetOf(finished)).toBe(5)
    expect(await readdir(intake.quarantine)).toContain(finished.slice(7))
  })
})

describe('two requests on one upload', () => {
  it('never hold each other up: a dead connection makes room, and its bytes stay', async () => {
    const path = await createUpload(intake, sender, 1_000_000)
    const bytes = randomBytes(100_000)
    const dead = begin(intake, sender, path, 0, 1_000_000, bytes.subarray(0, 60_000))
    await expect.poll(async () => readdir(intake.quarantine)).toContain(path.slice(7))
    const startedAt = performance.now()
    const head = await tus(intake, sender, 'HEAD', path)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(head.headers.get('upload-offset')).toBe('60000')
    expect(head.headers.get('upload-block-digest')).toBe(plainBlockDigest(bytes.subarray(0, 60_000)))
    // The old request is told the truth as well.
    await expect.poll(() => dead.said()).toMatch(/^HTTP\/1\.1 204 [\s\S]*upload-offset: 60000/i)
    expect((await patch(intake, sender, path, 60_000, bytes.subarray(60_000))).status).toBe(204)
    dead.destroy()
    expect(await offsetOf(path)).toBe(100_000)
  })

  it('race to one truth', async () => {
    for (let round = 0; round < 10; round++) {
      const [one, two] = [randomBytes(50_000), randomBytes(50_000)]
      const path = await createUpload(intake, sender, 50_000)
      const answers = await Promise.all([
        patch(intake, sender, path, 0, one),
        patch(intake, sender, path, 0, two),
      ])
      const won = answers.filter(
        (answer) => answer.status === 204 && answer.headers.get('upload-offset') === '50000',
      )
      expect(won.length).toBe(1)
      const digest = (await tus(intake, sender, 'HEAD', path)).headers.get('upload-block-digest')
      expect([plainBlockDigest(one), plainBlockDigest(two)]).toContain(digest)
    }
  })

  it('answers fifty HEADs on a busy upload soon', async () => {
    const path = await createUpload(intake, sender, 1_000_000)
    const busy = begin(intake, sender, path, 0, 1_000_000, randomBytes(1_000))
    await expect.poll(async () => readdir(intake.quarantine)).toContain(path.slice(7))
    const before = process.cpuUsage()
    const heads = await Promise.all(Array.from({ length: 50 }, () => tus(intake, sender, 'HEAD', path)))
    const { user, system } = process.cpuUsage(before)
    expect(heads.every((head) => head.status === 200)).toBe(true)
    // The library's own locker burns more than a second a second of waiting here.
    expect((user + system) / 1e6).toBeLessThan(1.5)
    busy.destroy()
  })
})

describe('a silent connection', () => {
  it('is cut after a while, what came is kept, and nobody waits for it', async () => {
    const impatient = await startIntake()
    const { timeout } = impatient.server
    expect([timeout, impatient.server.requestTimeout, impatient.server.headersTimeout]).toEqual([
      90_000, 0, 20_000,
    ])
    impatient.server.timeout = 300
    const who = await impatient.addSender()
    const path = await createUpload(impatient, who, 1_000)
    const silent = begin(impatient, who, path, 0, 1_000, randomBytes(400))
    await once(silent, 'close')
    await expect
      .poll(async () => (await tus(impatient, who, 'HEAD', path)).headers.get('upload-offset'))
      .toBe('400')
    await impatient.close()
  })
})

describe('stopping', () => {
  it('acknowledges what has come before it is done', async () => {
    const other = await startIntake()
    const who = await other.addSender()
    const paths = await Promise.all(Array.from({ length: 20 }, () => createUpload(other, who, 1_000_000)))
    const sockets = paths.map((path) => begin(other, who, path, 0, 1_000_000, randomBytes(5_000)))
    await expect.poll(async () => (await readdir(other.quarantine)).length).toBe(20)
    other.server.close()
    await other.intake.drain()
    const rows = await other.db.selectFrom('uploads').select('offset_bytes').execute()
    expect(rows.map((row) => row.offset_bytes)).toEqual(paths.map(() => 5_000))
    await Promise.all(sockets.map((socket) => expect.poll(() => socket.said()).toMatch(/^HTTP\/1\.1 204 /)))
    for (const socket of sockets) socket.destroy()
    await other.close()
  })
})

describe('the disk', () => {
  it('has the bytes before anybody is told that it has', async () => {
    let release: () => void = () => undefined
    let held = false
    const slow = await startIntake({
      segments: (folder) =>
        createDiskSegmentLog(folder, {
          sync: async (file) => {
            held = true
            await new Promise<void>((resolve) => (release = resolve))
            await file.datasync()
            held = false
          },
        }),
    })
    const who = await slow.addSender()
    const path = await createUpload(slow, who, 10)
    let answered = false
    const answer = patch(slow, who, path, 0, Buffer.from('1234567890')).then((response) => {
      answered = true
      return response
    })
    await expect.poll(() => held).toBe(true)
    const row = await slow.db
      .selectFrom('uploads')
      .select(['offset_bytes', 'state'])
      .executeTakeFirstOrThrow()
    expect(row).toEqual({ offset_bytes: 0, state: 'receiving' })
    expect(await slow.db.selectFrom('outbox').selectAll().execute()).toEqual([])
    expect(answered).toBe(false)
    release()
    expect((await answer).status).toBe(204)
    expect(held).toBe(false)
    await slow.close()
  })

  // Mounting a small disk takes root; elsewhere this counts as skipped.
  it.skipIf(process.getuid?.() !== 0)(
    'may fill up: nothing acknowledged is lost, and the upload goes on when there is room',
    async () => {
      const disk = await mkdtemp(join(tmpdir(), 'footbridge-small-disk-'))
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk])
      try {
        const small = await startIntake({ quarantine: disk, limits: { reserveBytes: MIB } })
        const who = await small.addSender()
        const refused = await tus(small, who, 'POST', '/files', { 'upload-length': String(8 * MIB) })
        expect(refused.status).toBe(507)
        expect(await codeOf(refused)).toBe('disk_full')

        const bytes = randomBytes(6 * MIB)
        const path = await createUpload(small, who, bytes.length)
        expect((await patch(small, who, path, 0, bytes.subarray(0, 2 * MIB))).status).toBe(204)
        execFileSync('fallocate', ['-l', '4m', join(disk, 'somebody-else')])
        const full = await patch(small, who, path, 2 * MIB, bytes.subarray(2 * MIB))
        expect(full.status).toBe(507)
        expect(await codeOf(full)).toBe('disk_full')
        const head = await tus(small, who, 'HEAD', path)
        expect(head.status).toBe(200)
        const offset = Number(head.headers.get('upload-offset'))
        expect(offset).toBeGreaterThanOrEqual(2 * MIB)
        expect(head.headers.get('upload-block-digest')).toBe(plainBlockDigest(bytes.subarray(0, offset)))
        await rm(join(disk, 'somebody-else'))
        expect((await patch(small, who, path, offset, bytes.subarray(offset))).status).toBe(204)
        await small.close()
      } finally {
        execFileSync('umount', [disk])
        await rm(disk, { recursive: true, force: true })
      }
    },
  )

  it('may fail to sync: the chunk is not acknowledged, HEAD says wait, and the chunk can be sent again', async () => {
    let broken = false
    const failing = await startIntake({
      segments: (folder) =>
        createDiskSegmentLog(folder, {
          sync: async (file) => {
            if (broken) throw Object.assign(new Error('i/o'), { code: 'EIO' })
            await file.datasync()
          },
        }),
    })
    const who = await failing.addSender()
    const path = await createUpload(failing, who, 10)
    await patch(failing, who, path, 0, Buffer.from('12345'))
    broken = true
    const answer = await patch(failing, who, path, 5, Buffer.from('67890'))
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain('i/o')
    expect(await tus(failing, who, 'HEAD', path).then((head) => head.headers.get('upload-offset'))).toBe('5')
    broken = false
    expect((await patch(failing, who, path, 5, Buffer.from('67890'))).status).toBe(204)
    await failing.close()
  })

  it('may lose acknowledged bytes: the upload stops instead of hiding the hole', async () => {
    const path = await createUpload(intake, sender, 10)
    await patch(intake, sender, path, 0, Buffer.from('12345'))
    execFileSync('truncate', ['-s', '20', join(intake.quarantine, path.slice(7))])
    const answer = await patch(intake, sender, path, 5, Buffer.from('67890'))
    expect(answer.status).toBe(500)
    expect(await codeOf(answer)).toBe('storage_failed')
    expect(await offsetOf(path)).toBe(5)
  })
})
