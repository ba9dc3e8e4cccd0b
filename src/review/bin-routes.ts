/** Bins and what is exported from them. */
import { asStaff } from '../access/policy.ts'
import { newId } from '../adapters/ids.ts'
import { recordAct } from '../catalog/acts.ts'
import {
  addBinItem,
  createBin,
  getBin,
  listBins,
  removeBin,
  removeBinItem,
  type BinView,
} from '../catalog/bins.ts'
import { findClipInScope } from '../catalog/clip-list.ts'
import { clipBlob } from '../catalog/clips.ts'
import { commentsOf } from '../catalog/marks.ts'
import { newBinItemSchema, newBinSchema, type Bin } from '../contract/clips.ts'
import type { ClipId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'
import type { Principal } from '../domain/people.ts'
import { route, type Call, type Route } from '../http/route.ts'
import { authorOf, clipFor, idIn, scopeOf, type ReviewDeps } from './deps.ts'
import { writeCsv } from './exports/csv.ts'
import { cutList, type CutClip, type CutItem, type CutList } from './exports/cut-list.ts'
import { writeEdl } from './exports/edl.ts'
import { toSelect } from './wire.ts'

const MAX_POSITION = 1_000_000

const EXPORTS = [
  {
    name: 'export.csv',
    extension: 'csv',
    contentType: 'text/csv; charset=utf-8; header=present',
    write: writeCsv,
  },
  { name: 'export.edl', extension: 'edl', contentType: 'text/plain; charset=utf-8', write: writeEdl },
] as const

/** Bins: list, make, fill, empty, export. */
export function binRoutes(deps: ReviewDeps): Route[] {
  const { catalogDb, clock } = deps
  return [
    route({
      method: 'get',
      path: '/api/bins',
      action: 'bins.read',
      handle: async ({ who }): Promise<{ bins: Bin[] }> => ({
        bins: (await listBins(catalogDb, asStaff(who).projectId)).map(toBin),
      }),
    }),
    route({
      method: 'post',
      path: '/api/bins',
      action: 'bins.write',
      body: newBinSchema,
      async handle({ who, input }): Promise<Bin> {
        const { projectId } = asStaff(who)
        const id = newId('bin')
        await createBin(catalogDb, { id, projectId, name: input.name, at: clock.now() })
        return toBin(await getBin(catalogDb, projectId, id))
      },
    }),
    route({
      method: 'delete',
      path: '/api/bins/:id',
      action: 'bins.write',
      handle: ({ who, params }) => removeBin(catalogDb, asStaff(who).projectId, idIn('bin', params['id'])),
    }),
    route({
      method: 'post',
      path: '/api/bins/:id/items',
      action: 'bins.write',
      body: newBinItemSchema,
      async handle({ who, params, input }) {
        const bin = idIn('bin', params['id'])
        const { row } = await clipFor(deps, who, input.clipId)
        const selectId = input.selectId === undefined ? undefined : idIn('select', input.selectId)
        await addBinItem(catalogDb, row.project_id, bin, { clipId: row.id, selectId })
      },
    }),
    route({
      method: 'delete',
      path: '/api/bins/:id/items/:position',
      action: 'bins.write',
      handle: ({ who, params }) =>
        removeBinItem(
          catalogDb,
          asStaff(who).projectId,
          idIn('bin', params['id']),
          position(params['position']),
        ),
    }),
    ...EXPORTS.map((format) =>
      route({
        method: 'get',
        path: `/api/bins/:id/${format.name}`,
        action: 'exports.read',
        handle: (call) => sendExport(deps, call, format),
      }),
    ),
  ]
}

/** An export is a list of frames, not of pictures: held clips may stand in it, their masters stay here. */
async function sendExport(
  deps: ReviewDeps,
  call: Call<undefined>,
  format: (typeof EXPORTS)[number],
): Promise<void> {
  const { who, params, req, res } = call
  const { projectId } = asStaff(who)
  const bin = await getBin(deps.catalogDb, projectId, idIn('bin', params['id']))
  const text = format.write(await cutListOf(deps, who, bin))
  if (req.method !== 'HEAD') {
    await recordAct(deps.catalogDb, authorOf(deps, who), {
      verb: 'bin.export',
      objectId: bin.id,
      detail: format.extension,
    })
  }
  res.setHeader('Content-Type', format.contentType)
  res.setHeader('Content-Disposition', attachment(bin.name, format.extension))
  res.end(text)
}

async function cutListOf(deps: ReviewDeps, who: Principal, bin: BinView): Promise<CutList> {
  const clips = new Map<ClipId, CutClip>()
  const items: CutItem[] = []
  for (const { clipId, position, select } of bin.items) {
    const clip = clips.get(clipId) ?? (await cutClip(deps, who, clipId))
    clips.set(clipId, clip)
    items.push({ position, clip, range: select })
  }
  return cutList(bin.name, items)
}

async function cutClip(deps: ReviewDeps, who: Principal, clipId: ClipId): Promise<CutClip> {
  const view = await findClipInScope(deps.catalogDb, scopeOf(who), clipId)
  if (view === undefined) throw new AppError('not_found')
  const master = await clipBlob(deps.catalogDb, clipId, 'master')
  const comments = await commentsOf(deps.catalogDb, clipId)
  return {
    reel: view.row.reel,
    title: view.row.title,
    published: view.row.state === 'published',
    media: view.media,
    masterType: master?.content_type ?? null,
    rating: view.row.rating,
    tags: view.tags,
    release: view.row.release,
    care: view.care,
    comments: comments.map(({ frame, text }) => ({ frame, text })),
  }
}

function toBin(bin: BinView): Bin {
  return {
    id: bin.id,
    name: bin.name,
    items: bin.items.map((item) => ({
      position: item.position,
      clipId: item.clipId,
      reel: item.reel,
      title: item.title,
      select: item.select === null ? null : toSelect(item.select),
    })),
  }
}

function position(text: string | undefined): number {
  const value = /^\d{1,7}$/.test(text ?? '') ? Number(text) : 0
  if (value < 1 || value > MAX_POSITION) throw new AppError('not_found')
  return value
}

/** RFC 6266: a plain name for old readers, and the bin's own in UTF-8. */
function attachment(name: string, extension: string): string {
  const own = name.replace(/[\p{C}\p{Zl}\p{Zp}"*/:<>?\\|]/gu, '_').replace(/^\.+/, '')
  const encoded = encodeURIComponent(`${own}.${extension}`).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  )
  return `attachment; filename="bin.${extension}"; filename*=UTF-8''${encoded}`
}
