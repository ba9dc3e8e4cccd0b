/** The only way from an id to a path: ids have a form in which nothing that means something to a file system fits. */
import { join } from 'node:path'
import type { UploadId } from '../../domain/clip.ts'
import type { BlobArea, BlobKey } from './blob-store.ts'

/** The form that both branded types promise, checked once more at the last door. */
const PLAIN_NAME = /^[a-z0-9][a-z0-9_-]{0,99}(\.[a-z0-9]{1,10})?$/

/** Path of a finished object below `root`. Throws on anything that was forced into the type. */
export function blobPath(root: string, area: BlobArea, key: BlobKey): string {
  return join(root, plain(area), plain(key))
}

/** Path of an upload's quarantine object below `root`. Throws on anything that was forced into the type. */
export function uploadPath(root: string, id: UploadId): string {
  return join(root, plain(id))
}

function plain(name: string): string {
  if (!PLAIN_NAME.test(name)) throw new TypeError('not a name of ours')
  return name
}
