import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { endSessionsOf } from '../../src/access/sessions.ts'
import { changeClip } from '../../src/catalog/annotations.ts'
import type { ClipRow } from '../../src/catalog/clips.ts'
import type { ProjectId, ReleaseState } from '../../src/domain/clip.ts'
import { startDesk, type TestDesk } from '../support/desk.ts'
import { giveBlob, makeClip, makeProject, makeStaff, type SignedIn } from '../support/factories.ts'

let desk: TestDesk
let webRoot: string
let projectId: ProjectId
let editor: SignedIn
let translator: SignedIn
let clip: ClipRow
const proxy = randomBytes(300_000)
const master = randomBytes(900_000)

beforeAll(async () => {
  webRoot = await mkdtemp(join(tmpdir(), 'footbridge-web-'))
  await mkdir(join(webRoot, 'assets'))
  await writeFile(join(webRoot, 'index.html'), '<!doctype html><title>Desk</title>')
  await writeFile(join(webRoot, 'manifest.json'), '{"secret": true}')
  await writeFile(join(webRoot, 'assets', 'main-abc123.js'), 'void 0')
  desk = await startDesk({ webRoot })
  projectId = await makeProject(desk.catalogDb)
  editor = await makeStaff(desk.catalogDb, projectId, 'editor')
  translator = await makeStaff(desk.catalogDb, projectId, 'translator')
})

afterAll(async () => {
  await desk.stop()
  await rm(webRoot, { recursive: true })
})

beforeEach(async () => {
  const { catalogDb, blobs } = desk
  clip = await makeClip(catalogDb, { projectId })
  await giveBlob(catalogDb, blobs, clip.id, 'proxy', proxy, 'video/mp4')
  await giveBlob(catalogDb, blobs, clip.id, 'master', master, 'video/mp4')
})

const by = (who: SignedIn) => ({ staffId: who.staffId, projectId: who.projectId, at: 1 })
const release = (state: ReleaseState): Promise<void> =>
  changeClip(desk.catalogDb, clip.id, { release: state }, by(editor))
const get = (who: SignedIn | undefined, kind: string, headers: Record<string, string> = {}, method = 'GET') =>
  desk.ask(who?.token, `/api/clips/${clip.id}/${kind}`, { headers, method })
const codeOf = async (answer: Response): Promise<unknown> => ((await answer.json()) as { code: unknown }).code
const bytesOf = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer())

describe('playing a clip', () => {
  it('gives the proxy whole, in parts, and as a HEAD', async () => {
    const whole = await get(editor, 'proxy')
    expect([whole.status, whole.headers.get('content-type')]).toEqual([200, 'video/mp4'])
    expect((await bytesOf(whole)).equals(proxy)).toBe(true)
    const part = await get(editor, 'proxy', { range: 'bytes=1000-1999' })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 1000-1999/300000'])
    expect((await bytesOf(part)).equals(proxy.subarray(1000, 2000))).toBe(true)
    const tail = await get(editor, 'proxy', { range: 'bytes=-5' })
    expect((await bytesOf(tail)).equals(proxy.subarray(-5))).toBe(true)
    const head = await get(editor, 'proxy', {}, 'HEAD')
    expect([head.status, head.headers.get('content-length'), (await bytesOf(head)).length]).toEqual([
      200,
      '300000',
      0,
    ])
    const outside = await get(editor, 'proxy', { range: 'bytes=300000-' })
    expect([outside.status, outside.headers.get('content-range')]).toEqual([416, 'bytes */300000'])
  })

  it('shows what is derived in place, keeps none of it in a cache, and tells no times', async () => {
    const { headers } = await get(editor, 'proxy', {}, 'HEAD')
    expect(headers.get('content-disposition')).toBeNull()
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('last-modified')).toBeNull()
    expect(headers.get('etag')).toBe(`"${createHash('sha256').update(proxy).digest('hex').slice(0, 16)}"`)
  })

  it('lets a held clip be watched, and says of what is not made yet that it is not ready', async () => {
    expect((await get(editor, 'proxy', {}, 'HEAD')).status).toBe(200)
    const poster = await get(editor, 'poster')
    expect([poster.status, await codeOf(poster)]).toEqual([409, 'not_ready'])
  })

  it('lets a translator play what is assigned to them, and answers about the rest as if it were not there', async () => {
    const before = await get(translator, 'proxy')
    expect([before.status, await codeOf(before)]).toEqual([404, 'not_found'])
    await changeClip(desk.catalogDb, clip.id, { assigned: [translator.staffId] }, by(editor))
    expect((await bytesOf(await get(translator, 'proxy'))).equals(proxy)).toBe(true)
  })

  it('answers another project exactly as it answers about a clip that does not exist', async () => {
    const stranger = await makeStaff(desk.catalogDb, await makeProject(desk.catalogDb, 'Another'), 'admin')
    for (const kind of ['proxy', 'poster', 'filmstrip', 'waveform', 'master']) {
      const foreign = await get(stranger, kind)
      const unknown = await desk.ask(stranger.token, `/api/clips/clip_${'0'.repeat(32)}/${kind}`)
      expect([foreign.status, await foreign.text()]).toEqual([404, await unknown.text()])
    }
    expect((await get(undefined, 'proxy')).status).toBe(401)
    const noted = desk.notes.filter((line) => line.includes(stranger.staffId))
    expect([noted.length, noted.filter((line) => line.includes(clip.id)).length]).toEqual([10, 5])
  })

  it('refuses the next range once the colleague is removed', async () => {
    const leaving = await makeStaff(desk.catalogDb, projectId, 'editor')
    expect((await get(leaving, 'proxy', { range: 'bytes=0-9' })).status).toBe(206)
    await endSessionsOf(desk.catalogDb, leaving.staffId)
    expect((await get(leaving, 'proxy', { range: 'bytes=10-19' })).status).toBe(401)
  })

  it('survives readers that go away in the middle', async () => {
    for (let index = 0; index < 5; index++) {
      const leave = new AbortController()
      const answer = await desk.ask(editor.token, `/api/clips/${clip.id}/proxy`, { signal: leave.signal })
      await answer.body?.getReader().read()
      leave.abort()
    }
    expect((await get(editor, 'proxy')).status).toBe(200)
    expect(desk.complaints).toEqual([])
  })
})

