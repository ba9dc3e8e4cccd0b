/** What is seen and heard of a clip: proxies and pictures to those who may see it, masters to those who may have it. */
import { asStaff } from '../access/policy.ts'
import type { Call, Route } from '../http/route.ts'
import { route } from '../http/route.ts'
import { sendBlob } from '../http/ranges.ts'
import { parseBlobKey } from '../adapters/blobs/blob-store.ts'
import { recordAct } from '../catalog/acts.ts'
import { findClipInScope } from '../catalog/clip-list.ts'
import { clipBlob, type ClipBlobRow } from '../catalog/clips.ts'
import type { ClipId, ReleaseState } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'
import { authorOf, clipFor, scopeOf, type ReviewDeps } from './deps.ts'
import { masterFileName } from './exports/cut-list.ts'
import { isMasterReady } from './wire.ts'

/** A master over a slow link takes hours: who loses the right to it meanwhile gets no more of it after this long. */
const CHECK_MS = 2_000
const IN_PLACE = ['proxy', 'poster', 'filmstrip', 'waveform'] as const

/** Routes that answer with the objects of a clip, by range. */
export function playbackRoutes(deps: ReviewDeps): Route[] {
  return [
    ...IN_PLACE.map((kind) =>
      route({
        method: 'get',
        path: `/api/clips/:id/${kind}`,
        action: 'clips.play',
        async handle(call) {
          const { row } = await clipFor(deps, call.who, call.params['id'])
          const blob = await clipBlob(deps.catalogDb, row.id, kind)
          if (blob === undefined) throw new AppError('not_ready')
          await whileAllowed(deps, call, row.id, undefined, () => send(deps, call, blob))
        },
      }),
    ),
    route({
      method: 'get',
      path: '/api/clips/:id/master',
      action: 'clips.download',
      handle: (call) => sendMaster(deps, call),
    }),
  ]
}

/** A master is the sender's own picture and sound: it leaves only when cleared, and that it left is kept first. */
async function sendMaster(deps: ReviewDeps, call: Call<undefined>): Promise<void> {
  const view = await clipFor(deps, call.who, call.params['id'])
  if (!isMasterReady(view)) throw new AppError('not_ready')
  if (view.row.release !== 'cleared') throw new AppError('clip_not_cleared')
  const blob = await clipBlob(deps.catalogDb, view.row.id, 'master')
  if (blob === undefined) throw new AppError('not_ready')
  if (call.req.method !== 'HEAD') {
    await recordAct(deps.catalogDb, authorOf(deps, call.who), {
      verb: 'clip.download',
      objectId: view.row.id,
    })
  }
  const name = masterFileName(view.row.reel, blob.content_type)
  await whileAllowed(deps, call, view.row.id, 'cleared', () => send(deps, call, blob, name))
}

/** Cuts the answer when the colleague is removed, or the clip leaves what they may see or is no longer `release`. */
async function whileAllowed(
  deps: ReviewDeps,
  call: Call<undefined>,
  clipId: ClipId,
  release: ReleaseState | undefined,
  answer: () => Promise<void>,
): Promise<void> {
  const check = async (): Promise<void> => {
    try {
      const view = await findClipInScope(deps.catalogDb, scopeOf(call.who), clipId)
      const open = view !== undefined && (release === undefined || view.row.release === release)
      if (!open || !(await deps.isActive(asStaff(call.who).staffId))) call.res.destroy()
    } catch (error) {
      // The next look may succeed.
      deps.logger.error('the right to a download not read', error)
    }
  }
  const timer = setInterval(() => void check(), CHECK_MS)
  try {
    await answer()
  } finally {
    clearInterval(timer)
  }
}

async function send(
  deps: ReviewDeps,
  call: Call<undefined>,
  blob: ClipBlobRow,
  downloadName?: string,
): Promise<void> {
  const key = parseBlobKey(blob.blob_key)
  if (key === undefined) throw new AppError('blob_damaged')
  await sendBlob(call.req, call.res, {
    sizeBytes: blob.size_bytes,
    contentType: blob.content_type,
    versionTag: blob.sha256.slice(0, 16),
    ...(downloadName === undefined ? {} : { downloadName }),
    open: (range) => deps.blobs.open(blob.area, key, range),
  })
}
