import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  migrateCatalog,
  openCatalogDb,
  transact,
  type CatalogDb,
} from '../../src/adapters/database/database.ts'
import { newId, newUploadId } from '../../src/adapters/ids.ts'
import { changeClip, type ClipChange } from '../../src/catalog/annotations.ts'
import { addBinItem, createBin, getBin } from '../../src/catalog/bins.ts'
import { clipsSince, findClipInScope, listClips, tagsInUse } from '../../src/catalog/clip-list.ts'
import {
  addClipBlob,
  clipBlob,
  findClip,
  getClip,
  latestRevision,
  moveClip,
  recordClip,
  setClipFacts,
} from '../../src/catalog/clips.ts'
import { addSelect, removeSelect } from '../../src/catalog/marks.ts'
import { CLIP_STATES, isLawfulMove, type ClipId, type ProjectId } from '../../src/domain/clip.ts'
import {
  makeClip,
  makeContributor,
  makeMedia,
  makeProject,
  makeStaff,
  type SignedIn,
} from '../support/factories.ts'

let folder: string
let db: CatalogDb
let projectId: ProjectId
let editor: SignedIn

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footbridge-catalog-'))
  db = openCatalogDb(folder)
  await migrateCatalog(db)
  projectId = await makeProject(db)
  editor = await makeStaff(db, projectId, 'editor')
})

afterEach(async () => {
  await db.destroy()
  await rm(folder, { recursive: true, force: true })
})

const change = (id: ClipId, what: ClipChange): Promise<void> =>
  changeClip(db, id, what, { staffId: editor.staffId, projectId: editor.projectId, at: 1 })

const find = async (words: string): Promise<ClipId[]> => {
  const { clips } = await listClips(db, { projectId }, { words }, { after: null, limit: 100 })
  return clips.map(({ row }) => row.id)
}

describe('recording a clip', () => {
  it('happens once however often the upload is announced', async () => {
    const upload = {
      uploadId: newUploadId(),
      projectId,
      contributorId: await makeContributor(db, projectId),
      originalBytes: 7,
      partial: true,
      day: '2026-11-24',
    }
    const first = newId('clip')
    await recordClip(db, { ...upload, clipId: first })
    const before = await getClip(db, first)
    await recordClip(db, { ...upload, clipId: newId('clip') })
    await transact(db, (trx) => recordClip(trx, { ...upload, clipId: first }))
    expect(await db.selectFrom('clips').select('id').execute()).toEqual([{ id: first }])
    expect(await getClip(db, first)).toEqual(before)
    expect(before).toMatchObject({
      state: 'quarantined',
      release: 'held',
      partial: 1,
      received_day: '2026-11-24',
    })
    expect(before.reel).toMatch(/^[A-Z]{6}\d\d$/)
  })

  it('leaves nothing behind when the transaction around it fails', async () => {
    const clipId = newId('clip')
    const contributorId = await makeContributor(db, projectId)
    const failing = transact(db, async (trx) => {
      await recordClip(trx, {
        clipId,
        uploadId: newUploadId(),
        projectId,
        contributorId,
        originalBytes: 1,
        partial: false,
        day: '2026-11-24',
      })
      throw new Error('later')
    })
    await expect(failing).rejects.toThrow('later')
    expect(await findClip(db, clipId)).toBeUndefined()
    expect((await sql`SELECT count(*) AS n FROM clip_search`.execute(db)).rows).toEqual([{ n: 0 }])
  })
})

