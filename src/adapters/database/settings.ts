/** The few public facts in intake's database that several folders read. */
import type { IntakeDb } from './database.ts'

export type SettingKey = 'vault_recipient' | 'processing_recipient' | 'kdf_salt' | 'intake_open'

/** Reads one setting, or undefined when nobody has set it. */
export async function findSetting(db: IntakeDb, key: SettingKey): Promise<string | undefined> {
  const row = await db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst()
  return row?.value
}
