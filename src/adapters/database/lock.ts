/**
 * A lock between processes that dies with its holder, by SIGKILL and power cut as well: SQLite's own on a file that
 * stays empty. Node has no other that the kernel takes back by itself.
 */
import SQLite from 'better-sqlite3-multiple-ciphers'
import { AppError } from '../../domain/errors.ts'

export type HeldLock = { release(): void }

/** Takes the lock named by the file at `path`, or returns undefined where somebody holds it. Errors: `storage_failed`. */
export function takeLock(path: string): HeldLock | undefined {
  const file = open(path)
  try {
    file.pragma('journal_mode = MEMORY')
    file.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    file.close()
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY') return undefined
    throw new AppError('storage_failed', { cause: error })
  }
  return {
    release: () => {
      file.close()
    },
  }
}

function open(path: string): SQLite.Database {
  try {
    return new SQLite(path, { timeout: 0 })
  } catch (cause) {
    throw new AppError('storage_failed', { cause })
  }
}
