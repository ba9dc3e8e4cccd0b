/** Random identifiers: 128 bits, no time in them, no order. */
import { randomBytes } from 'node:crypto'
import type { Id, UploadId } from '../domain/clip.ts'
import { parseUploadId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'

/** Makes `prefix_` and 32 random hex digits. */
export function newId<P extends string>(prefix: P): Id<P> {
  return `${prefix}_${randomBytes(16).toString('hex')}`
}

/** Makes an upload's id: 32 random hex digits. */
export function newUploadId(): UploadId {
  const id = parseUploadId(randomBytes(16).toString('hex'))
  if (id === undefined) throw new AppError('internal')
  return id
}
