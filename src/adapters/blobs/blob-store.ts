/**
 * The port to finished objects: streams and ranges, never paths.
 *
 * Promises every store keeps (tests/conformance/blob-store.test.ts): a key is there whole or not at all; what `put`
 * returned for survives a power cut; a reader never sees half an object; deleting what is not there is fine.
 */
import type { Readable } from 'node:stream'

/** `sealed` originals, `clean` masters, `derived` proxies, posters, filmstrips, waveforms. */
export type BlobArea = 'sealed' | 'clean' | 'derived'

/** Lower-case letters, digits, dots, dashes, underscores; made from our ids, never from a contributor's words. */
export type BlobKey = string & { readonly __blobKey: unique symbol }

const KEY = /^[a-z0-9][a-z0-9_-]{0,99}(\.[a-z0-9]{1,10})?$/

/** Returns `text` as a key, or undefined when it has not the form of one. The only way to make a `BlobKey`. */
export function parseBlobKey(text: string): BlobKey | undefined {
  return KEY.test(text) ? (text as BlobKey) : undefined
}

export type StoredBlob = {
  readonly sizeBytes: number
  /** Lower-case hex, of the bytes as stored. */
  readonly sha256: string
}

/** Both ends inclusive, as in HTTP. */
export type ByteRange = { readonly start: number; readonly end: number }

export interface BlobStore {
  /**
   * Stores everything `source` yields under `key`, replacing what was there, and returns when it is durable.
   * When `source` fails nothing is stored. Errors: `disk_full`, `storage_failed`.
   */
  put(area: BlobArea, key: BlobKey, source: AsyncIterable<Uint8Array>): Promise<StoredBlob>
  /** Opens an object, or a range of it, for reading. Errors: `not_found`. */
  open(area: BlobArea, key: BlobKey, range?: ByteRange): Promise<Readable>
  /** Size in bytes, or undefined when there is no such object. */
  size(area: BlobArea, key: BlobKey): Promise<number | undefined>
  /** Removes an object; fine when it is not there. */
  delete(area: BlobArea, key: BlobKey): Promise<void>
  /** Every key of an area, in no order. */
  list(area: BlobArea): AsyncIterable<BlobKey>
  /** Removes what broken `put`s left behind and returns how many. For the one writer's start: no `put` is running. */
  removeUnfinished(): Promise<number>
  /** Bytes that may still be written. */
  freeBytes(): Promise<number>
}
