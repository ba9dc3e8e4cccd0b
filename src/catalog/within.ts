/** Lets one function serve a caller that is already in a transaction and one that is not. */
import { transact, type CatalogDb } from '../adapters/database/database.ts'

/** Runs `work` in the caller's transaction, or in one of its own where `db` is not one. Errors: as `transact`. */
export function within<Result>(db: CatalogDb, work: (trx: CatalogDb) => Promise<Result>): Promise<Result> {
  return db.isTransaction ? work(db) : transact(db, work)
}
