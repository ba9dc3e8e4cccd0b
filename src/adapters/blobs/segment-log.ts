/**
 * The port to quarantine: for each upload one object that only grows, made of sealed segments laid end to end.
 *
 * Promises (tests/conformance/segment-log.test.ts): what `commit` returned for survives a power cut; bytes behind the
 * committed end are garbage of a crash and are cut off by the next `open`; a failed sync is never repeated and
 * trusted. No descriptor is held between `open` and `commit` of different segments.
 */
import type { Readable } from 'node:stream'
import type { UploadId } from '../../domain/clip.ts'

export interface SegmentWriter {
  /** Appends ciphertext. Errors: `disk_full`, `storage_failed`. */
  write(bytes: Uint8Array): Promise<void>
  /** Makes everything written durable and lets go; returns the object's new end. Errors as `write`. */
  commit(): Promise<{ endBytes: number }>
  /** Lets go without promising anything; what was written is cut off by the next `open`. */
  abandon(): Promise<void>
}

export interface SegmentLog {
  /** Starts a segment at byte `at`, the end that the database knows; anything behind it is cut off first. */
  open(id: UploadId, at: number): Promise<SegmentWriter>
  /** Reads `bytes` ciphertext bytes from byte `offset`. Errors: `not_found`. */
  read(id: UploadId, offset: number, bytes: number): Promise<Readable>
  /** Removes the object; fine when it is not there. */
  remove(id: UploadId): Promise<void>
  /** Every upload that has an object. */
  list(): AsyncIterable<UploadId>
  /** Bytes that may still be written. */
  freeBytes(): Promise<number>
}
