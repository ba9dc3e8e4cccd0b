/**
 * Opens the three databases and keeps their promises.
 *
 * SQLite runs in WAL mode with `synchronous=FULL` on every connection: a reopened WAL database comes up with
 * NORMAL, under which an acknowledged commit can be lost with the power. Busy handling belongs to the
 * application, on the whole transaction: `transact` repeats it.
 */
import SQLite from 'better-sqlite3-multiple-ciphers'
import { Kysely, SqliteDialect, type Transaction } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import { AppError } from '../../domain/errors.ts'
import { CATALOG_MIGRATIONS, INTAKE_MIGRATIONS, KEYRING_MIGRATIONS } from './migrations/index.ts'
import type { CatalogDatabase, IntakeDatabase, KeyringDatabase } from './schema.ts'

export type IntakeDb = Kysely<IntakeDatabase>
export type KeyringDb = Kysely<KeyringDatabase>
export type CatalogDb = Kysely<CatalogDatabase>

const BUSY_TIMEOUT_MS = 5_000
const BUSY_ROUNDS = 5

function open<Schema>(path: string): Kysely<Schema> {
  const connection = new SQLite(path)
  connection.pragma(`busy_timeout = ${String(BUSY_TIMEOUT_MS)}`)
  connection.pragma('journal_mode = WAL')
  connection.pragma('synchronous = FULL')
  connection.pragma('foreign_keys = ON')
  // A deleted row must not stay readable in free pages.
  connection.pragma('secure_delete = ON')
  // The schema of a database that came from a backup must not be able to run functions.
  connection.pragma('trusted_schema = OFF')
  return new Kysely<Schema>({ dialect: new SqliteDialect({ database: connection }) })
}

/** Opens `intake.db` in `folder`. The folder exists; `migrate…` has run or is about to. */
export const openIntakeDb = (folder: string): IntakeDb => open<IntakeDatabase>(`${folder}/intake.db`)
/** Opens `keyring.db` in `folder`. */
export const openKeyringDb = (folder: string): KeyringDb => open<KeyringDatabase>(`${folder}/keyring.db`)
/** Opens `catalog.db` in `folder`. */
export const openCatalogDb = (folder: string): CatalogDb => open<CatalogDatabase>(`${folder}/catalog.db`)

async function migrate<Schema>(db: Kysely<Schema>, migrations: Record<string, Migration>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw new AppError('storage_failed', { cause: error })
}

/** Brings `intake.db` to the newest shape. */
export const migrateIntake = (db: IntakeDb): Promise<void> => migrate(db, INTAKE_MIGRATIONS)
/** Brings `keyring.db` to the newest shape. */
export const migrateKeyring = (db: KeyringDb): Promise<void> => migrate(db, KEYRING_MIGRATIONS)
/** Brings `catalog.db` to the newest shape. */
export const migrateCatalog = (db: CatalogDb): Promise<void> => migrate(db, CATALOG_MIGRATIONS)

/**
 * Runs `work` in one transaction and repeats the whole of it while the database is busy.
 *
 * `work` does database work only, and may run more than once.
 * Errors: what `work` throws; `busy` when the database stayed locked.
 */
export async function transact<Schema, Result>(
  db: Kysely<Schema>,
  work: (trx: Transaction<Schema>) => Promise<Result>,
): Promise<Result> {
  for (let round = 1; ; round++) {
    try {
      return await db.transaction().execute(work)
    } catch (error) {
      if (!isBusy(error)) throw error
      if (round === BUSY_ROUNDS) throw new AppError('busy', { cause: error })
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}
