/** Cleans or derives one file without a server: what the command line does. */

import { join } from 'node:path'
import { deliverFile, digestLocalFile, localFileSize, makeFolder } from '../adapters/tools/local-file.ts'
import type { MediaTools } from '../adapters/tools/media-tools.ts'
import { scratchFolder } from '../adapters/tools/scratch.ts'
import { AppError } from '../domain/errors.ts'
import type { MediaInfo } from '../domain/media.ts'
import { deriveMedia } from './derive/derive.ts'
import type { FilmstripFacts } from './derive/plan.ts'
import { sanitizeMedia, type Sanitized } from './sanitize/sanitize.ts'

/** `timecode`: number the frames from 01:00:00:00 as the desk's masters do; without it, picture and sound only. */
type Options = { readonly timecode?: boolean; readonly signal?: AbortSignal }

/** What `sanitizeFile` tells; the path is the caller's own. */
export type SanitizedFile = Omit<Sanitized, 'masterPath'>

/**
 * Cleans `inPath` into `outPath`.
 *
 * Effects: `outPath` appears whole or not at all.
 * Errors: refusals (`isRefusal`), `not_found` where there is no such file, `tool_…`.
 */
export async function sanitizeFile(
  inPath: string,
  outPath: string,
  tools: MediaTools,
  { timecode = false, signal }: Options = {},
): Promise<SanitizedFile> {
  if ((await localFileSize(inPath)) === undefined) throw new AppError('not_found')
  return await tools.withScratch(async (folder) => {
    const inputPath = await tools.readable(inPath, folder)
    const { masterPath, ...told } = await sanitizeMedia({
      ...{ inputPath, outputDir: await scratchFolder(folder, 'clean'), tools, signal },
      originalSha256: await digestLocalFile(inputPath, signal),
      timecode,
    })
    await deliverFile(masterPath, outPath)
    return told
  })
}

/** What `deriveFile` made; `files` are paths by kind. */
export type DerivedFiles = {
  readonly media: MediaInfo
  readonly files: Readonly<Partial<Record<'proxy' | 'poster' | 'filmstrip' | 'waveform', string>>>
  readonly filmstrip?: FilmstripFacts
}

/**
 * Cleans `inPath` and derives everything of it into `outDir`.
 *
 * Effects: `outDir` is made, and holds `proxy`, `poster`, `filmstrip` and `waveform` files.
 * Errors: as `sanitizeFile`.
 */
export async function deriveFile(
  inPath: string,
  outDir: string,
  tools: MediaTools,
  { timecode = false, signal }: Options = {},
): Promise<DerivedFiles> {
  if ((await localFileSize(inPath)) === undefined) throw new AppError('not_found')
  return await tools.withScratch(async (folder) => {
    const inputPath = await tools.readable(inPath, folder)
    const { masterPath } = await sanitizeMedia({
      ...{ inputPath, outputDir: await scratchFolder(folder, 'clean'), tools, signal },
      originalSha256: await digestLocalFile(inputPath, signal),
      timecode,
    })
    const outputDir = await scratchFolder(folder, 'derived')
    const derived = await deriveMedia({ masterPath, outputDir, tools, signal })
    await makeFolder(outDir)
    const files: Record<string, string> = {}
    for (const kind of ['proxy', 'poster', 'filmstrip', 'waveform'] as const) {
      const made = derived[kind]
      if (made === undefined) continue
      const to = join(outDir, `${kind}.${made.extension}`)
      await deliverFile(made.path, to)
      files[kind] = to
    }
    const { filmstrip, media } = derived
    return { media, files, ...(filmstrip === undefined ? {} : { filmstrip: filmstrip.facts }) }
  })
}
