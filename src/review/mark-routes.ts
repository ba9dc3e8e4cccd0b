/** Selects and comments: marks on the frames of a clip. */
import { asStaff } from '../access/policy.ts'
import { newId } from '../adapters/ids.ts'
import type { ClipView } from '../catalog/clip-views.ts'
import { addComment, addSelect, removeComment, removeSelect } from '../catalog/marks.ts'
import { newCommentSchema, newSelectSchema, type Comment, type Select } from '../contract/clips.ts'
import { AppError } from '../domain/errors.ts'
import { markFrames } from '../domain/timecode.ts'
import { route, type Route } from '../http/route.ts'
import { clipFor, idIn, type ReviewDeps } from './deps.ts'
import { toComment, toSelect } from './wire.ts'

/** POST and DELETE of selects and comments. A comment is taken away by its author or an administrator. */
export function markRoutes(deps: ReviewDeps): Route[] {
  const { catalogDb, clock } = deps
  return [
    route({
      method: 'post',
      path: '/api/clips/:id/selects',
      action: 'selects.write',
      body: newSelectSchema,
      async handle({ who, params, input }): Promise<Select> {
        const staff = asStaff(who)
        const view = await clipFor(deps, who, params['id'])
        if (input.outFrame > framesOf(view)) outside('outFrame')
        const mark = {
          id: newId('select'),
          clipId: view.row.id,
          inFrame: input.inFrame,
          outFrame: input.outFrame,
          label: input.label,
        }
        await addSelect(catalogDb, mark, { staffId: staff.staffId, at: clock.now() })
        return toSelect({ ...mark, by: staff.name })
      },
    }),
    route({
      method: 'delete',
      path: '/api/clips/:id/selects/:selectId',
      action: 'selects.write',
      async handle({ who, params }) {
        const { row } = await clipFor(deps, who, params['id'])
        await removeSelect(catalogDb, row.id, idIn('select', params['selectId']))
      },
    }),
    route({
      method: 'post',
      path: '/api/clips/:id/comments',
      action: 'comments.write',
      body: newCommentSchema,
      async handle({ who, params, input }): Promise<Comment> {
        const staff = asStaff(who)
        const view = await clipFor(deps, who, params['id'])
        // A still has one picture, and words about it stand at frame 0; so do words about a clip that is on its way.
        const frames = isPlayable(view) ? Math.max(1, framesOf(view)) : 1
        if (input.frame >= frames) outside('frame')
        const comment = {
          id: newId('comment'),
          clipId: view.row.id,
          frame: input.frame,
          text: input.text,
          staffId: staff.staffId,
          at: clock.now(),
        }
        await addComment(catalogDb, comment)
        return toComment({ ...comment, by: staff.name })
      },
    }),
    route({
      method: 'delete',
      path: '/api/clips/:id/comments/:commentId',
      action: 'comments.write',
      async handle({ who, params }) {
        const staff = asStaff(who)
        const { row } = await clipFor(deps, who, params['id'])
        const onlyBy = staff.role === 'admin' ? undefined : staff.staffId
        await removeComment(catalogDb, row.id, idIn('comment', params['commentId']), onlyBy)
      },
    }),
  ]
}

/** Marks count the frames of the proxy; the facts that are there before it are those of the source. */
function isPlayable(view: ClipView): boolean {
  return view.media?.kind === 'still' || view.blobs.has('proxy')
}

function framesOf(view: ClipView): number {
  if (view.media === null || !isPlayable(view)) throw new AppError('not_ready')
  return markFrames(view.media)
}

function outside(field: string): never {
  throw new AppError('invalid_request', { details: { field, rule: 'inside the clip' } })
}
