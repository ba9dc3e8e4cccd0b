/** Finding clips: by words, by filters, by what has changed. Nobody finds what lies outside their scope. */
import { sql, type Expression, type ExpressionBuilder, type SqlBool } from 'kysely'
import type { CatalogDb } from '../adapters/database/database.ts'
import type { CatalogDatabase } from '../adapters/database/schema.ts'
import type { ClipId, ClipState, ProjectId, ReleaseState, StaffId } from '../domain/clip.ts'
import { viewClips, type ClipView } from './clip-views.ts'
import { matchExpression } from './search-words.ts'

/** What somebody may see: one project's clips, or of these only the ones assigned to `assignedTo`. */
export type ClipScope = { readonly projectId: ProjectId; readonly assignedTo?: StaffId }

/** Where a page ended: the day and id of its last clip. */
export type ClipPlace = { readonly day: string; readonly id: ClipId }

export type ClipFilter = {
  /** Every word must begin a word of title, reel, note or tags. No words: no restriction. */
  readonly words?: string | undefined
  readonly tag?: string | undefined
  /** At least this many stars. */
  readonly rating?: number | undefined
  readonly state?: 'working' | 'published' | 'failed' | undefined
  readonly release?: ReleaseState | undefined
}

const STATES = {
  working: ['receiving', 'quarantined', 'sealed', 'inspected', 'sanitized', 'derived'],
  published: ['published'],
  failed: ['incomplete', 'corrupt', 'refused', 'stuck'],
} as const satisfies Record<string, readonly ClipState[]>

/**
 * One page of clips, newest day first and by their random ids inside a day, and where the next page begins.
 *
 * `limit` is at most 500. `next` is null on the last page.
 */
export async function listClips(
  db: CatalogDb,
  scope: ClipScope,
  filter: ClipFilter,
  page: { readonly after: ClipPlace | null; readonly limit: number },
): Promise<{ clips: ClipView[]; next: ClipPlace | null }> {
  const match = filter.words === undefined ? undefined : matchExpression(filter.words)
  // Typed, but nothing in it is a word: that finds nothing, as any other word that is nowhere.
  if (match === undefined && (filter.words ?? '').trim() !== '') return { clips: [], next: null }

  let query = db.selectFrom('clips').selectAll()
  if (match === undefined) {
    query = query.where((eb) => inScope(eb, scope))
  } else {
    const few = await fewMatches(db, match)
    if (few?.length === 0) return { clips: [], next: null }
    query =
      few === undefined
        ? query
            .where((eb) => inScope(eb, scope))
            .where(sql<SqlBool>`id IN (SELECT clip_id FROM clip_search WHERE clip_search MATCH ${match})`)
        : query.where('id', 'in', few).where((eb) => inScope(eb, scope, 'by another index'))
  }
  if (filter.tag !== undefined) {
    const tag = filter.tag.normalize('NFC')
    query = query.where((eb) =>
      eb('id', 'in', eb.selectFrom('clip_tags').select('clip_id').where('tag', '=', tag)),
    )
  }
  if (filter.rating !== undefined) query = query.where('rating', '>=', filter.rating)
  if (filter.state !== undefined) query = query.where('state', 'in', STATES[filter.state])
  if (filter.release !== undefined) query = query.where('release', '=', filter.release)
  const { after } = page
  if (after !== null) {
    // The first condition is implied by the second, and is the one by which the index finds the place.
    query = query
      .where('received_day', '<=', after.day)
      .where((eb) => eb.or([eb('received_day', '<', after.day), eb('id', '>', after.id)]))
  }
  const rows = await query
    .orderBy('received_day', 'desc')
    .orderBy('id')
    .limit(page.limit + 1)
    .execute()
  const shown = rows.slice(0, page.limit)
  const last = shown.at(-1)
  return {
    clips: await viewClips(db, shown),
    next: rows.length > page.limit && last !== undefined ? { day: last.received_day, id: last.id } : null,
  }
}

/** Tags in use within the scope with the number of clips that carry them, commonest first. At most 500. */
export function tagsInUse(db: CatalogDb, scope: ClipScope): Promise<{ tag: string; count: number }[]> {
  return db
    .selectFrom('clip_tags')
    .innerJoin('clips', 'clips.id', 'clip_tags.clip_id')
    .where((eb) => inScope(eb, scope))
    .select(({ fn }) => ['clip_tags.tag', fn.countAll<number>().as('count')])
    .groupBy('clip_tags.tag')
    .orderBy('count', 'desc')
    .orderBy('clip_tags.tag')
    .limit(500)
    .execute()
}

/** Clips of the scope that changed after `revision`, oldest change first, at most `limit` of them. */
export async function clipsSince(
  db: CatalogDb,
  scope: ClipScope,
  revision: number,
  limit: number,
): Promise<ClipView[]> {
  const rows = await db
    .selectFrom('clips')
    .selectAll()
    .where((eb) => inScope(eb, scope, 'by another index'))
    .where('revision', '>', revision)
    .orderBy('revision')
    .limit(limit)
    .execute()
  return viewClips(db, rows)
}

/** The clip, where it is within the scope; else undefined, whether it exists or not. */
export async function findClipInScope(
  db: CatalogDb,
  scope: ClipScope,
  clipId: ClipId,
): Promise<ClipView | undefined> {
  const rows = await db
    .selectFrom('clips')
    .selectAll()
    .where('id', '=', clipId)
    .where((eb) => inScope(eb, scope))
    .execute()
  return (await viewClips(db, rows))[0]
}

/** Up to this many, clips are fetched by id and sorted; beyond, in the order of the list and tested one by one. */
const FEW = 1_000

/**
 * Ids of the clips that match, in whatever project, where they are few. SQLite cannot know how many there are, and
 * looks for a rare word by reading the whole list: 400 ms of 200,000 clips, where this takes 1.
 */
async function fewMatches(db: CatalogDb, match: string): Promise<ClipId[] | undefined> {
  const { rows } = await sql<{ clip_id: ClipId }>`
    SELECT clip_id FROM clip_search WHERE clip_search MATCH ${match} LIMIT ${FEW + 1}`.execute(db)
  return rows.length > FEW ? undefined : rows.map((row) => row.clip_id)
}

/**
 * The condition of a scope. Without statistics SQLite takes an equal project for the rarest thing there is and starts
 * from its index; where ids or revisions lead to the rows, the project is compared in a way that no index serves.
 */
function inScope(
  eb: ExpressionBuilder<CatalogDatabase, 'clips'>,
  scope: ClipScope,
  lead: 'by project' | 'by another index' = 'by project',
): Expression<SqlBool> {
  const own =
    lead === 'by project'
      ? eb('clips.project_id', '=', scope.projectId)
      : sql<SqlBool>`clips.project_id || '' = ${scope.projectId}`
  if (scope.assignedTo === undefined) return own
  return eb.and([
    own,
    eb(
      'clips.id',
      'in',
      eb.selectFrom('clip_assignments').select('clip_id').where('staff_id', '=', scope.assignedTo),
    ),
  ])
}
