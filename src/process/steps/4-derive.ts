/** Derive: proxy, poster, filmstrip and waveform, from the clean master only. */
import { createHash } from 'node:crypto'
import { parseBlobKey } from '../../adapters/blobs/blob-store.ts'
import type { BlobKind } from '../../adapters/database/schema.ts'
import { readLocalFile, saveLocalFile } from '../../adapters/tools/local-stream.ts'
import { scratchFolder } from '../../adapters/tools/scratch.ts'
import { clipBlob } from '../../catalog/clips.ts'
import { AppError } from '../../domain/errors.ts'
import { deriveMedia, type DerivedFile } from '../derive/derive.ts'
import { mixPeaks } from '../derive/mix-peaks.ts'
import { hashing, needRoom } from '../original.ts'
import type { Step, StepDeps, StoredObject } from '../step.ts'

/** Stores what editors look at. Errors: `blob_damaged` where the master is not the one that was proven clean. */
export const derive: Step = {
  kind: 'derive',
  needs: 'sanitized',
  leaves: 'derived',
  judges: false,
  async run(deps, { clip, signal, store }) {
    const master = await clipBlob(deps.catalogDb, clip.id, 'master')
    if (master === undefined) throw new AppError('blob_damaged', { details: { what: 'master' } })
    await needRoom(deps, master.size_bytes)
    return deps.tools.withScratch(async (folder) => {
      await fetchMaster(deps, master, `${folder}/master`, signal)
      const masterPath = await deps.tools.readable(`${folder}/master`, folder)
      const outputDir = await scratchFolder(folder, 'derived')
      const made = await deriveMedia({ masterPath, outputDir, tools: deps.tools, signal })

      const objects: StoredObject[] = []
      const keep = async (kind: BlobKind, file: DerivedFile | undefined, facts?: unknown): Promise<void> => {
        if (file === undefined) return
        const source = readLocalFile(file.path, signal)
        objects.push(await store(kind, 'derived', file.extension, file.contentType, source, facts))
      }
      await keep('proxy', made.proxy)
      await keep('poster', made.poster)
      await keep('filmstrip', made.filmstrip, made.filmstrip?.facts)
      if (made.waveform !== undefined) {
        const peaks = mixPeaks(await wholeFile(made.waveform.path, signal))
        objects.push(await store('waveform', 'derived', 'json', 'application/json', once(peaks)))
      }
      return { objects, media: made.media }
    })
  },
}

async function fetchMaster(
  deps: StepDeps,
  master: { readonly blob_key: string; readonly sha256: string },
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const key = parseBlobKey(master.blob_key)
  if (key === undefined) throw new AppError('blob_damaged', { details: { what: 'master' } })
  const hash = createHash('sha256')
  await saveLocalFile(path, hashing(await deps.blobs.open('clean', key), hash), signal)
  if (hash.digest('hex') !== master.sha256)
    throw new AppError('blob_damaged', { details: { what: 'master' } })
}

async function wholeFile(path: string, signal: AbortSignal): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of readLocalFile(path, signal)) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
