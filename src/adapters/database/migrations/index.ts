/** The ordered lists of migrations, written out: what is not here does not run. */
import type { Migration } from 'kysely/migration'
import { catalogInitial, intakeInitial, keyringInitial } from './001-initial.ts'

const step = (up: Migration['up']): Migration => ({ up })

/** For `intake.db`. */
export const INTAKE_MIGRATIONS: Record<string, Migration> = { '001-initial': step(intakeInitial) }
/** For `keyring.db`. */
export const KEYRING_MIGRATIONS: Record<string, Migration> = { '001-initial': step(keyringInitial) }
/** For `catalog.db`. */
export const CATALOG_MIGRATIONS: Record<string, Migration> = { '001-initial': step(catalogInitial) }
