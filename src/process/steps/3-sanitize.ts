/** Sanitize: makes the clean master and proves it clean; what cannot be proven is refused and stays sealed. */
import { readLocalFile } from '../../adapters/tools/local-stream.ts'
import { scratchFolder } from '../../adapters/tools/scratch.ts'
import { AppError } from '../../domain/errors.ts'
import { withOriginal } from '../original.ts'
import { sanitizeMedia } from '../sanitize/sanitize.ts'
import type { Step } from '../step.ts'

/** Stores the master. Errors: the refusals of `sanitizeMedia`. */
export const sanitize: Step = {
  kind: 'sanitize',
  needs: 'inspected',
  leaves: 'sanitized',
  judges: true,
  async run(deps, { clip, signal, store }) {
    const { original_sha256: originalSha256 } = clip
    if (originalSha256 === null) throw new AppError('internal')
    return withOriginal(deps, clip, signal, async (inputPath, folder) => {
      const outputDir = await scratchFolder(folder, 'clean')
      const made = await sanitizeMedia({
        ...{ inputPath, outputDir, tools: deps.tools, originalSha256, signal },
        timecode: true,
      })
      const source = readLocalFile(made.masterPath, signal)
      const master = await store('master', 'clean', made.extension, made.contentType, source)
      // What was proven clean is what was stored.
      if (master.sha256 !== made.certificate.masterSha256)
        throw new AppError('storage_failed', { details: { what: 'master' } })
      return {
        objects: [master],
        media: made.mediaInfo,
        certificate: made.certificate,
        ...(made.recovered ? { partial: true } : {}),
      }
    })
  },
}