describe('moving a clip', () => {
  it('happens once, and says whether it did', async () => {
    const { id } = await makeClip(db, { projectId, state: 'sealed' })
    const both = await Promise.all([
      moveClip(db, id, 'sealed', 'inspected'),
      moveClip(db, id, 'sealed', 'inspected'),
    ])
    expect(both.sort()).toEqual([false, true])
    expect((await getClip(db, id)).state).toBe('inspected')
  })

  it('knows lawful moves only', async () => {
    const { id } = await makeClip(db, { projectId, state: 'sealed' })
    for (const to of CLIP_STATES) {
      if (!isLawfulMove('sealed', to))
        await expect(moveClip(db, id, 'sealed', to)).rejects.toMatchObject({ code: 'internal' })
    }
    expect((await getClip(db, id)).state).toBe('sealed')
  })

  it('keeps a failure with its reason, and drops the reason when the clip goes on', async () => {
    const { id } = await makeClip(db, { projectId, state: 'sanitized' })
    await moveClip(db, id, 'sanitized', 'stuck', { reason: 'tool_failed', detail: 'ffmpeg' })
    expect(await getClip(db, id)).toMatchObject({
      state: 'stuck',
      reason: 'tool_failed',
      reason_detail: 'ffmpeg',
    })
    await moveClip(db, id, 'stuck', 'sanitized')
    expect(await getClip(db, id)).toMatchObject({ state: 'sanitized', reason: null, reason_detail: null })
  })

  it('keeps what was learnt: media, digest, certificate, objects', async () => {
    const { id } = await makeClip(db, { projectId, state: 'quarantined' })
    await moveClip(db, id, 'quarantined', 'sealed', { originalSha256: 'ab', partial: true })
    await setClipFacts(db, id, { media: makeMedia({ frames: 9 }) })
    const blob = {
      clipId: id,
      kind: 'proxy',
      area: 'derived',
      contentType: 'video/mp4',
      sizeBytes: 3,
      sha256: 'cd',
    } as const
    await addClipBlob(db, { ...blob, key: 'first' })
    await addClipBlob(db, { ...blob, key: 'second', facts: { count: 1 } })
    expect(await getClip(db, id)).toMatchObject({ original_sha256: 'ab', partial: 1 })
    expect(await clipBlob(db, id, 'proxy')).toMatchObject({ blob_key: 'second', facts: '{"count":1}' })
    expect(await clipBlob(db, id, 'master')).toBeUndefined()
    const view = await findClipInScope(db, { projectId }, id)
    expect([view?.media?.video?.frames, [...(view?.blobs ?? [])]]).toEqual([9, ['proxy']])
    await expect(setClipFacts(db, newId('clip'), {})).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('revisions', () => {
  it('grow with each visible change, and name what changed since', async () => {
    const one = await makeClip(db, { projectId })
    const two = await makeClip(db, { projectId })
    const start = await latestRevision(db)
    await change(one.id, { rating: 3 })
    const select = { id: newId('select'), clipId: two.id, inFrame: 1, outFrame: 2, label: '' }
    await addSelect(db, select, { staffId: editor.staffId, at: 1 })
    await change(one.id, { title: 'again' })
    const since = await clipsSince(db, { projectId }, start, 10)
    expect(since.map(({ row }) => row.id)).toEqual([two.id, one.id])
    expect(await clipsSince(db, { projectId }, await latestRevision(db), 10)).toEqual([])
    expect((await clipsSince(db, { projectId }, start, 1)).map(({ row }) => row.id)).toEqual([two.id])
    const other = await makeProject(db, 'Another')
    expect(await clipsSince(db, { projectId: other }, 0, 10)).toEqual([])
  })

  it('are never given twice, even to changes at the same time', async () => {
    const clips = await Promise.all(Array.from({ length: 8 }, () => makeClip(db, { projectId })))
    await Promise.all(clips.map(({ id }, index) => change(id, { rating: index % 5 })))
    const rows = await db.selectFrom('clips').select('revision').execute()
    expect(new Set(rows.map((row) => row.revision)).size).toBe(8)
  })
})

describe('search', () => {
  it('finds a clip by the beginnings of its words, in Arabic and in Latin letters', async () => {
    const { id, reel } = await makeClip(db, { projectId })
    await change(id, {
      title: 'مُسْتَشْفَى الأطفال',
      note: 'Éclairage faible, couloir nº 4',
      tags: ['Chirurgie', 'ليل'],
    })
    for (const words of [
      'مستشفي',
      'الاط',
      'eclair',
      'ECLAIRAGE',
      'chirurg',
      'ليل',
      'couloir 4',
      '٤',
      reel.toLowerCase(),
      reel.slice(0, 3),
    ]) {
      expect(await find(words), words).toEqual([id])
    }
    for (const words of ['clairage', 'couloir 5', 'nobody']) expect(await find(words), words).toEqual([])
  })

  it('forgets old words in the transaction that brings the new ones', async () => {
    const { id } = await makeClip(db, { projectId })
    await change(id, { title: 'corridor', tags: ['night'] })
    await change(id, { title: 'stairs', tags: [] })
    expect(await find('corridor')).toEqual([])
    expect(await find('night')).toEqual([])
    expect(await find('stairs')).toEqual([id])
  })

  it('leaves no word of a note that was taken back in the file', async () => {
    const { id } = await makeClip(db, { projectId })
    const inFile = async (): Promise<boolean> => {
      await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(db)
      return (await readFile(join(folder, 'catalog.db'))).includes('anzibarine')
    }
    await change(id, { note: 'zanzibarine' })
    expect(await inFile()).toBe(true)
    await change(id, { note: '' })
    expect(await inFile()).toBe(false)
  })

  it.each([
    '"',
    'a OR b',
    'NEAR(a b)',
    'words:x',
    'clip_id : *',
    '* ^ - +',
    "'; DROP TABLE clips; --",
    'a" OR "b',
    '\u0000',
  ])('takes %j for words, not for orders', async (typed) => {
    const { id } = await makeClip(db, { projectId })
    await change(id, { title: 'corridor' })
    expect(await find(typed)).toEqual([])
    expect(await find('corridor')).toEqual([id])
  })

  it('finds nothing of another project, and counts none of its tags', async () => {
    const foreign = await makeProject(db, 'Another')
    const { id } = await makeClip(db, { projectId: foreign })
    const colleague = await makeStaff(db, foreign, 'editor')
    const by = { staffId: colleague.staffId, projectId: foreign, at: 1 }
    await changeClip(db, id, { title: 'corridor', tags: ['secret'] }, by)
    expect(await find('corridor')).toEqual([])
    expect(await tagsInUse(db, { projectId })).toEqual([])
    expect(await findClipInScope(db, { projectId }, id)).toBeUndefined()
    await expect(change(id, { title: 'mine' })).rejects.toMatchObject({ code: 'not_found' })
  })

  it('filters by tag, stars, state and release, together with words', async () => {
    const good = await makeClip(db, { projectId })
    const poor = await makeClip(db, { projectId })
    const broken = await makeClip(db, { projectId, state: 'refused' })
    const early = await makeClip(db, { projectId, state: 'sealed' })
    await change(good.id, { rating: 4, tags: ['ward'], release: 'cleared', title: 'corridor' })
    await change(poor.id, { rating: 1, tags: ['ward'], title: 'corridor' })
    const list = async (filter: Parameters<typeof listClips>[2]): Promise<ClipId[]> =>
      (await listClips(db, { projectId }, filter, { after: null, limit: 10 })).clips
        .map(({ row }) => row.id)
        .sort()
    expect(await list({ tag: 'ward' })).toEqual([good.id, poor.id].sort())
    expect(await list({ tag: 'ward', rating: 2 })).toEqual([good.id])
    expect(await list({ state: 'failed' })).toEqual([broken.id])
    expect(await list({ state: 'working' })).toEqual([early.id])
    expect(await list({ state: 'published' })).toEqual([good.id, poor.id].sort())
    expect(await list({ release: 'cleared', words: 'corridor' })).toEqual([good.id])
    expect(await list({ words: '  ' })).toHaveLength(4)
    expect(await tagsInUse(db, { projectId })).toEqual([{ tag: 'ward', count: 2 }])
  })

  it('pages through everything once, newest day first, while clips go on changing', async () => {
    const made: string[] = []
    for (const day of ['2026-11-22', '2026-11-24', '2026-11-23']) {
      for (let index = 0; index < 4; index++)
        made.push(`${day} ${(await makeClip(db, { projectId, day, state: 'sealed' })).id}`)
    }
    const seen: string[] = []
    let after: Awaited<ReturnType<typeof listClips>>['next'] = null
    do {
      const page = await listClips(db, { projectId }, {}, { after, limit: 5 })
      seen.push(...page.clips.map(({ row }) => `${row.received_day} ${row.id}`))
      for (const { row } of page.clips) await change(row.id, { rating: 5 })
      after = page.next
    } while (after !== null)
    expect([...seen].sort()).toEqual([...made].sort())
    expect(seen.map((line) => line.slice(0, 10))).toEqual(
      seen
        .map((line) => line.slice(0, 10))
        .sort()
        .reverse(),
    )
  })
})

describe('annotations', () => {
  it('change only what is given, and keep acts of what matters', async () => {
    const { id } = await makeClip(db, { projectId })
    const translator = await makeStaff(db, projectId, 'translator')
    await change(id, {
      title: 'one',
      tags: ['b', 'a', 'a'],
      care: ['patient', 'child'],
      assigned: [translator.staffId],
    })
    await change(id, { note: 'two', care: ['child', 'patient'], release: 'held' })
    await change(id, { release: 'cleared' })
    const view = await findClipInScope(db, { projectId }, id)
    expect(view).toMatchObject({ tags: ['a', 'b'], care: ['child', 'patient'] })
    expect(view?.row).toMatchObject({ title: 'one', note: 'two', release: 'cleared' })
    const acts = await db
      .selectFrom('acts')
      .select(['verb', 'object_id', 'detail', 'staff_id'])
      .orderBy('id')
      .execute()
    expect(acts.map(({ verb, detail }) => `${verb}: ${detail}`)).toEqual([
      'clip.care: child patient',
      `clip.assign: ${translator.staffId}`,
      'clip.release: held to cleared',
    ])
    expect(acts.every((act) => act.object_id === id && act.staff_id === editor.staffId)).toBe(true)
  })

  it('assign nobody from outside, and change nothing where that is asked', async () => {
    const { id } = await makeClip(db, { projectId })
    const stranger = await makeStaff(db, await makeProject(db, 'Another'), 'translator')
    const asked = change(id, { title: 'new', assigned: [stranger.staffId] })
    await expect(asked).rejects.toMatchObject({ code: 'invalid_request' })
    expect((await getClip(db, id)).title).toBe('')
  })
})

describe('bins', () => {
  it('keep their order, and lose a select when it is removed', async () => {
    const clip = await makeClip(db, { projectId })
    const select = { id: newId('select'), clipId: clip.id, inFrame: 1, outFrame: 5, label: 'x' }
    await addSelect(db, select, { staffId: editor.staffId, at: 1 })
    const id = newId('bin')
    await createBin(db, { id, projectId, name: 'Act one', at: 1 })
    await addBinItem(db, projectId, id, { clipId: clip.id, selectId: select.id })
    await addBinItem(db, projectId, id, { clipId: clip.id })
    expect((await getBin(db, projectId, id)).items).toMatchObject([
      { position: 1, select: { inFrame: 1, outFrame: 5, label: 'x', by: editor.name } },
      { position: 2, select: null },
    ])
    await removeSelect(db, clip.id, select.id)
    expect((await getBin(db, projectId, id)).items.map(({ position }) => position)).toEqual([2])
    const twin = createBin(db, { id: newId('bin'), projectId, name: 'Act one', at: 1 })
    await expect(twin).rejects.toMatchObject({ code: 'bin_name_taken' })
  })

  it('take nothing from another project or another clip', async () => {
    const clip = await makeClip(db, { projectId })
    const other = await makeClip(db, { projectId })
    const foreign = await makeClip(db, { projectId: await makeProject(db, 'Another') })
    const select = { id: newId('select'), clipId: other.id, inFrame: 1, outFrame: 5, label: '' }
    await addSelect(db, select, { staffId: editor.staffId, at: 1 })
    const id = newId('bin')
    await createBin(db, { id, projectId, name: 'Act one', at: 1 })
    const missing = { code: 'not_found' }
    await expect(addBinItem(db, projectId, id, { clipId: foreign.id })).rejects.toMatchObject(missing)
    await expect(
      addBinItem(db, projectId, id, { clipId: clip.id, selectId: select.id }),
    ).rejects.toMatchObject(missing)
    await expect(addBinItem(db, foreign.project_id, id, { clipId: foreign.id })).rejects.toMatchObject(
      missing,
    )
    await expect(getBin(db, foreign.project_id, id)).rejects.toMatchObject(missing)
  })
})
