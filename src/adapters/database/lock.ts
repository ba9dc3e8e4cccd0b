/**
 * A lock between processes that dies with its holder, by SIGKILL and power cut as well: SQLite's own on a file that
 * stays empty. Node has no other that the kernel takes back by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import SQLite from 'better-sqlite3-multiple-ciphers'
import { AppError } from '../../domain/errors.ts'

export type HeldLock = { release(): void }

/** A role that is told to stop needs less; one that is killed, nothing. */
const LOCK_WAIT_MS = 12_000
const POLL_MS = 100

/**
 * Takes the lock named by the file at `path`, waiting for its holder to be gone.
 * Errors: `storage_in_use` where it stays, `storage_failed`.
 */
export async function waitForLock(path: string, waitMs = LOCK_WAIT_MS): Promise<HeldLock> {
  const end = performance.now() + waitMs
  for (;;) {
    const lock = takeLock(path)
    if (lock !== undefined) return lock
    if (performance.now() > end) throw new AppError('storage_in_use')
    await sleep(POLL_MS)
  }
}

/** Takes it at once, or returns undefined where somebody holds it. */
function takeLock(path: string): HeldLock | undefined {
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
