/** Bins: named, ordered collections of clips and selects, from which a cut goes to the edit suite. */
import type { CatalogDb } from '../adapters/database/database.ts'
import type { BinId, ClipId, ProjectId, SelectId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'
import type { SelectView } from './marks.ts'
import { within } from './within.ts'

/** One place in a bin: a whole clip, or one of its selects. `position` orders the places and names them. */
export type BinItem = {
  readonly position: number
  readonly clipId: ClipId
  readonly reel: string
  readonly title: string
  readonly select: SelectView | null
}
export type BinView = { readonly id: BinId; readonly name: string; readonly items: readonly BinItem[] }

/** The project's bins by name, with what is in them. */
export async function listBins(db: CatalogDb, projectId: ProjectId): Promise<BinView[]> {
  const bins = await db
    .selectFrom('bins')
    .select(['id', 'name'])
    .where('project_id', '=', projectId)
    .orderBy('name')
    .execute()
  const items = await itemsOf(
    db,
    bins.map(({ id }) => id),
  )
  return bins.map((bin) => ({ ...bin, items: items.get(bin.id) ?? [] }))
}

/** One bin of the project. Errors: `not_found`, the same for another project's. */
export async function getBin(db: CatalogDb, projectId: ProjectId, binId: BinId): Promise<BinView> {
  const bin = await db
    .selectFrom('bins')
    .select(['id', 'name'])
    .where('id', '=', binId)
    .where('project_id', '=', projectId)
    .executeTakeFirst()
  if (bin === undefined) throw new AppError('not_found')
  return { ...bin, items: (await itemsOf(db, [bin.id])).get(bin.id) ?? [] }
}

/** Makes an empty bin. Errors: `bin_name_taken`. */
export async function createBin(
  db: CatalogDb,
  bin: { readonly id: BinId; readonly projectId: ProjectId; readonly name: string; readonly at: number },
): Promise<void> {
  const name = bin.name.normalize('NFC')
  const made = await db
    .insertInto('bins')
    .values({ id: bin.id, project_id: bin.projectId, name, created_at: bin.at })
    .onConflict((conflict) => conflict.columns(['project_id', 'name']).doNothing())
    .executeTakeFirst()
  if (made.numInsertedOrUpdatedRows !== 1n) throw new AppError('bin_name_taken')
}

/** Removes a bin; its clips and selects stay. Errors: `not_found`. */
export async function removeBin(db: CatalogDb, projectId: ProjectId, binId: BinId): Promise<void> {
  const gone = await db
    .deleteFrom('bins')
    .where('id', '=', binId)
    .where('project_id', '=', projectId)
    .executeTakeFirst()
  if (gone.numDeletedRows === 0n) throw new AppError('not_found')
}

/** Puts a clip, or one of its selects, at the end of a bin. Errors: `not_found` where they are not of one project. */
export async function addBinItem(
  db: CatalogDb,
  projectId: ProjectId,
  binId: BinId,
  item: { readonly clipId: ClipId; readonly selectId?: SelectId | undefined },
): Promise<void> {
  await within(db, async (trx) => {
    const bin = await trx
      .selectFrom('bins')
      .select('id')
      .where('id', '=', binId)
      .where('project_id', '=', projectId)
      .executeTakeFirst()
    const clip = await trx
      .selectFrom('clips')
      .select('id')
      .where('id', '=', item.clipId)
      .where('project_id', '=', projectId)
      .executeTakeFirst()
    if (bin === undefined || clip === undefined) throw new AppError('not_found')
    if (item.selectId !== undefined) {
      const mark = await trx
        .selectFrom('selects')
        .select('id')
        .where('id', '=', item.selectId)
        .where('clip_id', '=', item.clipId)
        .executeTakeFirst()
      if (mark === undefined) throw new AppError('not_found')
    }
    const { last } = await trx
      .selectFrom('bin_items')
      .select(({ fn }) => fn.max<number | null>('position').as('last'))
      .where('bin_id', '=', binId)
      .executeTakeFirstOrThrow()
    await trx
      .insertInto('bin_items')
      .values({
        bin_id: binId,
        position: (last ?? 0) + 1,
        clip_id: item.clipId,
        select_id: item.selectId ?? null,
      })
      .execute()
  })
}

/** Takes what is at `position` out of the bin. Errors: `not_found`. */
export async function removeBinItem(
  db: CatalogDb,
  projectId: ProjectId,
  binId: BinId,
  position: number,
): Promise<void> {
  await within(db, async (trx) => {
    await getBin(trx, projectId, binId)
    const gone = await trx
      .deleteFrom('bin_items')
      .where('bin_id', '=', binId)
      .where('position', '=', position)
      .executeTakeFirst()
    if (gone.numDeletedRows === 0n) throw new AppError('not_found')
  })
}

async function itemsOf(db: CatalogDb, binIds: readonly BinId[]): Promise<Map<BinId, BinItem[]>> {
  const items = new Map<BinId, BinItem[]>()
  if (binIds.length === 0) return items
  const rows = await db
    .selectFrom('bin_items')
    .innerJoin('clips', 'clips.id', 'bin_items.clip_id')
    .leftJoin('selects', 'selects.id', 'bin_items.select_id')
    .leftJoin('staff', 'staff.id', 'selects.staff_id')
    .select([
      'bin_items.bin_id',
      'bin_items.position',
      'bin_items.clip_id',
      'clips.reel',
      'clips.title',
      'selects.id as select_id',
      'selects.in_frame',
      'selects.out_frame',
      'selects.label',
      'staff.name as by',
    ])
    .where('bin_items.bin_id', 'in', binIds)
    .orderBy('bin_items.position')
    .execute()
  for (const row of rows) {
    const select: SelectView | null =
      row.select_id === null || row.in_frame === null || row.out_frame === null
        ? null
        : {
            id: row.select_id,
            clipId: row.clip_id,
            inFrame: row.in_frame,
            outFrame: row.out_frame,
            label: row.label ?? '',
            by: row.by ?? '',
          }
    const item = { position: row.position, clipId: row.clip_id, reel: row.reel, title: row.title, select }
    const known = items.get(row.bin_id)
    if (known === undefined) items.set(row.bin_id, [item])
    else known.push(item)
  }
  return items
}
