/** The few public facts in intake's database that access reads and sets: the vault's key, the salt, the door. */
import type { IntakeDb } from '../adapters/database/database.ts'
import { findSetting } from '../adapters/database/settings.ts'
import { isRecipient } from '../adapters/sealing.ts'
import { AppError } from '../domain/errors.ts'

/** The salt of this installation's code hashes, written as hex when storage was prepared. Errors: `config_invalid`. */
export async function readSalt(db: IntakeDb): Promise<Buffer> {
  const salt = Buffer.from((await findSetting(db, 'kdf_salt')) ?? '', 'hex')
  if (salt.length < 16) throw new AppError('config_invalid', { details: { what: 'kdf_salt' } })
  return salt
}

/** The vault's public key, or undefined while there is none. */
export function findVaultRecipient(db: IntakeDb): Promise<string | undefined> {
  return findSetting(db, 'vault_recipient')
}

/**
 * Sets the vault's public key and opens intake.
 *
 * Doing it again with the same key changes nothing. Errors: `invalid_request` for what is no recipient,
 * `vault_already_set` where another key is set: originals would go to two vaults without anybody having agreed.
 */
export async function setVaultRecipient(db: IntakeDb, recipient: string): Promise<void> {
  if (!isRecipient(recipient)) throw new AppError('invalid_request', { details: { field: 'recipient' } })
  await db
    .insertInto('settings')
    .values({ key: 'vault_recipient', value: recipient })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
  if ((await findVaultRecipient(db)) !== recipient) throw new AppError('vault_already_set')
  await db
    .insertInto('settings')
    .values({ key: 'intake_open', value: '1' })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
}

/** Is the door for new uploads open? */
export async function isIntakeOpen(db: IntakeDb): Promise<boolean> {
  return (await findSetting(db, 'intake_open')) === '1' && (await findVaultRecipient(db)) !== undefined
}

/** Opens or closes the door for new uploads. Errors: `vault_missing`: there is nobody yet to seal to. */
export async function setIntakeOpen(db: IntakeDb, open: boolean): Promise<void> {
  if (open && (await findVaultRecipient(db)) === undefined) throw new AppError('vault_missing')
  const value = open ? '1' : '0'
  await db
    .insertInto('settings')
    .values({ key: 'intake_open', value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}
