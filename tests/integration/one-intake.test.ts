/** Two intakes on one storage, by mistake: the second must not touch what the first is receiving. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openIntakeDb } from '../../src/adapters/database/database.ts'
import { newId, newUploadId } from '../../src/adapters/ids.ts'
import { storagePaths } from '../../src/adapters/storage-layout.ts'
import { loadConfig, type Config } from '../../src/config/config.ts'
import { prepareInstallation } from '../../src/context.ts'
import { runIntake, type RunningRole } from '../../src/roles.ts'
import { freePort } from '../../src/bench/processes.ts'

let folder: string
let running: RunningRole | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footbridge-one-intake-'))
})
afterEach(async () => {
  await running?.stop()
  await rm(folder, { recursive: true, force: true })
})

const onAnyPort = async (): Promise<Config> =>
  loadConfig({
    FOOTBRIDGE_STORAGE: folder,
    FOOTBRIDGE_INTAKE_LISTEN: `127.0.0.1:${String(await freePort())}`,
  })

it('a second intake waits for the first to be gone, and only then keeps what broken forms had sent', async () => {
  const first = await onAnyPort()
  await prepareInstallation(first, undefined, false)
  running = await runIntake(first)
  const db = openIntakeDb(storagePaths(folder).intakeDatabase)
  const id = newUploadId()
  const stateOf = async (): Promise<string> =>
    (await db.selectFrom('uploads').select('state').where('id', '=', id).executeTakeFirstOrThrow()).state
  try {
    const person = { contributor_id: newId('contrib'), project_id: newId('proj') }
    await db
      .insertInto('contributors')
      .values({
        id: person.contributor_id,
        project_id: person.project_id,
        lookup: Buffer.alloc(32, 1),
        state: 'active',
        first_use_by_day: null,
        wrapped_key: Buffer.alloc(60),
        quota_bytes: 1_000,
        used_bytes: 10,
        last_seen_day: null,
      })
      .execute()
    await db
      .insertInto('uploads')
      .values({
        ...{ id, clip_id: newId('clip'), ...person, state: 'receiving', via: 'form', length_bytes: null },
        ...{ offset_bytes: 10, type_hint: null, digest_state: null, creation_key: null, phone_matched: null },
        ...{ truncated: 0, last_active_day: '2026-11-24' },
      })
      .execute()

    const second = await onAnyPort()
    await expect(runIntake(second, 0)).rejects.toMatchObject({ code: 'storage_in_use' })
    expect(await stateOf()).toBe('receiving')

    await running.stop()
    running = await runIntake(second, 0)
    expect(await stateOf()).toBe('complete')
  } finally {
    await db.destroy()
  }
})
