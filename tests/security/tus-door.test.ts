import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  codeOf,
  createUpload,
  patch,
  startIntake,
  tus,
  type Sender,
  type TestIntake,
} from '../support/intake.ts'

let intake: TestIntake
let owner: Sender
let stranger: Sender
beforeAll(async () => {
  intake = await startIntake()
  owner = await intake.addSender()
  stranger = await intake.addSender()
})
afterAll(() => intake.close())

const uploads = async (): Promise<number> =>
  (await intake.db.selectFrom('uploads').select('id').where('state', '!=', 'removed').execute()).length
const meta = (pairs: Record<string, string>): string =>
  Object.entries(pairs)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',')

/** Sends `text` as it is and returns everything that comes back until the server closes, or `ms` have passed. */
async function raw(text: string, ms = 5_000): Promise<string> {
  const socket = connect(Number(new URL(intake.url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (piece) => {
    answer += piece.toString()
  })
  socket.on('error', () => undefined)
  socket.write(text)
  await Promise.race([once(socket, 'close'), pause(ms)])
  socket.destroy()
  return answer
}

describe('the door in front of the upload library', () => {
  it('tells anybody what it speaks, and nobody else anything', async () => {
    const options = await tus(intake, undefined, 'OPTIONS', '/files', { 'tus-resumable': '' })
    expect(options.status).toBe(204)
    expect(options.headers.get('tus-version')).toBe('1.0.0')
    expect(options.headers.get('tus-extension')).toBe('creation,creation-with-upload,termination')
    expect(Number(options.headers.get('tus-max-size'))).toBe(2 ** 31)
    for (const header of [
      'access-control-allow-origin',
      'access-control-expose-headers',
      'date',
      'x-powered-by',
      'server',
      'etag',
    ]) {
      expect(options.headers.get(header), header).toBe(null)
    }
    const path = await createUpload(intake, owner, 10)
    for (const [method, at] of [
      ['POST', '/files'],
      ['HEAD', path],
      ['PATCH', path],
      ['DELETE', path],
    ] as const) {
      const answer = await tus(intake, undefined, method, at, {
        'upload-length': method === 'POST' ? '5' : '',
        'upload-offset': method === 'PATCH' ? '0' : '',
      })
      expect(answer.status, method).toBe(401)
      const unreal = await tus(intake, { token: 'x'.repeat(43) }, method, at, {
        'upload-length': method === 'POST' ? '5' : '',
        'upload-offset': method === 'PATCH' ? '0' : '',
      })
      expect(unreal.status, method).toBe(401)
    }
  })

  it('refuses what is not well formed with the status of the protocol, and creates nothing', async () => {
    const before = await uploads()
    const post = (headers: Record<string, string>): Promise<Response> =>
      tus(intake, owner, 'POST', '/files', headers)
    for (const version of ['', '0.2.2', '2.0.0', '1.0.0, 1.0.0']) {
      const answer = await post({ 'upload-length': '5', 'tus-resumable': version })
      expect(answer.status, version).toBe(412)
      expect(answer.headers.get('tus-version')).toBe('1.0.0')
    }
    for (const length of ['', '-1', 'abc', '1e3', '007', '+5', '9007199254740993', '1e21', '5.0', '0x5']) {
      expect((await post({ 'upload-length': length })).status, length).toBe(400)
    }
    expect(await codeOf(await post({ 'upload-length': '0' }))).toBe('upload_empty')
    expect((await post({ 'upload-length': '5', 'upload-defer-length': '1' })).status).toBe(400)
    expect((await post({ 'upload-defer-length': '1' })).status).toBe(400)
    expect((await post({ 'upload-length': '5', 'upload-concat': 'partial' })).status).toBe(400)
    expect((await post({ 'upload-length': String(2 ** 31 + 1) })).status).toBe(413)
    for (const bad of [
      'filetype *',
      'a Zg==, b Zg==',
      'a Zg==,a Zg==',
      'key',
      ' ',
      meta({ key: '../../etc/passwd/etc' }),
      `a ${'Zm9v'.repeat(1_500)}`,
    ]) {
      const answer = await post({ 'upload-length': '5', 'upload-metadata': bad })
      // A key without a value is well formed; it is only of no use.
      expect(answer.status, bad.slice(0, 40)).toBe(bad === 'key' ? 201 : 400)
    }
    const created = (await uploads()) - before
    expect(created).toBe(1)

    const path = await createUpload(intake, owner, 10)
    const send = (headers: Record<string, string>): Promise<Response> =>
      tus(intake, owner, 'PATCH', path, headers, Buffer.from('x'))
    expect((await send({})).status).toBe(400)
    for (const offset of ['-1', 'abc', '1e0', ' ', '00'])
      expect((await send({ 'upload-offset': offset })).status, offset).toBe(400)
    for (const type of [
      'text/plain',
      'application/offset+octet-stream; charset=utf-8',
      'application/octet-stream',
    ]) {
      expect((await send({ 'upload-offset': '0', 'content-type': type })).status, type).toBe(415)
    }
    expect((await send({ 'upload-offset': '0', 'content-encoding': 'gzip' })).status).toBe(415)
    const ahead = await send({ 'upload-offset': '5' })
    expect(ahead.status).toBe(409)
    expect(ahead.headers.get('upload-offset')).toBe('0')
    const twice = await raw(
      `PATCH ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${owner.token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx`,
    )
    expect(twice).toMatch(/^HTTP\/1\.1 400 /)
    expect((await tus(intake, owner, 'HEAD', path)).headers.get('upload-offset')).toBe('0')
  })

  it('never answers a GET or PUT of an upload, and outlives a hundred of them', async () => {
    const path = await createUpload(intake, owner, 5)
    expect((await patch(intake, owner, path, 0, Buffer.from('12345'))).status).toBe(204)
    for (let round = 0; round < 100; round++) {
      const controller = new AbortController()
      const asked = fetch(`${intake.url}${path}`, {
        method: round % 2 === 0 ? 'GET' : 'PUT',
        headers: { authorization: `Bearer ${owner.token}`, 'tus-resumable': '1.0.0' },
        signal: controller.signal,
      })
      if (round % 3 === 0) {
        controller.abort()
        await asked.catch(() => undefined)
        continue
      }
      const answer = await asked
      expect(answer.status).toBe(405)
      expect(answer.headers.get('allow')).toBe('OPTIONS, HEAD, PATCH, DELETE')
      expect(await answer.text()).not.toContain('12345')
    }
    expect((await fetch(`${intake.url}/healthz`)).status).toBe(200)
  })

  it('answers a stranger exactly as if the upload were not there, and does not disturb it', async () => {
    const path = await createUpload(intake, owner, 8)
    expect((await patch(intake, owner, path, 0, Buffer.from('1234'))).status).toBe(204)
    const nowhere = `/files/${randomBytes(16).toString('hex')}`
    const look = async (method: string, at: string): Promise<unknown> => {
      const answer = await tus(
        intake,
        stranger,
        method,
        at,
        method === 'PATCH' ? { 'upload-offset': '4' } : {},
        method === 'PATCH' ? Buffer.from('5678') : undefined,
      )
      const headers = Object.fromEntries(
        [...answer.headers].filter(([name]) => name !== 'connection' && name !== 'keep-alive'),
      )
      return { status: answer.status, headers, body: await answer.text() }
    }
    for (const method of ['HEAD', 'PATCH', 'DELETE']) {
      const foreign = await look(method, path)
      expect(foreign).toMatchObject({ status: 404 })
      expect(foreign).toEqual(await look(method, nowhere))
    }
    for (const at of [`/api/uploads/${path.slice(7)}`, `/api/uploads/${nowhere.slice(7)}`]) {
      const answer = await fetch(`${intake.url}${at}`, {
        headers: { authorization: `Bearer ${stranger.token}` },
      })
      expect(answer.status).toBe(404)
    }
    expect((await tus(intake, owner, 'HEAD', path)).headers.get('upload-offset')).toBe('4')
  })

  it('takes no name that is not an id to the disk', async () => {
    const path = await createUpload(intake, owner, 8)
    const id = path.slice(7)
    await patch(intake, owner, path, 0, Buffer.from('1234'))
    const before = await readdir(intake.quarantine)
    const names = [
      '..%2f..%2fetc%2fpasswd',
      'a%00b',
      'x'.repeat(4_000),
      `${id}.json`,
      id.toUpperCase(),
      `${id}%20`,
      'é',
      '__proto__',
    ]
    for (const name of names) {
      for (const method of ['HEAD', 'DELETE']) {
        const answer = await tus(intake, owner, method, `/files/${name}`)
        expect(answer.status, `${method} ${name.slice(0, 30)}`).toBe(404)
        expect(await answer.text()).not.toMatch(/at .*\.[jt]s|\/src\//)
      }
    }
    // As a browser would not send them.
    for (const name of ['..', '%2e%2e', `../files/${id}`, `${id}/../${id}`, '%E0%A4%A', '..\\..\\etc']) {
      const answer = await raw(
        `DELETE /files/${name} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${owner.token}\r\nTus-Resumable: 1.0.0\r\nConnection: close\r\n\r\n`,
      )
      expect(answer, name).toMatch(/^HTTP\/1\.1 40[04] /)
    }
    expect(await readdir(intake.quarantine)).toEqual(before)
  })

  it('believes no header about where it is, and keeps no metadata', async () => {
    const answer = await tus(intake, owner, 'POST', '/files', {
      'upload-length': '5',
      'upload-metadata': meta({ filename: 'secret-name.mp4', filetype: 'video/mp4', lat: '36.2' }),
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https, http',
      forwarded: 'host=evil.example',
    })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toMatch(/^\/files\/[0-9a-f]{32}$/)
    const head = await tus(intake, owner, 'HEAD', answer.headers.get('location') ?? '')
    expect(head.headers.get('upload-metadata')).toBe(null)
    const rows = JSON.stringify(await intake.db.selectFrom('uploads').selectAll().execute())
    expect(rows).not.toContain('secret-name')
    expect(rows).not.toContain('36.2')
    expect(rows).toContain('"type_hint":"video"')
  })

  it('does as X-HTTP-Method-Override says, with the same rights', async () => {
    const path = await createUpload(intake, owner, 4)
    const head = await tus(intake, owner, 'POST', path, { 'x-http-method-override': 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers.get('upload-length')).toBe('4')
    expect((await tus(intake, stranger, 'POST', path, { 'x-http-method-override': 'DELETE' })).status).toBe(
      404,
    )
    const sent = await tus(
      intake,
      owner,
      'POST',
      path,
      {
        'x-http-method-override': 'PATCH',
        'upload-offset': '0',
        'content-type': 'application/offset+octet-stream',
      },
      Buffer.from('1234'),
    )
    expect(sent.status).toBe(204)
    expect(sent.headers.get('upload-offset')).toBe('4')
  })

  it('refuses a change that another site asks for with the cookie', async () => {
    const path = await createUpload(intake, owner, 4)
    for (const proof of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
      {},
    ]) {
      const answer = await tus(intake, undefined, 'DELETE', path, {
        cookie: `__Host-intake=${owner.token}`,
        ...proof,
      })
      expect(answer.status).toBe(403)
    }
    const own = await tus(intake, undefined, 'DELETE', path, {
      cookie: `__Host-intake=${owner.token}`,
      origin: intake.url,
    })
    expect(own.status).toBe(204)
  })

  it('stops reading a body that is too long for the upload', async () => {
    const path = await createUpload(intake, owner, 10)
    const answer = await raw(
      `PATCH ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${owner.token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 1000000000\r\n\r\nabc`,
      3_000,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer.toLowerCase()).toContain('connection: close')
    const chunked = await raw(
      `PATCH ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${owner.token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n01234567890123456789\r\n0\r\n\r\n`,
      3_000,
    )
    expect(chunked).toMatch(/^HTTP\/1\.1 413 /)
    expect((await tus(intake, owner, 'HEAD', path)).headers.get('upload-offset')).toBe('0')
    const before = await uploads()
    const tooLong = await tus(
      intake,
      owner,
      'POST',
      '/files',
      { 'upload-length': '5', 'content-type': 'application/offset+octet-stream' },
      Buffer.from('123456'),
    )
    expect(tooLong.status).toBe(413)
    expect(await uploads()).toBe(before)
  })

  it('lets go of a session that was revoked: the next chunk fails, the running one is not acknowledged', async () => {
    const leaver = await intake.addSender()
    const path = await createUpload(intake, leaver, 1_000_000)
    expect((await patch(intake, leaver, path, 0, randomBytes(1_000))).status).toBe(204)
    const socket = connect(Number(new URL(intake.url).port), '127.0.0.1')
    let answer = ''
    socket.on('data', (piece) => {
      answer += piece.toString()
    })
    socket.write(
      `PATCH ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${leaver.token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 1000\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 2000\r\nConnection: close\r\n\r\n`,
    )
    socket.write(randomBytes(1_000))
    await expect.poll(() => readdir(intake.quarantine)).toContain(path.slice(7))
    await intake.db
      .updateTable('contributors')
      .set({ state: 'revoked' })
      .where('id', '=', leaver.id)
      .execute()
    socket.write(randomBytes(1_000))
    await once(socket, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
    expect((await patch(intake, leaver, path, 1_000, randomBytes(10))).status).toBe(401)
    expect((await tus(intake, leaver, 'HEAD', path)).status).toBe(401)
    const row = await intake.db
      .selectFrom('uploads')
      .select('offset_bytes')
      .where('contributor_id', '=', leaver.id)
      .executeTakeFirstOrThrow()
    expect(row.offset_bytes).toBe(1_000)
  })
})
