/** The words of a clip, in the same database and the same transaction as the clip. */
import { sql } from 'kysely'
import type { CatalogDb } from '../adapters/database/database.ts'
import type { ClipId } from '../domain/clip.ts'
import { foldWords } from './search-words.ts'

/**
 * Brings the clip's words in the search up to date: title, reel, note and tags. To be called in the transaction
 * that changed one of them.
 */
export async function indexClip(trx: CatalogDb, clipId: ClipId): Promise<void> {
  const clip = await trx
    .selectFrom('clips')
    .select(['reel', 'title', 'note'])
    .where('id', '=', clipId)
    .executeTakeFirst()
  if (clip === undefined) return
  const tags = await trx.selectFrom('clip_tags').select('tag').where('clip_id', '=', clipId).execute()
  const words = [clip.title, clip.reel, clip.note, ...tags.map(({ tag }) => tag)].map(foldWords).join(' ')
  const row = searchRow(clipId)
  await sql`DELETE FROM clip_search WHERE rowid = ${row}`.execute(trx)
  await sql`INSERT INTO clip_search (rowid, clip_id, words) VALUES (${row}, ${clipId}, ${words})`.execute(trx)
}

/**
 * The row of a clip in the search table: 60 of its 128 random bits. FTS5 finds rows by number only; by `clip_id` each
 * change would read the whole table. Two of a million clips share a number once in two million installations, and
 * then one of them is found by its filters only.
 */
function searchRow(clipId: ClipId): bigint {
  return BigInt(`0x${clipId.slice('clip_'.length, 'clip_'.length + 15)}`)
}
