/** What the roles say about themselves at their start, for administrators: sandbox, separation, versions. */
import type { CatalogDb } from '../adapters/database/database.ts'
import type { ClipId, ProjectId } from '../domain/clip.ts'

export type ServerFacts = {
  /** Did the worker's sandbox prove itself, and which checks failed? */
  readonly sandbox: { readonly proven: boolean; readonly failed: readonly string[] }
  /** Do intake, desk and worker run as different users? */
  readonly separated: boolean
  /** Program → version. */
  readonly versions: Readonly<Record<string, string>>
}

const NOT_SAID: ServerFacts = {
  sandbox: { proven: false, failed: ['not reported yet'] },
  separated: false,
  versions: {},
}

/** Replaces one fact. */
export async function writeServerFact<Key extends keyof ServerFacts>(
  db: CatalogDb,
  key: Key,
  value: ServerFacts[Key],
): Promise<void> {
  const text = JSON.stringify(value)
  await db
    .insertInto('server_facts')
    .values({ key, value: text })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: text }))
    .execute()
}

/** Reads every fact; what nobody has said yet is answered as the worse of what it could be. */
export async function readServerFacts(db: CatalogDb): Promise<ServerFacts> {
  const rows = await db.selectFrom('server_facts').selectAll().execute()
  // Written by `writeServerFact` alone, from the same type.
  const said = Object.fromEntries(
    rows.map((row) => [row.key, JSON.parse(row.value) as unknown]),
  ) as Partial<ServerFacts>
  return { ...NOT_SAID, ...said }
}

/** Reel, state and reason of those of `ids` that belong to the project. */
export function namesOfClips(
  db: CatalogDb,
  projectId: ProjectId,
  ids: readonly ClipId[],
): Promise<{ id: ClipId; reel: string; state: string; reason_detail: string | null }[]> {
  if (ids.length === 0) return Promise.resolve([])
  return db
    .selectFrom('clips')
    .select(['id', 'reel', 'state', 'reason_detail'])
    .where('project_id', '=', projectId)
    .where('id', 'in', ids)
    .execute()
}

/** Bytes of all finished objects. */
export async function storedBytes(db: CatalogDb): Promise<number> {
  const row = await db
    .selectFrom('clip_blobs')
    .select((eb) => eb.fn.sum<number | null>('size_bytes').as('bytes'))
    .executeTakeFirstOrThrow()
  return row.bytes ?? 0
}
