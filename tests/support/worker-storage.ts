/** Storage as intake leaves it: sealed segments in quarantine, their rows and a letter in the outbox. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { BlobStore } from '../../src/adapters/blobs/blob-store.ts'
import { createDiskBlobStore } from '../../src/adapters/blobs/disk-blob-store.ts'
import { createDiskSegmentLog } from '../../src/adapters/blobs/disk-segment-log.ts'
import type { SegmentLog } from '../../src/adapters/blobs/segment-log.ts'
import {
  migrateCatalog,
  migrateIntake,
  migrateKeyring,
  openCatalogDb,
  openIntakeDb,
  openKeyringDb,
  type CatalogDb,
  type IntakeDb,
  type KeyringDb,
} from '../../src/adapters/database/database.ts'
import { newId, newUploadId } from '../../src/adapters/ids.ts'
import type { Logger } from '../../src/adapters/logger.ts'
import { createAgeWriter, generateKeyPair, type AgeKeyPair } from '../../src/adapters/sealing.ts'
import { createMediaTools, type MediaTools } from '../../src/adapters/tools/media-tools.ts'
import { findClip, type ClipRow } from '../../src/catalog/clips.ts'
import type { ClipId, ContributorId, ProjectId, UploadId } from '../../src/domain/clip.ts'
import type { ProcessingKeys } from '../../src/process/step.ts'
import { makeContributor, makeProject } from './factories.ts'

/** Everything that a worker is handed, opened on the storage of a test. */
export type OpenedStorage = {
  readonly intakeDb: IntakeDb
  readonly keyringDb: KeyringDb
  readonly catalogDb: CatalogDb
  readonly segments: SegmentLog
  readonly blobs: BlobStore
  readonly tools: MediaTools
  readonly keys: ProcessingKeys
  close(): Promise<void>
}

/** Opens storage that `makeWorkerStorage` made: what each process does for itself. */
export async function openWorkerStorage(root: string): Promise<OpenedStorage> {
  const [intakeDb, keyringDb, catalogDb] = [openIntakeDb(root), openKeyringDb(root), openCatalogDb(root)]
  return {
    intakeDb,
    keyringDb,
    catalogDb,
    segments: createDiskSegmentLog(`${root}/quarantine`),
    blobs: await createDiskBlobStore(root),
    tools: createMediaTools({ scratchRoot: `${root}/scratch` }),
    keys: JSON.parse(await readFile(`${root}/processing.json`, 'utf8')) as ProcessingKeys,
    async close() {
      await Promise.all([intakeDb.destroy(), keyringDb.destroy(), catalogDb.destroy()])
    },
  }
}

export type WorkerStorage = OpenedStorage & {
  readonly root: string
  readonly vault: AgeKeyPair
  readonly projectId: ProjectId
  readonly contributorId: ContributorId
  /** Closes and removes it. */
  remove(): Promise<void>
}

