/**
 * The block digest of a chosen file, worked out in slices: never more than one block in memory.
 *
 * Each block is hashed once; a long clip is hashed while it is being sent.
 */
import { DIGEST_BLOCK_BYTES } from '../../domain/upload.ts'

export type FileDigest = {
  /** Hashes the whole blocks that end before byte `end`, for later. */
  prepare(end: number): Promise<void>
  /** Lower-case hex of the first `end` bytes, as if the file ended there. Rejects when the file cannot be read. */
  upTo(end: number): Promise<string>
}

/** Can this browser hash? Only pages from a secure address may. */
export function canHash(): boolean {
  return typeof crypto === 'object' && (crypto as { subtle?: unknown }).subtle !== undefined
}

/** Starts a digest of `file`. */
export function digestOf(file: Blob): FileDigest {
  const blocks: ArrayBuffer[] = []
  let working: Promise<void> = Promise.resolve()

  const advance = async (end: number): Promise<void> => {
    while ((blocks.length + 1) * DIGEST_BLOCK_BYTES <= end) {
      blocks.push(await sha256(await readSlice(file, blocks.length * DIGEST_BLOCK_BYTES, DIGEST_BLOCK_BYTES)))
    }
  }
  const prepare = (end: number): Promise<void> => {
    // One after the other, so that no block is hashed twice.
    working = working.then(
      () => advance(end),
      () => advance(end),
    )
    return working
  }
  return {
    prepare,
    async upTo(end) {
      await prepare(end)
      const whole = Math.floor(end / DIGEST_BLOCK_BYTES)
      const parts = blocks.slice(0, whole)
      const rest = end % DIGEST_BLOCK_BYTES
      if (rest > 0) parts.push(await sha256(await readSlice(file, whole * DIGEST_BLOCK_BYTES, rest)))
      const digest = await sha256(joined(parts))
      return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
    },
  }
}

/** Can the phone still read the file? Pickers hand out files that later move or go. */
export async function isReadable(file: Blob): Promise<boolean> {
  try {
    await readSlice(file, 0, 1)
    return true
  } catch {
    return false
  }
}

function sha256(bytes: ArrayBuffer): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', bytes)
}

/** By way of FileReader: `Blob.arrayBuffer` is younger than some of our phones. */
function readSlice(file: Blob, at: number, bytes: number): Promise<ArrayBuffer> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => {
      resolve(reader.result as ArrayBuffer)
    }
    reader.onerror = () => {
      reject(reader.error ?? new Error('unreadable'))
    }
    reader.readAsArrayBuffer(file.slice(at, at + bytes))
  })
}

function joined(parts: readonly ArrayBuffer[]): ArrayBuffer {
  const all = new Uint8Array(parts.length * 32)
  parts.forEach((part, at) => {
    all.set(new Uint8Array(part), at * 32)
  })
  return all.buffer
}
