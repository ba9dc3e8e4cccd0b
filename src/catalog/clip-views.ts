/** Clips as the desk sees them: the row with its alias, tags, care flags and what can be shown already. */
import type { CatalogDb } from '../adapters/database/database.ts'
import type { BlobKind } from '../adapters/database/schema.ts'
import type { CareFlag, ClipId, ContributorId } from '../domain/clip.ts'
import type { Certificate, MediaInfo } from '../domain/media.ts'
import type { ClipRow } from './clips.ts'

/** `row` is the clip's own; `blobs` are the kinds of object that there are; lists are sorted. */
export type ClipView = {
  readonly row: ClipRow
  readonly alias: string
  readonly tags: readonly string[]
  readonly care: readonly CareFlag[]
  readonly blobs: ReadonlySet<BlobKind>
  readonly media: MediaInfo | null
  readonly certificate: Certificate | null
}

/** Completes rows to views, in the order given, with four queries however many there are. At most 500 rows. */
export async function viewClips(db: CatalogDb, rows: readonly ClipRow[]): Promise<ClipView[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const people = [...new Set(rows.map((row) => row.contributor_id))]
  const aliases = await db
    .selectFrom('contributors')
    .select(['id', 'alias'])
    .where('id', 'in', people)
    .execute()
  const tags = await db
    .selectFrom('clip_tags')
    .selectAll()
    .where('clip_id', 'in', ids)
    .orderBy('tag')
    .execute()
  const care = await db
    .selectFrom('clip_care')
    .selectAll()
    .where('clip_id', 'in', ids)
    .orderBy('flag')
    .execute()
  const blobs = await db
    .selectFrom('clip_blobs')
    .select(['clip_id', 'kind'])
    .where('clip_id', 'in', ids)
    .execute()

  const aliasOf = new Map<ContributorId, string>(aliases.map(({ id, alias }) => [id, alias]))
  const tagsOf = group(tags, (row) => row.tag)
  const careOf = group(care, (row) => row.flag)
  const blobsOf = group(blobs, (row) => row.kind)
  return rows.map((row) => ({
    row,
    alias: aliasOf.get(row.contributor_id) ?? '',
    tags: tagsOf.get(row.id) ?? [],
    care: careOf.get(row.id) ?? [],
    blobs: new Set(blobsOf.get(row.id)),
    media: read(row.media) as MediaInfo | null,
    certificate: read(row.certificate) as Certificate | null,
  }))
}

function group<Row extends { readonly clip_id: ClipId }, Value>(
  rows: readonly Row[],
  value: (row: Row) => Value,
): Map<ClipId, Value[]> {
  const groups = new Map<ClipId, Value[]>()
  for (const row of rows) {
    const known = groups.get(row.clip_id)
    if (known === undefined) groups.set(row.clip_id, [value(row)])
    else known.push(value(row))
  }
  return groups
}

/** These columns are written by `clips.ts` alone, from the types that they are read as. */
function read(json: string | null): unknown {
  return json === null ? null : JSON.parse(json)
}
