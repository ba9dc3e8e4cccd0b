/**
 * The block digest: SHA-256 over the SHA-256s of a file's 1 MiB blocks, kept across requests and restarts.
 *
 * A phone can work it out in slices with WebCrypto, which cannot hash piece by piece; a server can save it at any
 * byte. Saving needs a hash whose state can be written down, which OpenSSL's can't be: the state is that of
 * hash-wasm (about 116 bytes). It is five times slower than OpenSSL, so a fast transfer hashes with OpenSSL and keeps
 * the block's pieces at hand, to catch up with the slow hash should the transfer stop inside the block.
 */
import { createHash, type Hash } from 'node:crypto'
import { createSHA256, type IHasher } from 'hash-wasm'
import { AppError } from '../domain/errors.ts'

const BLOCK_BYTES = 1_048_576
const VERSION = 1
const STATE_BYTES = 116
/** How many transfers may keep a block at hand: 64 MiB in all. Slow ones, of which there are many, never ask. */
const FAST_PLACES = 64

/** A running digest. Several may run side by side; all work is synchronous. */
export type BlockDigest = {
  update(bytes: Uint8Array): void
  /** Lower-case hex of everything so far, as if the file ended here. */
  digest(): string
  /** What `resume` needs. As sensitive as the file's last bytes: seal it. */
  save(): Uint8Array
  /** Gives back what it holds. The digest is spent. */
  close(): void
}

/** Every state is written down after each use, so one hasher serves all. */
let shared: Promise<IHasher> | undefined
let fastTaken = 0

/** Starts a digest of nothing. */
export async function startBlockDigest(): Promise<BlockDigest> {
  const hasher = await (shared ??= createSHA256())
  return run(hasher, { outer: hasher.init().save(), inner: undefined, innerBytes: 0 })
}

/**
 * Goes on with a digest of `bytes` bytes that `save` wrote down.
 *
 * Errors: `internal` when `saved` is not such a state of that many bytes.
 */
export async function resumeBlockDigest(saved: Uint8Array, bytes: number): Promise<BlockDigest> {
  const hasher = await (shared ??= createSHA256())
  const innerBytes = bytes % BLOCK_BYTES
  const expected = 1 + STATE_BYTES * (innerBytes === 0 ? 1 : 2)
  if (saved[0] !== VERSION || saved.length !== expected) throw new AppError('internal')
  return run(hasher, {
    outer: saved.slice(1, 1 + STATE_BYTES),
    inner: innerBytes === 0 ? undefined : saved.slice(1 + STATE_BYTES),
    innerBytes,
  })
}

type State = { outer: Uint8Array; inner: Uint8Array | undefined; innerBytes: number }

function run(hasher: IHasher, state: State): BlockDigest {
  let fast: { readonly hash: Hash; readonly pieces: Uint8Array[] } | undefined
  let blocksDone = 0

  const release = (): void => {
    if (fast === undefined) return
    fast = undefined
    fastTaken--
  }
  const closeBlock = (hash: Uint8Array): void => {
    state.outer = hasher.load(state.outer).update(hash).save()
    state.inner = undefined
    state.innerBytes = 0
    blocksDone++
    release()
  }
  const innerDigest = (): Uint8Array => {
    if (fast !== undefined) return fast.hash.copy().digest()
    if (state.inner === undefined) throw new AppError('internal')
    return hasher.load(state.inner).digest('binary')
  }
  const into = (bytes: Uint8Array): void => {
    if (state.innerBytes === 0 && blocksDone > 0 && fastTaken < FAST_PLACES) {
      fast = { hash: createHash('sha256'), pieces: [] }
      fastTaken++
    }
    if (fast === undefined) {
      const running = state.inner === undefined ? hasher.init() : hasher.load(state.inner)
      state.inner = running.update(bytes).save()
    } else {
      fast.hash.update(bytes)
      fast.pieces.push(bytes)
    }
    state.innerBytes += bytes.length
  }

  return {
    update(bytes) {
      for (let at = 0; at < bytes.length;) {
        const piece = bytes.subarray(at, at + BLOCK_BYTES - state.innerBytes)
        at += piece.length
        if (piece.length === BLOCK_BYTES) {
          closeBlock(createHash('sha256').update(piece).digest())
          continue
        }
        into(piece)
        if (state.innerBytes === BLOCK_BYTES) closeBlock(innerDigest())
      }
    },
    digest() {
      if (state.innerBytes === 0) return hasher.load(state.outer).digest()
      const inner = innerDigest()
      return hasher.load(state.outer).update(inner).digest()
    },
    save() {
      if (fast !== undefined) {
        hasher.init()
        for (const piece of fast.pieces) hasher.update(piece)
        state.inner = hasher.save()
      }
      return Buffer.concat([Uint8Array.of(VERSION), state.outer, state.inner ?? new Uint8Array(0)])
    },
    close: release,
  }
}
