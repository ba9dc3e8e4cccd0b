/** What the door's database forgets, and what it must not. */
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forgetUploads } from '../../src/jobs/upkeep.ts'
import { makeWorkerStorage, sendUpload, type WorkerStorage } from '../support/worker-storage.ts'

const DAY_MS = 86_400_000

let storage: WorkerStorage
beforeEach(async () => {
  storage = await makeWorkerStorage()
})
afterEach(async () => {
  await storage.remove()
})

/** An upload that came to its end today, in the given state; its bytes are gone from quarantine unless kept. */
async function ended(
  state: 'sealed' | 'removed' | 'complete' | 'corrupt',
  keepBytes = false,
): Promise<string> {
  const { uploadId } = await sendUpload(storage, randomBytes(1000))
  await storage.intakeDb.updateTable('uploads').set({ state }).where('id', '=', uploadId).execute()
  if (!keepBytes) await storage.segments.remove(uploadId)
  return uploadId
}

async function known(): Promise<string[]> {
  return (await storage.intakeDb.selectFrom('uploads').select('id').execute()).map(({ id }) => id).sort()
}

describe('an upload that has ended', () => {
  it('is forgotten after a week, with its segments and its letter to the worker', async () => {
    await ended('sealed')
    await ended('removed')
    expect(await forgetUploads(storage.intakeDb, storage.segments, Date.now() + 7 * DAY_MS)).toBe(0)
    expect(await forgetUploads(storage.intakeDb, storage.segments, Date.now() + 8 * DAY_MS)).toBe(2)
    for (const table of ['uploads', 'segments', 'outbox'] as const) {
      expect(await storage.intakeDb.selectFrom(table).selectAll().execute(), table).toEqual([])
    }
  })

  it('is kept while its bytes wait in quarantine, while it is not sealed, and where it was damaged', async () => {
    const ids = [await ended('sealed', true), await ended('complete'), await ended('corrupt')].sort()
    expect(await forgetUploads(storage.intakeDb, storage.segments, Date.now() + 400 * DAY_MS)).toBe(0)
    expect(await known()).toEqual(ids)
  })
})
