/**
 * What people send by mistake or on purpose, against the whole running server: a clear answer, the original kept and
 * openable with the vault key alone, nothing told to anybody else, and all three processes alive.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Decrypter } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCatalogDb } from '../../src/adapters/database/database.ts'
import type { AgeKeyPair } from '../../src/adapters/sealing.ts'
import { callDesk, setUp, waitFor, type Colleague } from '../support/people.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { smallClip } from '../support/small-clip.ts'

let server: TestServer
let vault: AgeKeyPair
let admin: Colleague
let folder: string
let code: string
let failed = true

const VICTIM_MARK = 'picture-of-somebody-else'

beforeAll(async () => {
  server = await startServer()
  ;({ admin, vault } = await setUp(server))
  folder = await mkdtemp(join(tmpdir(), 'footbridge-bad-'))
  code = await newCode()
})

afterAll(async () => {
  await server.dispose(failed)
  await rm(folder, { recursive: true, force: true })
})

async function newCode(): Promise<string> {
  const { stdout } = await server.cli('invite', '--role', 'contributor', '--json')
  return (JSON.parse(stdout) as { code: string }).code
}

async function openSession(typed: string): Promise<Response> {
  return fetch(`${server.intakeUrl}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: typed }),
  })
}

describe('at the door', () => {
  it('a wrong code, an unknown link and a used link are refused with a registered code each', async () => {
    const wrong = await openSession('12345 12345 12345 12345 12345')
    expect([wrong.status, ((await wrong.json()) as { code: string }).code]).toEqual([
      401,
      'wrong_credentials',
    ])
    const unknown = await callDesk(server, undefined, 'POST', '/api/join/begin', { token: 'x'.repeat(43) })
    expect([unknown.status, (unknown.json as { code: string }).code]).toEqual([410, 'invitation_not_valid'])
    const used = await callDesk(server, undefined, 'POST', '/api/join/begin', {
      token: new URL(server.setupLink ?? '').hash.slice(1),
    })
    expect(used).toEqual({
      ...unknown,
      json: { ...(unknown.json as object), requestId: (used.json as { requestId?: string }).requestId },
    })
  })

  it("another contributor's upload is answered like one that does not exist", async () => {
    const mine = ((await (await openSession(code)).json()) as { token: string }).token
    const other = ((await (await openSession(await newCode())).json()) as { token: string }).token
    const tus = { 'tus-resumable': '1.0.0' }
    const made = await fetch(`${server.intakeUrl}/files`, {
      method: 'POST',
      headers: { ...tus, authorization: `Bearer ${mine}`, 'upload-length': '1000' },
    })
    expect(made.status).toBe(201)
    const own = new URL(made.headers.get('location') ?? '', server.intakeUrl).href
    const ask = async (url: string): Promise<[number, string]> => {
      const answer = await fetch(url, {
        method: 'DELETE',
        headers: { ...tus, authorization: `Bearer ${other}` },
      })
      return [answer.status, (await answer.text()).replace(/"requestId":"[^"]*"/, '')]
    }
    const foreign = await ask(own)
    expect(foreign[0]).toBe(404)
    expect(await ask(own.replace(/[0-9a-f]{32}$/, 'f'.repeat(32)))).toEqual(foreign)
    // A finished or unfinished upload can't be fetched, and asking for it takes nothing down.
    for (let round = 0; round < 20; round++) {
      expect((await fetch(own, { headers: { authorization: `Bearer ${mine}` } })).status).toBe(405)
    }
    const gone = await fetch(own, { method: 'DELETE', headers: { ...tus, authorization: `Bearer ${mine}` } })
    expect(gone.status).toBe(204)
  })

  it('an upload of nothing is refused before it begins', async () => {
    const token = ((await (await openSession(code)).json()) as { token: string }).token
    const answer = await fetch(`${server.intakeUrl}/files`, {
      method: 'POST',
      headers: { 'tus-resumable': '1.0.0', authorization: `Bearer ${token}`, 'upload-length': '0' },
    })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('upload_empty')
  })
})

describe('what is no clip', () => {
  const clip = smallClip()
  const files: Record<string, { bytes: Buffer; reason: string }> = {
    'page.mp4': {
      bytes: Buffer.from('<!doctype html><html><body>hello</body></html>'),
      reason: 'container_not_accepted',
    },
    'playlist.mp4': {
      bytes: Buffer.from(
        `#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n`,
      ),
      reason: 'container_not_accepted',
    },
    'concat.mp4': {
      bytes: Buffer.from(`ffconcat version 1.0\nfile ${VICTIM_MARK}.mp4\n`),
      reason: 'container_not_accepted',
    },
    'program.mp4': {
      bytes: Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(4000, 7)]),
      reason: 'container_not_accepted',
    },
    'one-byte.mp4': { bytes: Buffer.from('x'), reason: 'container_not_accepted' },
    // The index of a phone's clip stands at its end: without the end there is nothing to read it by.
    'cut.mp4': { bytes: clip.subarray(0, Math.floor(clip.length / 2)), reason: 'media_damaged' },
    'two-in-one.mp4': {
      bytes: Buffer.concat([
        clip,
        Buffer.from('PK\x03\x04'),
        Buffer.alloc(200),
        Buffer.from('PK\x05\x06'),
        Buffer.alloc(18),
      ]),
      reason: 'hidden_content',
    },
  }

  it('is received, sealed and refused with its reason, and the vault key alone opens what was sent', async () => {
    for (const [name, { bytes }] of Object.entries(files)) await writeFile(join(folder, name), bytes)
    const paths = Object.keys(files).map((name) => join(folder, name))
    const sent = await server.cli('send', ...paths, '--code', code, '--url', server.intakeUrl, '--json')
    const outcomes = (
      JSON.parse(sent.stdout) as { files: { path: string; result: string; uploadId: string }[] }
    ).files
    expect(outcomes.map(({ result }) => result)).toEqual(paths.map(() => 'sealed'))
    expect(sent.status).toBe(0)

    const catalogDb = openCatalogDb(join(server.storage, 'database', 'desk'))
    try {
      for (const { path, uploadId } of outcomes) {
        const name = path.slice(folder.length + 1)
        const row = await waitFor(`${name} to be refused`, async () => {
          const found = await catalogDb
            .selectFrom('clips')
            .selectAll()
            .where('upload_id', '=', uploadId as never)
            .executeTakeFirst()
          return found !== undefined && ['refused', 'published', 'stuck', 'corrupt'].includes(found.state)
            ? found
            : undefined
        })
        expect([name, row.state, row.reason]).toEqual([name, 'refused', files[name]?.reason])
        const original = await catalogDb
          .selectFrom('clip_blobs')
          .selectAll()
          .where('clip_id', '=', row.id)
          .execute()
        expect(original.map(({ kind }) => kind)).toEqual(['original'])
        const decrypter = new Decrypter()
        decrypter.addIdentity(vault.identity)
        const sealed = await readFile(join(server.storage, 'sealed', original[0]?.blob_key ?? ''))
        expect(
          Buffer.from(await decrypter.decrypt(sealed)).equals(files[name]?.bytes ?? Buffer.alloc(0)),
          name,
        ).toBe(true)
      }
    } finally {
      await catalogDb.destroy()
    }
    expect(await readdir(join(server.storage, 'clean'))).toEqual([])
    expect(await readdir(join(server.storage, 'derived'))).toEqual([])
  })

  it('leaves all three processes alive, and their log without a word of what was sent', async () => {
    expect((await fetch(`${server.intakeUrl}/healthz`)).status).toBe(200)
    expect((await fetch(`${server.deskUrl}/healthz`)).status).toBe(200)
    const state = await callDesk(server, admin.token, 'GET', '/api/server')
    expect(state.json).toMatchObject({
      intakeOpen: true,
      sandbox: { proven: true },
      queue: { waiting: 0, running: 0 },
      failing: [],
    })
    for (const word of [VICTIM_MARK, 'passwd', ...Object.keys(files), folder, code.replace(/\s/g, '')]) {
      expect(server.said()).not.toContain(word)
    }
    failed = false
  })
})
