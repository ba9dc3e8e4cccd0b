/** From the catalogue to the wire, field by field: what is not named here never leaves. */
import type { ClipDetail, ClipSummary, Comment, Select } from '../contract/clips.ts'
import { may, roleOf } from '../access/policy.ts'
import type { ClipView } from '../catalog/clip-views.ts'
import type { CommentView, SelectView } from '../catalog/marks.ts'
import type { StaffId } from '../domain/clip.ts'
import { ERRORS } from '../domain/errors.ts'
import type { Certificate, MediaInfo } from '../domain/media.ts'
import type { Staff } from '../domain/people.ts'

/** One row of the board. A translator is not told whose clip it is. */
export function toSummary(view: ClipView, who: Staff): ClipSummary {
  const { row } = view
  return {
    id: row.id,
    reel: row.reel,
    title: row.title,
    state: row.state,
    reason: row.reason,
    reasonTitle: reasonTitle(row.reason),
    reasonDetail: row.reason_detail,
    alias: who.role === 'translator' ? '' : view.alias,
    receivedDay: row.received_day,
    originalBytes: row.original_bytes,
    partial: row.partial === 1,
    rating: row.rating,
    tags: [...view.tags],
    release: row.release,
    care: [...view.care],
    media: view.media === null ? null : toMedia(view.media),
    hasProxy: view.blobs.has('proxy'),
    revision: row.revision,
  }
}

/** The whole of one clip. Who else may see it, and how it was cleaned, is the desk's business. */
export function toDetail(
  view: ClipView,
  more: {
    readonly selects: readonly SelectView[]
    readonly comments: readonly CommentView[]
    readonly filmstrip: ClipDetail['filmstrip']
    readonly assigned: readonly StaffId[]
  },
  who: Staff,
): ClipDetail {
  const outside = who.role === 'translator'
  return {
    ...toSummary(view, who),
    note: view.row.note,
    certificate: outside || view.certificate === null ? null : toCertificate(view.certificate),
    selects: more.selects.map(toSelect),
    comments: more.comments.map(toComment),
    filmstrip: more.filmstrip,
    hasWaveform: view.blobs.has('waveform'),
    mayDownloadMaster:
      may(roleOf(who), 'clips.download') && isMasterReady(view) && view.row.release === 'cleared',
    assigned: outside ? [] : [...more.assigned],
  }
}

/** Is there a master that was proven clean and made ready? Whether it may leave is another question. */
export function isMasterReady(view: ClipView): boolean {
  return view.row.state === 'published' && view.blobs.has('master')
}

/** A select, as it is. */
export function toSelect(mark: SelectView): Select {
  return {
    id: mark.id,
    clipId: mark.clipId,
    inFrame: mark.inFrame,
    outFrame: mark.outFrame,
    label: mark.label,
    by: mark.by,
  }
}

/** A comment, its time in ISO 8601. */
export function toComment(comment: CommentView): Comment {
  return {
    id: comment.id,
    clipId: comment.clipId,
    frame: comment.frame,
    text: comment.text,
    by: comment.by,
    at: new Date(comment.at).toISOString(),
  }
}

function reasonTitle(reason: string | null): string | null {
  if (reason === null) return null
  return Object.hasOwn(ERRORS, reason) ? ERRORS[reason as keyof typeof ERRORS].title : ERRORS.internal.title
}

function toMedia(media: MediaInfo): NonNullable<ClipSummary['media']> {
  const { video, audio } = media
  return {
    kind: media.kind,
    container: media.container,
    durationMs: media.durationMs,
    sizeBytes: media.sizeBytes,
    ...(video === undefined ? {} : { video: toVideo(video) }),
    ...(audio === undefined
      ? {}
      : { audio: { codec: audio.codec, channels: audio.channels, sampleRate: audio.sampleRate } }),
  }
}

function toVideo(
  video: NonNullable<MediaInfo['video']>,
): NonNullable<NonNullable<ClipSummary['media']>['video']> {
  return {
    codec: video.codec,
    width: video.width,
    height: video.height,
    rotation: video.rotation,
    frameRate: { num: video.frameRate.num, den: video.frameRate.den },
    variableFrameRate: video.variableFrameRate,
    hdr: video.hdr,
    ...(video.profile === undefined ? {} : { profile: video.profile }),
    ...(video.frames === undefined ? {} : { frames: video.frames }),
    ...(video.pixelFormat === undefined ? {} : { pixelFormat: video.pixelFormat }),
    ...(video.colorTransfer === undefined ? {} : { colorTransfer: video.colorTransfer }),
  }
}

function toCertificate(certificate: Certificate): NonNullable<ClipDetail['certificate']> {
  return {
    version: certificate.version,
    tier: certificate.tier,
    removed: { ...certificate.removed },
    proven: [...certificate.proven],
    tools: { ...certificate.tools },
    originalSha256: certificate.originalSha256,
    masterSha256: certificate.masterSha256,
  }
}
