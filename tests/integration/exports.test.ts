import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { binSchema } from '../../src/contract/clips.ts'
import type { ClipRow } from '../../src/catalog/clips.ts'
import type { ProjectId } from '../../src/domain/clip.ts'
import type { MediaInfo } from '../../src/domain/media.ts'
import { startDesk, type TestDesk } from '../support/desk.ts'
import { readEdl } from '../support/edl-reader.ts'
import {
  giveBlob,
  makeClip,
  makeContributor,
  makeMedia,
  makeProject,
  makeStaff,
  type SignedIn,
} from '../support/factories.ts'

const NTSC = { num: 30000, den: 1001 }

let desk: TestDesk
let projectId: ProjectId
let editor: SignedIn
let binId: string
let binCount = 0

beforeAll(async () => {
  desk = await startDesk()
  projectId = await makeProject(desk.catalogDb)
  editor = await makeStaff(desk.catalogDb, projectId, 'editor', 'Edda Colleague')
})

afterAll(() => desk.stop())

beforeEach(async () => {
  binId = await makeBin(`Act ${String(++binCount)}`)
})

async function makeBin(name: string): Promise<string> {
  return binSchema.parse(await (await desk.send(editor.token, 'POST', '/api/bins', { name })).json()).id
}

async function publish(media: MediaInfo = makeMedia()): Promise<ClipRow> {
  const contributorId = await makeContributor(
    desk.catalogDb,
    projectId,
    `Heron ${String(Math.trunc(performance.now() * 1000))}`,
  )
  const clip = await makeClip(desk.catalogDb, { projectId, contributorId, media, day: '2026-10-03' })
  const type = media.kind === 'still' ? 'image/jpeg' : media.kind === 'audio' ? 'audio/mp4' : 'video/mp4'
  await giveBlob(desk.catalogDb, desk.blobs, clip.id, 'master', Buffer.from('m'), type)
  await giveBlob(desk.catalogDb, desk.blobs, clip.id, 'proxy', Buffer.from('p'), type)
  return clip
}

async function put(
  clip: ClipRow,
  select?: { inFrame: number; outFrame: number; label: string },
): Promise<void> {
  let selectId: string | undefined
  if (select !== undefined) {
    const made = await desk.send(editor.token, 'POST', `/api/clips/${clip.id}/selects`, select)
    selectId = ((await made.json()) as { id: string }).id
  }
  const item = { clipId: clip.id, ...(selectId === undefined ? {} : { selectId }) }
  expect((await desk.send(editor.token, 'POST', `/api/bins/${binId}/items`, item)).status).toBe(204)
}

const fetchExport = (kind: 'csv' | 'edl', who = editor): Promise<Response> =>
  desk.ask(who.token, `/api/bins/${binId}/export.${kind}`)

