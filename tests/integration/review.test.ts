import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { endSessionsOf, IDLE_MS } from '../../src/access/sessions.ts'
import { translatorsSchema } from '../../src/contract/access.ts'
import { changeClip } from '../../src/catalog/annotations.ts'
import { moveClip, setClipFacts } from '../../src/catalog/clips.ts'
import {
  binsSchema,
  clipDetailSchema,
  clipSummarySchema,
  clipPageSchema,
  commentSchema,
  readyEventSchema,
  selectSchema,
  type ClipPage,
} from '../../src/contract/clips.ts'
import type { ProjectId } from '../../src/domain/clip.ts'
import { startDesk, type TestDesk } from '../support/desk.ts'
import {
  giveBlob,
  makeClip,
  makeContributor,
  makeMedia,
  makeProject,
  makeStaff,
  type SignedIn,
} from '../support/factories.ts'

let desk: TestDesk
let projectId: ProjectId
let editor: SignedIn
let admin: SignedIn
let translator: SignedIn

beforeAll(async () => {
  desk = await startDesk()
  projectId = await makeProject(desk.catalogDb)
  editor = await makeStaff(desk.catalogDb, projectId, 'editor', 'Edda')
  admin = await makeStaff(desk.catalogDb, projectId, 'admin')
  translator = await makeStaff(desk.catalogDb, projectId, 'translator', 'Tariq')
})

afterAll(() => desk.stop())

async function read<Schema extends z.ZodType>(
  schema: Schema,
  who: SignedIn,
  path: string,
): Promise<z.infer<Schema>> {
  const answer = await desk.ask(who.token, path)
  expect([path, answer.status]).toEqual([path, 200])
  return schema.parse(await answer.json())
}
const status = async (who: SignedIn, method: string, path: string, body?: unknown): Promise<number> =>
  (await desk.send(who.token, method, path, body)).status
const code = async (answer: Response): Promise<unknown[]> => [
  answer.status,
  ((await answer.json()) as { code: unknown }).code,
]
const list = (query = '', who = editor): Promise<ClipPage> => read(clipPageSchema, who, `/api/clips${query}`)
const idsOf = (page: ClipPage): string[] => page.clips.map(({ id }) => id)

