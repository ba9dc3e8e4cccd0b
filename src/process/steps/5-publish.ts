/** Publish: every part is there and as it was stored; then the clip is ready for the desk. */
import { AppError } from '../../domain/errors.ts'
import { verifyClip } from '../verify.ts'
import type { Step } from '../step.ts'

/** Reads every object again. Errors: `blob_damaged`. */
export const publish: Step = {
  kind: 'publish',
  needs: 'derived',
  leaves: 'published',
  judges: false,
  async run(deps, { clip, signal }) {
    const { objects } = await verifyClip(deps, clip.id, signal)
    const bad = objects.find((object) => object.found !== 'same')
    if (bad !== undefined) throw new AppError('blob_damaged', { details: { what: bad.kind } })
    for (const kind of ['original', 'master'] as const) {
      if (!objects.some((object) => object.kind === kind))
        throw new AppError('blob_damaged', { details: { what: kind } })
    }
    return {}
  },
}
