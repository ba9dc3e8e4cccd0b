/** A bin as a neutral list of cuts, from which every format is written. Pure. */
import type { CareFlag, ReleaseState } from '../../domain/clip.ts'
import type { MediaInfo, MediaKind, Rational } from '../../domain/media.ts'
import { markFrames, markRate } from '../../domain/timecode.ts'

/** What the exports need to know of a clip. No alias, no day, no author: an export leaves the desk. */
export type CutClip = {
  readonly reel: string
  readonly title: string
  readonly published: boolean
  readonly media: MediaInfo | null
  /** Content type of the master. */
  readonly masterType: string | null
  readonly rating: number
  readonly tags: readonly string[]
  readonly release: ReleaseState
  readonly care: readonly CareFlag[]
  readonly comments: readonly { readonly frame: number; readonly text: string }[]
}

/** One place of the bin: a clip and, unless the whole of it is meant, a range of its frames. */
export type CutItem = {
  readonly position: number
  readonly clip: CutClip
  readonly range: { readonly inFrame: number; readonly outFrame: number; readonly label: string } | null
}

/** A range of frames of one clip, counted at `rate`; `outFrame` is exclusive. Stills have the range 0 to 0. */
export type Cut = {
  readonly position: number
  readonly whole: boolean
  readonly clip: CutClip
  readonly kind: MediaKind
  /** Reel and the extension of the master: what the file is called in the edit suite. */
  readonly fileName: string
  readonly rate: Rational
  readonly inFrame: number
  readonly outFrame: number
  readonly label: string
  readonly channels: number
}

export type CutList = {
  readonly title: string
  readonly cuts: readonly Cut[]
  /** Places whose clip cannot be cut yet, because it is not published. */
  readonly waiting: readonly CutItem[]
}

/** Turns a bin's places into cuts, in their order. A range is held to the frames that the clip has. */
export function cutList(title: string, items: readonly CutItem[]): CutList {
  const cuts: Cut[] = []
  const waiting: CutItem[] = []
  for (const item of items) {
    const { clip, range } = item
    if (!clip.published || clip.media === null || clip.masterType === null) {
      waiting.push(item)
      continue
    }
    const frames = markFrames(clip.media)
    const outFrame = Math.min(range?.outFrame ?? frames, frames)
    cuts.push({
      position: item.position,
      whole: range === null,
      clip,
      kind: clip.media.kind,
      fileName: masterFileName(clip.reel, clip.masterType),
      rate: markRate(clip.media),
      inFrame: Math.min(range?.inFrame ?? 0, Math.max(0, outFrame - 1)),
      outFrame,
      label: range?.label ?? '',
      channels: clip.media.audio?.channels ?? 0,
    })
  }
  return { title, cuts, waiting }
}

/** Of every content type that a master can have. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'video/mp4': 'mp4',
  'audio/mp4': 'm4a',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
  'image/gif': 'gif',
}

/** What the master of a clip is called as a file: its reel, and an extension that edit suites know. */
export function masterFileName(reel: string, contentType: string): string {
  return `${reel}.${EXTENSIONS[contentType] ?? 'bin'}`
}
