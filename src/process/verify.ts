/** Reads stored objects again and compares them with what the catalogue remembers. */
import { createHash } from 'node:crypto'
import { parseBlobKey, type BlobStore } from '../adapters/blobs/blob-store.ts'
import type { CatalogDb } from '../adapters/database/database.ts'
import type { BlobKind } from '../adapters/database/schema.ts'
import { clipBlob } from '../catalog/clips.ts'
import type { ClipId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'

const KINDS: readonly BlobKind[] = ['original', 'master', 'proxy', 'poster', 'filmstrip', 'waveform']

export type VerifiedObject = {
  readonly kind: BlobKind
  readonly found: 'same' | 'missing' | 'different'
  readonly sizeBytes: number
}
export type VerifiedClip = {
  readonly clipId: ClipId
  readonly ok: boolean
  readonly objects: readonly VerifiedObject[]
}

type VerifyDeps = { readonly catalogDb: CatalogDb; readonly blobs: BlobStore }

/** Compares size and SHA-256 of every object of a clip; opens none of them. An aborted `signal` throws its reason. */
export async function verifyClip(
  deps: VerifyDeps,
  clipId: ClipId,
  signal?: AbortSignal,
): Promise<VerifiedClip> {
  const objects: VerifiedObject[] = []
  for (const kind of KINDS) {
    const blob = await clipBlob(deps.catalogDb, clipId, kind)
    if (blob === undefined) continue
    const found = await compare(deps.blobs, blob, signal)
    objects.push({ kind, found, sizeBytes: blob.size_bytes })
  }
  return { clipId, ok: objects.every((object) => object.found === 'same'), objects }
}

/** Verifies every clip of the catalogue, one after the other. */
export async function* verifyAll(deps: VerifyDeps, signal?: AbortSignal): AsyncGenerator<VerifiedClip> {
  let after = ''
  for (;;) {
    const ids = await deps.catalogDb
      .selectFrom('clips')
      .select('id')
      .where('id', '>', after as ClipId)
      .orderBy('id')
      .limit(100)
      .execute()
    for (const { id } of ids) yield await verifyClip(deps, id, signal)
    const last = ids.at(-1)
    if (last === undefined) return
    after = last.id
  }
}

async function compare(
  blobs: BlobStore,
  expected: { area: 'sealed' | 'clean' | 'derived'; blob_key: string; size_bytes: number; sha256: string },
  signal: AbortSignal | undefined,
): Promise<VerifiedObject['found']> {
  const key = parseBlobKey(expected.blob_key)
  if (key === undefined) return 'missing'
  const hash = createHash('sha256')
  let sizeBytes = 0
  try {
    for await (const piece of await blobs.open(expected.area, key)) {
      signal?.throwIfAborted()
      const bytes = piece as Uint8Array
      hash.update(bytes)
      sizeBytes += bytes.length
    }
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return 'missing'
    throw error
  }
  return sizeBytes === expected.size_bytes && hash.digest('hex') === expected.sha256 ? 'same' : 'different'
}
