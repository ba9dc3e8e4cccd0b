/** Inspect: what is it really? Refuses what is not on the list, whatever its name or claimed type. */
import { inspectMedia } from '../inspect/inspect.ts'
import { withOriginal } from '../original.ts'
import type { Step } from '../step.ts'

/** Reads the original in the sandbox. Errors: the refusals of `inspectMedia`. */
export const inspect: Step = {
  kind: 'inspect',
  needs: 'sealed',
  leaves: 'inspected',
  judges: true,
  async run(deps, { clip, signal }) {
    const inspection = await withOriginal(deps, clip, signal, (path) =>
      inspectMedia(path, deps.tools, signal),
    )
    return { media: inspection.info }
  },
}