describe('browsing', () => {
  it('shows a clip with its alias and state, and nothing that opens, names or dates its sender', async () => {
    const contributorId = await makeContributor(desk.catalogDb, projectId, 'Heron')
    const { id, reel, upload_id } = await makeClip(desk.catalogDb, {
      projectId,
      contributorId,
      day: '2026-10-01',
    })
    await giveBlob(desk.catalogDb, desk.blobs, id, 'proxy', Buffer.from('x'), 'video/mp4')
    const { clips } = await list('?limit=500')
    const mine = clips.find((clip) => clip.id === id)
    expect(mine).toMatchObject({
      reel,
      alias: 'Heron',
      state: 'published',
      release: 'held',
      hasProxy: true,
      receivedDay: '2026-10-01',
    })
    for (const path of ['/api/clips?limit=500', `/api/clips/${id}`]) {
      const text = await (await desk.ask(editor.token, path)).text()
      for (const secret of [contributorId, upload_id, 'blob_key', 'project', 'contributor'])
        expect(text).not.toContain(secret)
    }
  })

  it('says why a clip failed, in words', async () => {
    const { id } = await makeClip(desk.catalogDb, { projectId, state: 'inspected' })
    await moveClip(desk.catalogDb, id, 'inspected', 'refused', { reason: 'not_proven_clean', detail: 'gps' })
    const { clips } = await list('?state=failed')
    expect(clips.find((clip) => clip.id === id)).toMatchObject({
      reason: 'not_proven_clean',
      reasonTitle: 'The clean copy could not be proven clean',
      reasonDetail: 'gps',
    })
  })

  it('pages by a cursor, and refuses one that it did not make', async () => {
    for (let index = 0; index < 3; index++) await makeClip(desk.catalogDb, { projectId, state: 'sealed' })
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: ClipPage = await list(`?state=working&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
      seen.push(...idsOf(page))
      cursor = page.next
    }
    expect(seen.sort()).toEqual(idsOf(await list('?state=working&limit=500')).sort())
    for (const bad of ['x', '2026-01-01.clip_1', `2026-01-01.clip_${'0'.repeat(32)}.x`, "'--"]) {
      const answer = await desk.ask(editor.token, `/api/clips?cursor=${encodeURIComponent(bad)}`)
      expect(await code(answer)).toEqual([400, 'invalid_request'])
    }
    for (const query of ['limit=0', 'limit=501', 'rating=6', 'state=x', 'q=a&q=b']) {
      expect((await desk.ask(editor.token, `/api/clips?${query}`)).status).toBe(400)
    }
  })

  it('finds by words, tag and stars through the address', async () => {
    const { id } = await makeClip(desk.catalogDb, { projectId })
    await desk.send(editor.token, 'PATCH', `/api/clips/${id}`, {
      title: 'غرفة العمليات',
      tags: ['surgery'],
      rating: 4,
    })
    expect(idsOf(await list(`?q=${encodeURIComponent('غرفه عمل')}`))).toEqual([])
    expect(idsOf(await list(`?q=${encodeURIComponent('غرفه العمل')}&tag=surgery&rating=4`))).toEqual([id])
    expect(idsOf(await list('?tag=surgery&rating=5'))).toEqual([])
    expect((await list()).tags).toContainEqual({ tag: 'surgery', count: 1 })
  })

  it('has no hit, count, tag or trace of another project', async () => {
    const foreign = await makeProject(desk.catalogDb, 'Another')
    const stranger = await makeStaff(desk.catalogDb, foreign, 'editor')
    const { id } = await makeClip(desk.catalogDb, { projectId: foreign })
    await desk.send(stranger.token, 'PATCH', `/api/clips/${id}`, { note: 'xylophone', tags: ['xylo'] })
    const page = await list('?q=xylophone')
    expect([page.clips, page.next]).toEqual([[], null])
    expect(JSON.stringify(await list('?limit=500'))).not.toMatch(/xylo/)
    for (const [method, path, body] of [
      ['GET', `/api/clips/${id}`, undefined],
      ['PATCH', `/api/clips/${id}`, { rating: 1 }],
      ['POST', `/api/clips/${id}/selects`, { inFrame: 0, outFrame: 1 }],
      ['POST', `/api/clips/${id}/comments`, { frame: 0, text: 'x' }],
    ] as const) {
      const answer = await desk.send(editor.token, method, path, body)
      expect([path, ...(await code(answer))]).toEqual([path, 404, 'not_found'])
    }
    expect(idsOf(await list('?q=xylophone', stranger))).toEqual([id])
  })
})

describe('saying something about a clip', () => {
  it('changes what is sent, refuses what it does not know, and changes nothing then', async () => {
    const { id } = await makeClip(desk.catalogDb, { projectId })
    expect(
      await status(editor, 'PATCH', `/api/clips/${id}`, {
        title: ' Ward ',
        care: ['child'],
        release: 'cleared',
      }),
    ).toBe(204)
    for (const body of [
      { project_id: 'x', title: 'no' },
      { state: 'published' },
      { rating: 6 },
      { care: ['nice'] },
      { revision: 1 },
      [],
    ]) {
      expect(await status(editor, 'PATCH', `/api/clips/${id}`, body)).toBe(400)
    }
    expect(await read(clipDetailSchema, editor, `/api/clips/${id}`)).toMatchObject({
      title: 'Ward',
      care: ['child'],
      release: 'cleared',
    })
  })

  it('keeps orders, markup and formulas as the text that they are', async () => {
    const { id } = await makeClip(desk.catalogDb, { projectId })
    const words = [
      '-i /etc/passwd',
      '@file',
      '| rm -rf /',
      "'; DROP TABLE clips;--",
      '<img src=x onerror=alert(1)>',
      '=cmd|calc',
      '${7*7}',
      '\u202Etxt',
    ]
    for (const note of words) {
      await desk.send(editor.token, 'PATCH', `/api/clips/${id}`, { note, title: note, tags: [note] })
      expect(await read(clipDetailSchema, editor, `/api/clips/${id}`)).toMatchObject({
        note,
        title: note,
        tags: [note],
      })
    }
  })

  it('marks ranges and words on frames that the clip has', async () => {
    const { id } = await makeClip(desk.catalogDb, { projectId, media: makeMedia({ frames: 100 }) })
    const early = await desk.send(editor.token, 'POST', `/api/clips/${id}/selects`, {
      inFrame: 0,
      outFrame: 1,
    })
    expect(await code(early)).toEqual([409, 'not_ready'])
    await giveBlob(desk.catalogDb, desk.blobs, id, 'proxy', Buffer.from('p'), 'video/mp4')
    const select = selectSchema.parse(
      await (
        await desk.send(editor.token, 'POST', `/api/clips/${id}/selects`, {
          inFrame: 10,
          outFrame: 100,
          label: 'look',
        })
      ).json(),
    )
    expect(await status(translator, 'POST', `/api/clips/${id}/comments`, { frame: 1, text: 'no' })).toBe(404)
    const comment = commentSchema.parse(
      await (
        await desk.send(editor.token, 'POST', `/api/clips/${id}/comments`, { frame: 99, text: 'هنا' })
      ).json(),
    )
    expect([select.by, comment.by, comment.text]).toEqual(['Edda', 'Edda', 'هنا'])
    for (const range of [
      { inFrame: 0, outFrame: 101 },
      { inFrame: 5, outFrame: 5 },
      { inFrame: -1, outFrame: 2 },
      { inFrame: 0.5, outFrame: 2 },
    ]) {
      expect(await status(editor, 'POST', `/api/clips/${id}/selects`, range)).toBe(400)
    }
    expect(await status(editor, 'POST', `/api/clips/${id}/comments`, { frame: 100, text: 'x' })).toBe(400)
    expect(await status(editor, 'POST', `/api/clips/${id}/comments`, { frame: 1, text: '  ' })).toBe(400)
    const detail = await read(clipDetailSchema, editor, `/api/clips/${id}`)
    expect([detail.selects, detail.comments]).toEqual([[select], [comment]])

    const other = await makeClip(desk.catalogDb, { projectId })
    expect(await status(editor, 'DELETE', `/api/clips/${other.id}/selects/${select.id}`)).toBe(404)
    expect(await status(editor, 'DELETE', `/api/clips/${id}/selects/${select.id}`)).toBe(204)
    const colleague = await makeStaff(desk.catalogDb, projectId, 'editor')
    expect(await status(colleague, 'DELETE', `/api/clips/${id}/comments/${comment.id}`)).toBe(403)
    expect(await status(admin, 'DELETE', `/api/clips/${id}/comments/${comment.id}`)).toBe(204)
    const after = await read(clipDetailSchema, editor, `/api/clips/${id}`)
    expect([after.selects, after.comments]).toEqual([[], []])
  })

  it('lets a still be spoken about and not be cut', async () => {
    const media = { kind: 'still', container: 'jpeg', durationMs: 0, sizeBytes: 1 } as const
    const { id } = await makeClip(desk.catalogDb, { projectId, media })
    expect(await status(editor, 'POST', `/api/clips/${id}/comments`, { frame: 0, text: 'x' })).toBe(200)
    expect(await status(editor, 'POST', `/api/clips/${id}/selects`, { inFrame: 0, outFrame: 1 })).toBe(400)
  })

  it('offers the master only where it may leave', async () => {
    const { id } = await makeClip(desk.catalogDb, { projectId })
    await giveBlob(desk.catalogDb, desk.blobs, id, 'master', Buffer.from('m'), 'video/mp4')
    const tiles = { count: 9, columns: 3, everyMs: 500, tileWidth: 160, tileHeight: 90 }
    await giveBlob(desk.catalogDb, desk.blobs, id, 'filmstrip', Buffer.from('f'), 'image/jpeg', tiles)
    const may = async (): Promise<boolean> =>
      (await read(clipDetailSchema, editor, `/api/clips/${id}`)).mayDownloadMaster
    expect(await may()).toBe(false)
    await desk.send(editor.token, 'PATCH', `/api/clips/${id}`, {
      release: 'cleared',
      assigned: [translator.staffId],
    })
    expect(await may()).toBe(true)
    const seen = await read(clipDetailSchema, editor, `/api/clips/${id}`)
    expect([seen.filmstrip, seen.hasWaveform, seen.assigned]).toEqual([tiles, false, [translator.staffId]])
    const translated = await read(clipDetailSchema, translator, `/api/clips/${id}`)
    expect([
      translated.mayDownloadMaster,
      translated.alias,
      translated.assigned,
      translated.certificate,
    ]).toEqual([false, '', [], null])
  })
})

describe('a translator', () => {
  it('is named to editors, who may assign clips, by id and name and nothing else', async () => {
    const reader = await makeStaff(desk.catalogDb, projectId, 'translator')
    const elsewhere = await makeStaff(desk.catalogDb, await makeProject(desk.catalogDb), 'translator')
    const answer = await desk.ask(editor.token, '/api/translators')
    const { translators } = translatorsSchema.parse(await answer.json())
    expect(translators.map(({ id }) => id)).toContain(reader.staffId)
    expect(translators.map(({ id }) => id)).not.toContain(elsewhere.staffId)
    for (const one of translators) expect(Object.keys(one).sort()).toEqual(['id', 'name'])
    expect((await desk.ask(reader.token, '/api/translators')).status).toBe(403)
  })

  it('sees assigned clips only, does not search, and comments', async () => {
    const assigned = await makeClip(desk.catalogDb, { projectId })
    const hidden = await makeClip(desk.catalogDb, { projectId })
    const reader = await makeStaff(desk.catalogDb, projectId, 'translator')
    await desk.send(editor.token, 'PATCH', `/api/clips/${assigned.id}`, {
      assigned: [reader.staffId],
      tags: ['seen'],
    })
    await desk.send(editor.token, 'PATCH', `/api/clips/${hidden.id}`, { tags: ['hidden'] })
    const page = await list('?limit=500', reader)
    expect([idsOf(page), page.tags]).toEqual([[assigned.id], []])
    for (const query of ['q=a', 'tag=seen'])
      expect(await status(reader, 'GET', `/api/clips?${query}`)).toBe(403)
    expect(
      await status(reader, 'POST', `/api/clips/${assigned.id}/comments`, { frame: 0, text: 'says: help' }),
    ).toBe(200)
    expect(await status(reader, 'POST', `/api/clips/${hidden.id}/comments`, { frame: 0, text: 'x' })).toBe(
      404,
    )
    expect(await status(reader, 'GET', `/api/clips/${hidden.id}`)).toBe(404)
    expect(await status(reader, 'PATCH', `/api/clips/${assigned.id}`, { rating: 1 })).toBe(403)
    expect(
      await status(reader, 'POST', `/api/clips/${assigned.id}/selects`, { inFrame: 0, outFrame: 1 }),
    ).toBe(403)
    expect(await status(reader, 'GET', '/api/bins')).toBe(403)
  })
})

describe('bins', () => {
  it('are made, filled, emptied and removed', async () => {
    const { id: clipId } = await makeClip(desk.catalogDb, { projectId })
    await giveBlob(desk.catalogDb, desk.blobs, clipId, 'proxy', Buffer.from('p'), 'video/mp4')
    const made = await desk.send(editor.token, 'POST', '/api/bins', { name: 'Act one' })
    const { id } = (await made.json()) as { id: string }
    expect(await code(await desk.send(editor.token, 'POST', '/api/bins', { name: 'Act one' }))).toEqual([
      409,
      'bin_name_taken',
    ])
    const select = (await (
      await desk.send(editor.token, 'POST', `/api/clips/${clipId}/selects`, { inFrame: 1, outFrame: 2 })
    ).json()) as { id: string }
    expect(await status(editor, 'POST', `/api/bins/${id}/items`, { clipId })).toBe(204)
    expect(await status(editor, 'POST', `/api/bins/${id}/items`, { clipId, selectId: select.id })).toBe(204)
    const { bins } = await read(binsSchema, editor, '/api/bins')
    expect(bins.find((bin) => bin.id === id)?.items.map((item) => item.select?.id ?? null)).toEqual([
      null,
      select.id,
    ])
    expect(await status(editor, 'DELETE', `/api/bins/${id}/items/1`)).toBe(204)
    for (const position of ['1', '0', '-1', 'x', '99999999']) {
      expect(await status(editor, 'DELETE', `/api/bins/${id}/items/${position}`)).toBe(404)
    }
    const stranger = await makeStaff(desk.catalogDb, await makeProject(desk.catalogDb, 'Another'), 'admin')
    expect((await read(binsSchema, stranger, '/api/bins')).bins).toEqual([])
    expect(await status(stranger, 'DELETE', `/api/bins/${id}`)).toBe(404)
    expect(await status(editor, 'DELETE', `/api/bins/${id}`)).toBe(204)
    expect((await read(binsSchema, editor, '/api/bins')).bins.map((bin) => bin.id)).not.toContain(id)
  })
})

describe('live events', () => {
  it('begin with the present revision and tell each change to whoever may see it', async () => {
    const mine = await makeClip(desk.catalogDb, { projectId, state: 'sealed' })
    const hidden = await makeClip(desk.catalogDb, { projectId, state: 'sealed' })
    await changeClip(
      desk.catalogDb,
      mine.id,
      { assigned: [translator.staffId] },
      { staffId: editor.staffId, projectId, at: 1 },
    )
    const desks = await Promise.all([listen(editor), listen(translator)])
    for (const one of desks)
      expect(readyEventSchema.parse((await one.next()).data).revision).toBeGreaterThan(0)
    await moveClip(desk.catalogDb, hidden.id, 'sealed', 'inspected', { media: makeMedia() })
    await moveClip(desk.catalogDb, mine.id, 'sealed', 'inspected', { media: makeMedia() })
    const [seenByEditor, seenByTranslator] = desks
    const first = [await seenByEditor.next(), await seenByEditor.next()].map(({ event, data }) => {
      expect(event).toBe('clip')
      return clipSummarySchema.parse(data).id
    })
    expect(first).toEqual([hidden.id, mine.id])
    expect(clipSummarySchema.parse((await seenByTranslator.next()).data)).toMatchObject({
      id: mine.id,
      alias: '',
      state: 'inspected',
    })
    for (const one of desks) one.leave()
  })

  it('end when the session ends, within five seconds, with nothing more told', async () => {
    const leaving = await makeStaff(desk.catalogDb, projectId, 'editor')
    const { id } = await makeClip(desk.catalogDb, { projectId, state: 'sealed' })
    const stream = await listen(leaving)
    await stream.next()
    await endSessionsOf(desk.catalogDb, leaving.staffId)
    const started = Date.now()
    expect((await stream.next()).event).toBe('end')
    expect(Date.now() - started).toBeLessThan(5_000)
    await setClipFacts(desk.catalogDb, id, { media: makeMedia() })
    expect(desk.complaints).toEqual([])
  })

  it('do not count as use of the session, so that an unattended page signs out', async () => {
    const idle = await makeStaff(desk.catalogDb, projectId, 'editor')
    const stream = await listen(idle)
    await stream.next()
    // Three seconds are left: a stream that counted as use would win another half an hour by then.
    await desk.catalogDb
      .updateTable('staff_sessions')
      .set({ last_used_at: Date.now() - IDLE_MS.editor + 3_000 })
      .where('staff_id', '=', idle.staffId)
      .execute()
    expect((await stream.next()).event).toBe('end')
    expect((await desk.ask(idle.token, '/api/clips')).status).toBe(401)
  })

  it('end in order when the desk closes', async () => {
    const other = await startDesk()
    const film = await makeProject(other.catalogDb)
    const stream = await listen(await makeStaff(other.catalogDb, film, 'editor'), other)
    await stream.next()
    const started = Date.now()
    const stopped = other.stop()
    expect((await stream.next()).event).toBe('end')
    await stopped
    // A stream's connection that stayed open would hold the desk for all of the two seconds that it grants.
    expect(Date.now() - started).toBeLessThan(1_500)
  })
})

type Heard = { readonly event: string; readonly data: unknown }

/** Reads server-sent events one by one; the end of the stream is an event of its own. */
async function listen(who: SignedIn, at = desk): Promise<{ next(): Promise<Heard>; leave(): void }> {
  const leave = new AbortController()
  const answer = await at.ask(who.token, '/api/clips/events', { signal: leave.signal })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/event-stream; charset=utf-8',
  ])
  if (answer.body === null) throw new Error('no stream')
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return {
    leave: () => leave.abort(),
    async next() {
      for (;;) {
        const end = text.indexOf('\n\n')
        if (end >= 0) {
          const block = text.slice(0, end)
          text = text.slice(end + 2)
          const event = /^event: (.*)$/m.exec(block)?.[1]
          if (event !== undefined)
            return { event, data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null') as unknown }
          continue
        }
        const { value, done } = await reader.read()
        if (done) return { event: 'end', data: null }
        text += value
      }
    },
  }
}
