/** What we know about a piece of media after reading it, in units that are exact. */

/** A ratio of whole numbers: frame rates and time bases are kept exact, never as floats. */
export type Rational = { readonly num: number; readonly den: number }

export type MediaKind = 'video' | 'still' | 'audio'

export type VideoInfo = {
  readonly codec: string
  readonly profile?: string
  /** As displayed, after rotation. Pixels. */
  readonly width: number
  readonly height: number
  /** Clockwise degrees the stored picture is turned for display. */
  readonly rotation: 0 | 90 | 180 | 270
  /** Frames per second, exact; of the proxy where the source varies. */
  readonly frameRate: Rational
  readonly variableFrameRate: boolean
  readonly frames?: number
  readonly pixelFormat?: string
  readonly colorTransfer?: string
  readonly hdr: boolean
}

export type AudioInfo = {
  readonly codec: string
  readonly channels: number
  readonly sampleRate: number
}

/** Facts that an editor may see; nothing in here says who, where, when or with what it was filmed. */
export type MediaInfo = {
  readonly kind: MediaKind
  /** Our own word for the container, such as `mp4`, `matroska`, `jpeg`, `mp3`. */
  readonly container: string
  /** Milliseconds; 0 for stills. */
  readonly durationMs: number
  readonly sizeBytes: number
  readonly video?: VideoInfo
  readonly audio?: AudioInfo
}

/** What the cleaning took away: names and counts, never values. */
export type Certificate = {
  readonly version: 1
  /** `A`: picture or sound encoded anew; `B`: same picture, rebuilt container. */
  readonly tier: 'A' | 'B'
  /** For example `{ location: 2, device: 3, dates: 7, data_track: 1 }`. */
  readonly removed: Readonly<Record<string, number>>
  /** Names of checks that the clean copy passed. */
  readonly proven: readonly string[]
  /** Program names and versions. */
  readonly tools: Readonly<Record<string, string>>
  readonly originalSha256: string
  readonly masterSha256: string
}