describe('exporting a bin', () => {
  it('names the same clips, frames and reels in every format', async () => {
    const first = await publish(makeMedia({ rate: NTSC, frames: 900 }))
    const second = await publish(makeMedia({ rate: NTSC, frames: 5400 }))
    await put(first)
    await put(second, { inFrame: 1799, outFrame: 1801, label: 'door' })
    const edl = readEdl(await (await fetchExport('edl')).text(), 30)
    expect(edl.events.map(({ reel, source }) => [reel, source[0] - 107_892, source[1] - 107_892])).toEqual([
      [first.reel, 0, 900],
      [second.reel, 1799, 1801],
    ])
    expect(edl.drop).toBe(true)
    const rows = (await (await fetchExport('csv')).text()).trim().split('\r\n').slice(1)
    expect(rows.map((row) => row.split(',').slice(2, 4))).toEqual([
      [first.reel, `${first.reel}.mp4`],
      [second.reel, `${second.reel}.mp4`],
    ])
    expect(rows[1]).toContain(',01:00:59;29,01:01:00;03,00:00:00:02,1799,1801,2,')
  })

  it('comes as a file named after the bin, and the act is kept', async () => {
    await put(await publish())
    await desk.ask(editor.token, `/api/bins/${binId}/export.edl`, { method: 'HEAD' })
    const answer = await fetchExport('edl')
    expect(answer.headers.get('content-disposition')).toBe(
      `attachment; filename="bin.edl"; filename*=UTF-8''Act%20${String(binCount)}.edl`,
    )
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect((await fetchExport('csv')).headers.get('content-type')).toBe(
      'text/csv; charset=utf-8; header=present',
    )
    const acts = await desk.catalogDb
      .selectFrom('acts')
      .select(['staff_id', 'detail'])
      .where('object_id', '=', binId)
      .orderBy('id')
      .execute()
    expect(acts).toEqual([
      { staff_id: editor.staffId, detail: 'edl' },
      { staff_id: editor.staffId, detail: 'csv' },
    ])
  })

  it('gives a bin with a hostile name a harmless file name', async () => {
    binId = await makeBin('../../x"; filename="evil.exe\u2028 مشفى')
    const answer = await fetchExport('csv')
    expect(answer.headers.get('content-disposition')).toMatch(
      /^attachment; filename="bin\.csv"; filename\*=UTF-8''[\w%.-]+$/,
    )
    expect(answer.headers.get('content-disposition')).not.toMatch(/%2F|%22|%E2%80%A8/i)
  })

  it('tells nothing of sender, colleague, day, original or place', async () => {
    const clip = await publish()
    await desk.send(editor.token, 'PATCH', `/api/clips/${clip.id}`, { title: 'Ward', tags: ['t'], rating: 2 })
    await desk.send(editor.token, 'POST', `/api/clips/${clip.id}/comments`, { frame: 3, text: 'look' })
    await put(clip, { inFrame: 0, outFrame: 9, label: 'x' })
    for (const kind of ['csv', 'edl'] as const) {
      const text = await (await fetchExport(kind)).text()
      expect(text).toContain(clip.reel)
      for (const secret of [
        'Heron',
        'Edda',
        '2026',
        clip.id,
        clip.upload_id,
        clip.contributor_id,
        projectId,
        '/work',
        'localhost',
        '127.0.0.1',
      ]) {
        expect(text, secret).not.toContain(secret)
      }
    }
  })

  it('defuses formulas in the table and line ends in the list', async () => {
    const clip = await publish()
    await desk.send(editor.token, 'PATCH', `/api/clips/${clip.id}`, {
      title: '=HYPERLINK("http://x")',
      note: 'n',
    })
    await put(clip, { inFrame: 0, outFrame: 9, label: '@SUM(1)\r\nFCM: DROP FRAME' })
    expect(await (await fetchExport('csv')).text()).toContain(
      `,"'=HYPERLINK(""http://x"")","'@SUM(1)\r\nFCM: DROP FRAME",`,
    )
    expect(readEdl(await (await fetchExport('edl')).text(), 25)).toMatchObject({
      drop: false,
      events: [{ reel: clip.reel }],
    })
  })

  it('lists stills, sound and unready clips as what they are', async () => {
    await put(await publish({ kind: 'still', container: 'jpeg', durationMs: 0, sizeBytes: 1 }))
    const empty = await fetchExport('edl')
    expect([empty.status, ((await empty.json()) as { code: string }).code]).toEqual([409, 'nothing_to_cut'])
    await put(
      await publish({
        kind: 'audio',
        container: 'mp4',
        durationMs: 2000,
        sizeBytes: 1,
        audio: { codec: 'aac', channels: 2, sampleRate: 48000 },
      }),
    )
    const early = await makeClip(desk.catalogDb, { projectId, state: 'sealed' })
    await put(early)
    const text = await (await fetchExport('edl')).text()
    expect(readEdl(text, 25).events.map(({ channels }) => channels)).toEqual(['AA'])
    expect(text).toContain(`NOT READY: ${early.reel}`)
    expect(text).toContain('A STILL: ')
    expect(await (await fetchExport('csv')).text()).toContain(`\r\n3,not ready,${early.reel},,`)
  })

  it('is refused to translators, and another project has no such bin', async () => {
    await put(await publish())
    const translator = await makeStaff(desk.catalogDb, projectId, 'translator')
    const stranger = await makeStaff(desk.catalogDb, await makeProject(desk.catalogDb, 'Another'), 'editor')
    for (const kind of ['csv', 'edl'] as const) {
      expect((await fetchExport(kind, translator)).status).toBe(403)
      expect((await fetchExport(kind, stranger)).status).toBe(404)
    }
    const clip = await publish()
    const foreign = await desk.send(stranger.token, 'POST', `/api/bins/${binId}/items`, { clipId: clip.id })
    expect(foreign.status).toBe(404)
  })
})
