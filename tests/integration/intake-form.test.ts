import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import en from '../../src/intake/messages/en.json' with { type: 'json' }
import { MIB, startIntake, type Sender, type TestIntake } from '../support/intake.ts'

let intake: TestIntake
let sender: Sender
beforeAll(async () => {
  intake = await startIntake({ limits: { maxUploadBytes: 6 * MIB } })
})
afterAll(() => intake.close())
beforeEach(async () => {
  sender = await intake.addSender()
})

const cookies = (): Record<string, string> => ({
  cookie: `__Host-intake=${sender.token}`,
  'sec-fetch-site': 'same-origin',
})
const show = async (): Promise<string> => (await fetch(intake.url, { headers: cookies() })).text()
const submit = (form: FormData): Promise<Response> =>
  fetch(intake.url, { method: 'POST', headers: cookies(), body: form, redirect: 'manual' })
const withFile = (bytes: Uint8Array, name = 'clip'): FormData => {
  const form = new FormData()
  form.append(name, new Blob([bytes as BlobPart]), 'very-private-name.mp4')
  return form
}
const rows = () =>
  intake.db.selectFrom('uploads').selectAll().where('contributor_id', '=', sender.id).execute()
const living = async () => (await rows()).filter((row) => row.state !== 'removed')
/** Begins a form by hand and leaves it open after `bytes` of its file. */
function begin(at: TestIntake, who: Sender, bytes: Uint8Array): Socket {
  const head = `--b\r\nContent-Disposition: form-data; name="clip"; filename="x.mp4"\r\nContent-Type: video/mp4\r\n\r\n`
  const socket = connect(Number(new URL(at.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(
    `POST / HTTP/1.1\r\nHost: x\r\nCookie: __Host-intake=${who.token}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 90000000\r\n\r\n${head}`,
  )
  socket.write(bytes)
  return socket
}
/** Opens everything that arrived with the vault's key and the stock tool. */
async function opened(id: string): Promise<Buffer> {
  const key = join(intake.folder, 'vault.key')
  await writeFile(key, intake.vault.identity)
  const object = await readFile(join(intake.quarantine, id))
  const segments = await intake.db
    .selectFrom('segments')
    .selectAll()
    .where('upload_id', '=', id as never)
    .orderBy('seq')
    .execute()
  return Buffer.concat(
    segments.map(({ file_offset, file_bytes }) =>
      execFileSync('age', ['-d', '-i', key], {
        input: object.subarray(file_offset, file_offset + file_bytes),
        maxBuffer: 64 * MIB,
      }),
    ),
  )
}

describe('a form upload', () => {
  it('arrives whole, to the byte, and answers with the page by way of a redirect', async () => {
    const bytes = randomBytes(5 * MIB + 9)
    const answer = await submit(withFile(bytes))
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toBe('/')
    expect(await show()).toContain('Arrived whole, 5.2 MB. Not compared with your phone.')
    const [row] = await rows()
    expect(row).toMatchObject({
      via: 'form',
      state: 'complete',
      length_bytes: bytes.length,
      truncated: 0,
      phone_matched: null,
    })
    expect((await opened(row?.id ?? '')).equals(bytes)).toBe(true)
    expect(JSON.stringify(await rows())).not.toContain('private-name')
    const outbox = await intake.db
      .selectFrom('outbox')
      .selectAll()
      .where('upload_id', '=', row?.id ?? ('' as never))
      .execute()
    expect(outbox.length).toBe(1)
    const person = await intake.db
      .selectFrom('contributors')
      .select('used_bytes')
      .where('id', '=', sender.id)
      .executeTakeFirstOrThrow()
    expect(person.used_bytes).toBe(bytes.length)
  })

  it('keeps what came when the sender is cut off in the middle, and marks it', async () => {
    const bytes = randomBytes(3 * MIB)
    const socket = begin(intake, sender, bytes)
    await expect.poll(() => socket.writableLength).toBe(0)
    await expect.poll(async () => (await rows()).length).toBe(1)
    socket.destroy()
    await expect.poll(async () => (await rows())[0]?.state).toBe('complete')
    const [row] = await rows()
    expect(row?.truncated).toBe(1)
    const got = await opened(row?.id ?? '')
    expect(got.length).toBe(row?.length_bytes)
    expect(got.length).toBeGreaterThan(2 * MIB)
    expect(got.equals(bytes.subarray(0, got.length))).toBe(true)
    expect(await show()).toMatch(/It broke off after \d\.\d MB\. What came is kept\./)
  })

  it('is put in safety before a server that stops lets go of its database', async () => {
    const stopping = await startIntake()
    try {
      const who = await stopping.addSender()
      begin(stopping, who, randomBytes(3 * MIB))
      const row = () => stopping.db.selectFrom('uploads').selectAll().executeTakeFirst()
      // Written behind what is acknowledged: nothing of it is yet.
      const written = async () => (await stat(join(stopping.quarantine, (await row())?.id ?? 'x'))).size
      await expect.poll(() => written().catch(() => 0)).toBeGreaterThan(MIB)
      expect(await row()).toMatchObject({ state: 'receiving', offset_bytes: 0 })
      stopping.server.close()
      stopping.server.closeAllConnections()
      await stopping.intake.drain()
      expect(await row()).toMatchObject({ state: 'complete', truncated: 1 })
      expect((await row())?.length_bytes).toBeGreaterThanOrEqual(MIB)
    } finally {
      await stopping.close()
    }
  })

  it('keeps what came when the process was killed in the middle', async () => {
    await submit(withFile(randomBytes(1_000)))
    await submit(withFile(randomBytes(1_000)))
    const [kept, nothing] = await rows()
    if (kept === undefined || nothing === undefined) throw new Error('two uploads were expected')
    // As rows look after SIGKILL: still receiving, one with acknowledged bytes and one without.
    await intake.db.deleteFrom('outbox').execute()
    await intake.db
      .updateTable('uploads')
      .set({ state: 'receiving', length_bytes: null })
      .where('contributor_id', '=', sender.id)
      .execute()
    await intake.db.deleteFrom('segments').where('upload_id', '=', nothing.id).execute()
    await intake.db.updateTable('uploads').set({ offset_bytes: 0 }).where('id', '=', nothing.id).execute()
    await intake.restart()
    const after = new Map((await rows()).map((row) => [row.id, row]))
    expect(after.get(kept.id)).toMatchObject({ state: 'complete', truncated: 1, length_bytes: 1_000 })
    expect(after.get(nothing.id)).toMatchObject({ state: 'removed' })
    expect(await intake.db.selectFrom('outbox').select('upload_id').execute()).toEqual([
      { upload_id: kept.id },
    ])
    await expect(readFile(join(intake.quarantine, nothing.id))).rejects.toThrow()
  })

  it('tells a person in words what is wrong with a form, and creates nothing', async () => {
    expect((await submit(withFile(new Uint8Array(0)))).status).toBe(303)
    expect(await show()).toContain(en.empty)
    expect((await submit(new FormData())).status).toBe(303)
    expect((await submit(withFile(randomBytes(10), 'other'))).status).toBe(303)
    expect(await show()).toContain(en.failed)
    expect(await living()).toEqual([])
    const two = withFile(randomBytes(10))
    two.append('clip', new Blob([randomBytes(10)]), 'b')
    await submit(two)
    expect((await living()).map((row) => row.length_bytes)).toEqual([10])
    await submit(withFile(randomBytes(7 * MIB)))
    expect(await show()).toContain(en.tooLarge)
  })

  it('is refused without a session, from another site, and while intake is closed', async () => {
    const anonymous = await fetch(intake.url, {
      method: 'POST',
      body: withFile(randomBytes(10)),
      redirect: 'manual',
    })
    expect(anonymous.status).toBe(401)
    const foreign = await fetch(intake.url, {
      method: 'POST',
      headers: { cookie: cookies()['cookie'] ?? '', origin: 'https://evil.example' },
      body: withFile(randomBytes(10)),
    })
    expect(foreign.status).toBe(403)
    await intake.db.updateTable('settings').set({ value: '0' }).where('key', '=', 'intake_open').execute()
    await submit(withFile(randomBytes(10)))
    expect(await show()).toContain(en.closed)
    await intake.db.updateTable('settings').set({ value: '1' }).where('key', '=', 'intake_open').execute()
    expect(await rows()).toEqual([])
  })
})

describe('the page', () => {
  it('is light, is never cached, and gives no clock away', async () => {
    for (const headers of [{}, cookies()]) {
      const answer = await fetch(intake.url, { headers })
      expect(gzipSync(await answer.text()).length).toBeLessThan(10_000)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('x-robots-tag')).toContain('noindex')
      for (const header of ['date', 'etag', 'last-modified', 'x-powered-by'])
        expect(answer.headers.get(header), header).toBe(null)
    }
  })

  it('answers a wrong code like a wrong form of code, and clears the browser on leaving', async () => {
    const open = (code: string): Promise<Response> =>
      fetch(intake.url, {
        method: 'POST',
        headers: { 'sec-fetch-site': 'same-origin' },
        body: new URLSearchParams({ do: 'open', code }),
        redirect: 'manual',
      })
    const wrong = await open('12345 12345 12345 12345 12345')
    const nonsense = await open('<script>alert(1)</script>')
    expect([wrong.status, nonsense.status]).toEqual([401, 401])
    const page = await wrong.text()
    expect(page).toBe(await nonsense.text())
    const right = await open(sender.code)
    expect(right.status).toBe(303)
    expect(right.headers.get('set-cookie')).toMatch(
      /^__Host-intake=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Strict$/i,
    )
    const leave = await fetch(intake.url, {
      method: 'POST',
      headers: cookies(),
      body: new URLSearchParams({ do: 'leave' }),
      redirect: 'manual',
    })
    expect(leave.status).toBe(303)
    expect(leave.headers.get('clear-site-data')).toBe('"*"')
    expect(await show()).toContain('id="code"')
  })
})
