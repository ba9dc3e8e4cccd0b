/** Browsing clips and saying something about one. */
import { asStaff, assertMay, seesOnlyAssigned } from '../access/policy.ts'
import { assignedTo, changeClip } from '../catalog/annotations.ts'
import { listClips, tagsInUse, type ClipPlace } from '../catalog/clip-list.ts'
import { clipBlob } from '../catalog/clips.ts'
import { commentsOf, selectsOf } from '../catalog/marks.ts'
import { changeClipSchema, clipQuerySchema, type ClipDetail, type ClipPage } from '../contract/clips.ts'
import { parseId, type ClipId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'
import { route, type Route } from '../http/route.ts'
import { authorOf, clipFor, scopeOf, type ReviewDeps } from './deps.ts'
import { toDetail, toSummary } from './wire.ts'

/** GET and PATCH of clips. */
export function clipRoutes(deps: ReviewDeps): Route[] {
  const { catalogDb } = deps
  return [
    route({
      method: 'get',
      path: '/api/clips',
      action: 'clips.list',
      query: clipQuerySchema,
      async handle({ who, input }): Promise<ClipPage> {
        const staff = asStaff(who)
        const onlyAssigned = seesOnlyAssigned(who)
        // A translator gets clips handed to them and does not look around.
        if (onlyAssigned && (input.q !== undefined || input.tag !== undefined))
          throw new AppError('forbidden')
        const scope = scopeOf(who)
        const { clips, next } = await listClips(
          catalogDb,
          scope,
          {
            words: input.q,
            tag: input.tag,
            rating: input.rating,
            state: input.state,
            release: input.release,
          },
          { after: input.cursor === undefined ? null : readCursor(input.cursor), limit: input.limit },
        )
        return {
          clips: clips.map((view) => toSummary(view, staff)),
          next: next === null ? null : writeCursor(next),
          tags: onlyAssigned ? [] : await tagsInUse(catalogDb, scope),
        }
      },
    }),
    route({
      method: 'get',
      path: '/api/clips/:id',
      action: 'clips.read',
      async handle({ who, params }): Promise<ClipDetail> {
        const view = await clipFor(deps, who, params['id'])
        const { id } = view.row
        return toDetail(
          view,
          {
            selects: await selectsOf(catalogDb, id),
            comments: await commentsOf(catalogDb, id),
            filmstrip: await filmstripOf(deps, id),
            assigned: await assignedTo(catalogDb, id),
          },
          asStaff(who),
        )
      },
    }),
    route({
      method: 'patch',
      path: '/api/clips/:id',
      action: 'clips.change',
      body: changeClipSchema,
      async handle({ who, params, input }) {
        const { row } = await clipFor(deps, who, params['id'])
        if (input.release !== undefined) assertMay(who, 'clips.release')
        if (input.assigned !== undefined) assertMay(who, 'clips.assign')
        const assigned = input.assigned?.map((text) => {
          const id = parseId('staff', text)
          if (id === undefined) throw new AppError('invalid_request', { details: { field: 'assigned' } })
          return id
        })
        await changeClip(catalogDb, row.id, { ...input, assigned }, authorOf(deps, who))
      },
    }),
  ]
}

/** Where the tiles of the filmstrip are: five whole numbers, kept beside the picture by whoever made it. */
async function filmstripOf(deps: ReviewDeps, clipId: ClipId): Promise<ClipDetail['filmstrip']> {
  const blob = await clipBlob(deps.catalogDb, clipId, 'filmstrip')
  if (blob === undefined || blob.facts === null) return null
  const facts = JSON.parse(blob.facts) as NonNullable<ClipDetail['filmstrip']>
  return {
    count: facts.count,
    columns: facts.columns,
    everyMs: facts.everyMs,
    tileWidth: facts.tileWidth,
    tileHeight: facts.tileHeight,
  }
}

function writeCursor(place: ClipPlace): string {
  return `${place.day}.${place.id}`
}

function readCursor(text: string): ClipPlace {
  const [day = '', id = ''] = text.split('.')
  const clipId = parseId('clip', id)
  if (!/^\d{4}-\d\d-\d\d$/.test(day) || clipId === undefined || text !== `${day}.${clipId}`) {
    throw new AppError('invalid_request', { details: { field: 'cursor' } })
  }
  return { day, id: clipId }
}