describe('downloading a master', () => {
  const downloads = () =>
    desk.catalogDb
      .selectFrom('acts')
      .select('staff_id')
      .where('verb', '=', 'clip.download')
      .where('object_id', '=', clip.id)
      .execute()

  it.each(['held', 'never'] as const)(
    'is refused for a clip that is %s, and no act is kept',
    async (state) => {
      await release('cleared')
      await release(state)
      const answer = await get(editor, 'master')
      expect([answer.status, await codeOf(answer)]).toEqual([403, 'clip_not_cleared'])
      expect(await downloads()).toEqual([])
    },
  )

  it('gives a cleared one under its reel name, in parts too, and keeps who took it', async () => {
    await release('cleared')
    const whole = await get(editor, 'master')
    expect(whole.headers.get('content-disposition')).toBe(`attachment; filename="${clip.reel}.mp4"`)
    expect((await bytesOf(whole)).equals(master)).toBe(true)
    const part = await get(editor, 'master', { range: 'bytes=800000-' })
    expect((await bytesOf(part)).equals(master.subarray(800_000))).toBe(true)
    await get(editor, 'master', {}, 'HEAD')
    expect(await downloads()).toEqual([{ staff_id: editor.staffId }, { staff_id: editor.staffId }])
  })

  it('stops in the middle when its reader is removed, or when the clip is held again', async () => {
    const large = Buffer.alloc(48 * 1_048_576, 1)
    const leaving = await makeStaff(desk.catalogDb, projectId, 'editor')
    const losses = [
      () =>
        desk.catalogDb
          .updateTable('staff')
          .set({ state: 'revoked' })
          .where('id', '=', leaving.staffId)
          .execute(),
      () => release('never'),
    ]
    for (const [index, lose] of losses.entries()) {
      await giveBlob(desk.catalogDb, desk.blobs, clip.id, 'master', large, 'video/mp4')
      await release('cleared')
      const reader = (await get(index === 0 ? leaving : editor, 'master')).body?.getReader()
      let got = (await reader?.read())?.value?.length ?? 0
      await lose()
      // A reader on a slow link, who would need half a minute for the rest.
      const rest = async (): Promise<void> => {
        for (;;) {
          const piece = await reader?.read()
          if (piece?.value === undefined) return
          got += piece.value.length
          await sleep(30 * (piece.value.length / 65_536))
        }
      }
      await expect(rest()).rejects.toThrow()
      expect(got).toBeLessThan(large.length)
    }
  })

  it('is not for translators, assigned or not', async () => {
    await changeClip(
      desk.catalogDb,
      clip.id,
      { assigned: [translator.staffId], release: 'cleared' },
      by(editor),
    )
    const answer = await get(translator, 'master')
    expect([answer.status, await codeOf(answer)]).toEqual([403, 'forbidden'])
    expect(await downloads()).toEqual([])
  })

  it('waits until the clip is published', async () => {
    const early = await makeClip(desk.catalogDb, { projectId, state: 'sanitized' })
    await giveBlob(desk.catalogDb, desk.blobs, early.id, 'master', master, 'video/mp4')
    await changeClip(desk.catalogDb, early.id, { release: 'cleared' }, by(editor))
    const answer = await desk.ask(editor.token, `/api/clips/${early.id}/master`)
    expect([answer.status, await codeOf(answer)]).toEqual([409, 'not_ready'])
  })
})

describe('the page', () => {
  it('is the same file for all its addresses, and is never cached', async () => {
    for (const path of ['/', '/join', `/clips/${clip.id}`, '/bins', '/people', '/server', '/vault']) {
      const answer = await desk.ask(undefined, path)
      expect([path, answer.status, await answer.text()]).toEqual([
        path,
        200,
        '<!doctype html><title>Desk</title>',
      ])
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect([answer.headers.get('etag'), answer.headers.get('last-modified')]).toEqual([null, null])
    }
  })

  it('has files that may be cached for good, because their names hold their digest', async () => {
    const answer = await desk.ask(undefined, '/assets/main-abc123.js')
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(answer.headers.get('content-type')).toMatch(/^text\/javascript/)
    expect([answer.headers.get('etag'), answer.headers.get('last-modified')]).toEqual([null, null])
  })

  it.each(['br', 'gzip', 'identity'])(
    'sends its files as %s to a browser that asks for that',
    async (encoding) => {
      const answer = await desk.ask(undefined, '/assets/main-abc123.js', {
        headers: { 'Accept-Encoding': encoding },
      })
      expect(answer.headers.get('content-encoding')).toBe(encoding === 'identity' ? null : encoding)
      expect(answer.headers.get('vary')).toBe('Accept-Encoding')
      expect(await answer.text()).toBe('void 0')
    },
  )

  it.each([
    '/manifest.json',
    '/index.html',
    '/assets/../manifest.json',
    '/assets/%2e%2e/manifest.json',
    '/assets/',
    '/nothing',
  ])('serves nothing else of its folder: %s', async (path) => {
    const answer = await desk.ask(undefined, path)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'application/problem+json'])
  })

  it('says that it is well to whoever asks', async () => {
    expect(await (await desk.ask(undefined, '/healthz')).json()).toEqual({ ok: true })
  })
})
