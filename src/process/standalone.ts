/** Cleans or derives one file without a server: what the command line does. */

import { deliverFile, digestLocalFile, localFileSize, makeFolder } from '../adapters/tools/local-file.ts'
import type { MediaTools } from '../adapters/tools/media-tools.ts'
import { scratchFolder } from '../adapters/tools/scratch.ts'
import { AppError } from '../domain/errors.ts'
import { sanitizeMedia, type Sanitized } from './sanitize/sanitize.ts'

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
  signal?: AbortSignal,
): Promise<SanitizedFile> {
  if ((await localFileSize(inPath)) === undefined) throw new AppError('not_found')
  return await tools.withScratch(async (folder) => {
    const inputPath = await tools.readable(inPath, folder)
    const { masterPath, ...told } = await sanitizeMedia({
      ...{ inputPath, outputDir: await scratchFolder(folder, 'clean'), tools, signal },
      originalSha256: await digestLocalFile(inputPath, signal),
    })
    await deliverFile(masterPath, outPath)
    return told
  })
}