/** Makes storage with a vault, a processing key, a film and a contributor. */
export async function makeWorkerStorage(): Promise<WorkerStorage> {
  const root = await mkdtemp(join(tmpdir(), 'worker-'))
  for (const name of ['quarantine', 'scratch']) await mkdir(`${root}/${name}`, { mode: 0o700 })
  const vault = await generateKeyPair()
  const pair = await generateKeyPair()
  const keys: ProcessingKeys = { processingIdentity: pair.identity, processingRecipient: pair.recipient }
  await writeFile(`${root}/processing.json`, JSON.stringify(keys), { mode: 0o600 })
  const opened = await openWorkerStorage(root)
  await migrateIntake(opened.intakeDb)
  await migrateKeyring(opened.keyringDb)
  await migrateCatalog(opened.catalogDb)
  await opened.intakeDb
    .insertInto('settings')
    .values([
      { key: 'vault_recipient', value: vault.recipient },
      { key: 'processing_recipient', value: pair.recipient },
    ])
    .execute()
  const projectId = await makeProject(opened.catalogDb)
  const storage = { ...opened, root, vault, projectId }
  return {
    ...storage,
    contributorId: await addContributor(storage),
    async remove() {
      await opened.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Another contributor, known to both databases. */
export async function addContributor(
  storage: Pick<WorkerStorage, 'catalogDb' | 'intakeDb' | 'projectId'>,
): Promise<ContributorId> {
  const id = await makeContributor(storage.catalogDb, storage.projectId)
  await storage.intakeDb
    .insertInto('contributors')
    .values({
      id,
      project_id: storage.projectId,
      lookup: randomBytes(32),
      state: 'active',
      first_use_by_day: null,
      wrapped_key: randomBytes(60),
      quota_bytes: 10 ** 12,
      used_bytes: 0,
      last_seen_day: null,
    })
    .execute()
  return id
}

export type Sent = { readonly uploadId: UploadId; readonly clipId: ClipId; readonly sha256: string }

/** What intake does for a complete upload, in segments of `segmentBytes`. */
export async function sendUpload(
  storage: WorkerStorage,
  bytes: Uint8Array,
  more: { segmentBytes?: number; contributorId?: ContributorId; truncatedFrom?: number } = {},
): Promise<Sent> {
  const uploadId = newUploadId()
  const clipId = newId('clip')
  const segmentBytes = more.segmentBytes ?? 100_000
  const segments: { plain_offset: number; plain_bytes: number; file_offset: number; file_bytes: number }[] =
    []
  let end = 0
  for (let at = 0; at < bytes.length; at += segmentBytes) {
    const plain = bytes.subarray(at, at + segmentBytes)
    const age = await createAgeWriter([storage.vault.recipient, storage.keys.processingRecipient])
    const log = await storage.segments.open(uploadId, end)
    await log.write(age.head)
    await log.write(age.update(plain))
    await log.write(age.final())
    const { endBytes } = await log.commit()
    segments.push({
      plain_offset: at,
      plain_bytes: plain.length,
      file_offset: end,
      file_bytes: endBytes - end,
    })
    end = endBytes
  }
  await storage.intakeDb.transaction().execute(async (trx) => {
    await trx
      .insertInto('uploads')
      .values({
        id: uploadId,
        clip_id: clipId,
        contributor_id: more.contributorId ?? storage.contributorId,
        project_id: storage.projectId,
        state: 'complete',
        via: 'tus',
        length_bytes: more.truncatedFrom ?? bytes.length,
        offset_bytes: bytes.length,
        type_hint: null,
        digest_state: null,
        creation_key: null,
        phone_matched: null,
        truncated: more.truncatedFrom === undefined ? 0 : 1,
        last_active_day: '2026-11-24',
      })
      .execute()
    for (const [seq, segment] of segments.entries()) {
      await trx
        .insertInto('segments')
        .values({ upload_id: uploadId, part: 0, seq, ...segment })
        .execute()
    }
    const letter = {
      id: randomBytes(16).toString('hex'),
      kind: 'upload_complete',
      upload_id: uploadId,
      done: 0,
    } as const
    await trx.insertInto('outbox').values(letter).execute()
  })
  return { uploadId, clipId, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** Waits until `look` gives something; fails with what it last saw. */
export async function until<Result>(
  what: string,
  look: () => Promise<Result | undefined> | Result | undefined,
  timeoutMs = 60_000,
): Promise<Result> {
  const end = Date.now() + timeoutMs
  for (;;) {
    const result = await look()
    if (result !== undefined) return result
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** Waits until the clip is in one of `states`, and returns its row. */
export function clipIn(
  storage: OpenedStorage,
  clipId: ClipId,
  ...states: ClipRow['state'][]
): Promise<ClipRow> {
  let seen: unknown
  return until(`clip is ${states.join(' or ')}`, async () => {
    const row = await findClip(storage.catalogDb, clipId)
    seen = row
    return row !== undefined && states.includes(row.state) ? row : undefined
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; last seen: ${JSON.stringify(seen)}`)
  })
}

/** Every file name below the areas of objects, in order. */
export async function objectsOnDisk(root: string): Promise<string[]> {
  const areas = await Promise.all(
    ['sealed', 'clean', 'derived'].map(async (area) =>
      (await readdir(`${root}/${area}`)).map((name) => `${area}/${name}`),
    ),
  )
  return areas.flat().sort()
}

/** Every object that the catalogue names, in the same form. */
export async function objectsInCatalog(db: CatalogDb): Promise<string[]> {
  const rows = await db.selectFrom('clip_blobs').select(['area', 'blob_key']).execute()
  return rows.map((row) => `${row.area}/${row.blob_key}`).sort()
}

/** A log that keeps its lines. */
export function collectingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = []
  const keep = (level: string, message: string, rest: unknown): void => {
    lines.push(`${level} ${message} ${JSON.stringify(rest ?? {})}`)
  }
  return {
    lines,
    info: (message, fields) => {
      keep('info', message, fields)
    },
    warn: (message, fields) => {
      keep('warn', message, fields)
    },
    error: (message, error, fields) => {
      // More than the product's own log would say: a leak in an error's words is a leak, too.
      keep('error', message, { ...fields, error: inspect(error) })
    },
  }
}
