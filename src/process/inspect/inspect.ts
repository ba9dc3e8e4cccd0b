/** Step one of every clip: what is it really, may we touch it, and which of its tracks count? */

import {
  AUDIO_CODECS,
  MAX_DURATION_MS,
  MAX_PIXELS,
  MAX_STREAMS,
  VIDEO_CODECS,
} from '../../adapters/tools/formats.ts'
import type { AvContainer } from '../../adapters/tools/formats.ts'
import type { Probe, ProbeStream } from '../../adapters/tools/ffprobe.ts'
import { withLocalFile } from '../../adapters/tools/local-file.ts'
import type { MediaTools } from '../../adapters/tools/media-tools.ts'
import { AppError } from '../../domain/errors.ts'
import type { MediaInfo, Rational } from '../../domain/media.ts'
import { frameTiming } from './frame-rate.ts'
import { readIsoFacts, type IsoFacts, type IsoTrack } from './iso-boxes.ts'
import { sniff, SNIFF_BYTES, type StillFormat } from './sniff.ts'

/** The picture track that is kept. */
export type ChosenVideo = {
  readonly index: number
  readonly codec: string
  readonly profile?: string
  /** Displayed size: turned and with square pixels. */
  readonly width: number
  readonly height: number
  readonly rotation: 0 | 90 | 180 | 270
  readonly flipped: boolean
  readonly squarePixels: boolean
  readonly frameRate: Rational
  readonly variableFrameRate: boolean
  /** Frames that are shown. */
  readonly frames: number
  readonly durationMs: number
  /** Of all its packets together. */
  readonly bytes: number
  readonly pixelFormat: string
  readonly bitDepth: number
  readonly colorTransfer?: string
  readonly hdr: boolean
  /** Why the pictures cannot simply be copied; empty when they can. */
  readonly obstacles: readonly Obstacle[]
}

/** Things that copying would get wrong, or carry along. */
export type Obstacle = 'edit_list' | 'late_key_frame' | 'changing_format' | 'damaged_index'

/** A sound track that is kept. */
export type ChosenAudio = {
  readonly index: number
  readonly codec: string
  readonly channels: number
  readonly sampleRate: number
  readonly durationMs: number
  /** Longest silence that is not in the file but between two packets. */
  readonly longestGapMs: number
}

type Common = {
  readonly sizeBytes: number
  /** Classes and numbers of what is left behind, such as `{ data_track: 2 }`. */
  readonly left: Readonly<Record<string, number>>
  readonly info: MediaInfo
}

/** What was found in a file. */
export type Inspection = Common &
  (
    | {
        readonly kind: 'still'
        readonly format: StillFormat
        readonly width: number
        readonly height: number
        readonly pages: number
      }
    | {
        readonly kind: 'video'
        readonly container: AvContainer
        readonly durationMs: number
        readonly video: ChosenVideo
        readonly audio: readonly ChosenAudio[]
        /** Of the file's own timecode, where it has one; worth something in a master only, where it is ours. */
        readonly timecodeRate?: Rational
      }
    | {
        readonly kind: 'audio'
        readonly container: AvContainer
        readonly durationMs: number
        readonly audio: readonly ChosenAudio[]
      }
  )

const HDR_TRANSFERS = ['smpte2084', 'arib-std-b67']

/**
 * Finds out what `path` is by content alone, and chooses the tracks that are kept.
 *
 * Errors, all refusals: `media_empty`, `container_not_accepted`, `codec_not_accepted`,
 * `raw_not_accepted`, `hidden_content`, `external_reference`, `media_too_big`, `media_damaged`.
 */
export async function inspectMedia(
  path: string,
  tools: MediaTools,
  signal?: AbortSignal,
): Promise<Inspection> {
  const { sniffed, iso, sizeBytes } = await withLocalFile(path, async (file) => {
    const head = await file.read(0, SNIFF_BYTES)
    const tail = await file.read(Math.max(0, file.size - SNIFF_BYTES), SNIFF_BYTES)
    const found = sniff(head, tail, file.size)
    const isIso = found.family === 'av' && found.container === 'mp4'
    return { sniffed: found, iso: isIso ? await readIsoFacts(file) : undefined, sizeBytes: file.size }
  })
  if (sniffed.family === 'still') {
    const facts = await tools.stillFacts(path, sniffed.format, signal)
    return {
      ...{ kind: 'still', format: sniffed.format, ...facts, sizeBytes, left: {} },
      info: stillInfo(sniffed.format, facts, sizeBytes),
    }
  }
  const probe = await tools.probe(path, sniffed.container, signal)
  if (probe.streams.length > MAX_STREAMS)
    throw new AppError('media_too_big', { details: { limit: 'streams' } })
  return await chooseTracks(path, sniffed.container, probe, iso, sizeBytes, tools, signal)
}

/** Media facts of a still picture. */
export function stillInfo(
  format: StillFormat,
  size: { readonly width: number; readonly height: number },
  sizeBytes: number,
): MediaInfo {
  return {
    ...{ kind: 'still', container: format, durationMs: 0, sizeBytes },
    video: {
      ...{ codec: format, width: size.width, height: size.height, rotation: 0, hdr: false },
      ...{ frameRate: { num: 1, den: 1 }, variableFrameRate: false, frames: 1 },
    },
  }
}

async function chooseTracks(
  path: string,
  container: AvContainer,
  probe: Probe,
  iso: IsoFacts | undefined,
  sizeBytes: number,
  tools: MediaTools,
  signal: AbortSignal | undefined,
): Promise<Inspection> {
  const isoTrack = (stream: ProbeStream): IsoTrack | undefined =>
    iso?.tracks.find((track) => track.id === stream.id)
  const picture = chooseVideo(probe, isoTrack)
  const sounds = probe.streams.filter(
    (stream) => stream.type === 'audio' && stream.codec !== 'unknown' && stream.channels > 0,
  )
  for (const stream of [...(picture === undefined ? [] : [picture]), ...sounds]) checkCodec(stream)
  if (picture === undefined && sounds.length === 0) {
    const unread = probe.streams.some((stream) => stream.type === 'audio' || isMovingPicture(stream))
    throw new AppError(unread ? 'codec_not_accepted' : 'media_empty')
  }
  const audio: ChosenAudio[] = []
  for (const { index, codec, channels, sampleRate, timeBase } of sounds) {
    const packets = await tools.packets(path, container, index, signal)
    const { durationMs, longestGapMs } = soundSpan(packets.times, timeBase)
    checkDuration(durationMs)
    audio.push({ index, codec, channels, sampleRate, durationMs, longestGapMs })
  }
  const inConfig = picture !== undefined && isoTrack(picture)?.configUserData === true
  const left = {
    ...countLeft(probe, picture, sounds, iso),
    ...(inConfig ? { bitstream_user_data: 1 } : {}),
  }
  const sound = audio[0]
  const soundInfo =
    sound === undefined
      ? {}
      : { audio: { codec: sound.codec, channels: sound.channels, sampleRate: sound.sampleRate } }

  if (picture === undefined) {
    const durationMs = audio[0]?.durationMs ?? 0
    const info: MediaInfo = { kind: 'audio', container, durationMs, sizeBytes, ...soundInfo }
    return { kind: 'audio', container, durationMs, audio, sizeBytes, left, info }
  }

  if (picture.width * picture.height > MAX_PIXELS)
    throw new AppError('media_too_big', { details: { limit: 'pixels' } })
  if (picture.width === 0 || picture.height === 0) throw new AppError('media_damaged')
  const packets = await tools.packets(path, container, picture.index, signal)
  if (packets.times.length === 0) throw new AppError('media_damaged')
  const timing = frameTiming(packets.times, picture.timeBase, picture.guessedRate)
  const spanMs =
    (1000 * ((packets.times.at(-1) ?? 0) - (packets.times[0] ?? 0)) * picture.timeBase.num) /
    picture.timeBase.den
  const durationMs = Math.round(spanMs + (1000 * timing.rate.den) / timing.rate.num)
  checkDuration(durationMs)
  const track = isoTrack(picture)
  const obstacles: Obstacle[] = []
  if (packets.hidden > 0 || (track?.edits ?? 0) > 1) obstacles.push('edit_list')
  if (!packets.firstIsKey) obstacles.push('late_key_frame')
  if ((track?.descriptions ?? 1) > 1) obstacles.push('changing_format')
  if (track?.outsideMedia === true) obstacles.push('damaged_index')
  const video: ChosenVideo = {
    ...shape(picture),
    ...{ index: picture.index, codec: picture.codec, obstacles },
    ...(picture.profile === undefined ? {} : { profile: picture.profile }),
    ...(picture.colorTransfer === undefined ? {} : { colorTransfer: picture.colorTransfer }),
    ...{
      frameRate: timing.rate,
      variableFrameRate: timing.variable,
      frames: timing.frames,
      durationMs,
      bytes: packets.bytes,
    },
  }
  const info: MediaInfo = {
    kind: 'video',
    container,
    durationMs,
    sizeBytes,
    video: videoInfo(video),
    ...soundInfo,
  }
  const timecodeRate = iso?.tracks.find((one) => one.timecodeRate !== undefined)?.timecodeRate
  return {
    ...{ kind: 'video', container, durationMs, video, audio, sizeBytes, left, info },
    ...(timecodeRate === undefined ? {} : { timecodeRate }),
  }
}

function soundSpan(times: Float64Array, timeBase: Rational): { durationMs: number; longestGapMs: number } {
  const ms = (ticks: number): number => (1000 * ticks * timeBase.num) / timeBase.den
  const first = times[0] ?? 0
  const span = (times.at(-1) ?? 0) - first
  let gap = 0
  for (let n = 1; n < times.length; n++) gap = Math.max(gap, (times[n] ?? 0) - (times[n - 1] ?? 0))
  const usual = times.length > 1 ? span / (times.length - 1) : 0
  return { durationMs: Math.round(ms(span + usual)), longestGapMs: Math.round(ms(gap)) }
}

/** The first track that the file itself shows, and never a cover or a track of stills. */
function chooseVideo(
  probe: Probe,
  isoTrack: (stream: ProbeStream) => IsoTrack | undefined,
): ProbeStream | undefined {
  const moving = probe.streams.filter(isMovingPicture)
  return moving.find((stream) => isoTrack(stream)?.enabled ?? true) ?? moving[0]
}

function isMovingPicture(stream: ProbeStream): boolean {
  return stream.type === 'video' && !stream.attachedPicture && !stream.stillPicture
}

function checkCodec(stream: ProbeStream): void {
  const accepted = stream.type === 'video' ? VIDEO_CODECS : AUDIO_CODECS
  if (!accepted.includes(stream.codec))
    throw new AppError('codec_not_accepted', { details: { codec: stream.codec } })
}

function checkDuration(durationMs: number): void {
  if (durationMs > MAX_DURATION_MS) throw new AppError('media_too_big', { details: { limit: 'duration' } })
}

function countLeft(
  probe: Probe,
  picture: ProbeStream | undefined,
  sounds: readonly ProbeStream[],
  iso: IsoFacts | undefined,
): Record<string, number> {
  const left: Record<string, number> = {}
  const add = (name: string, count = 1): void => {
    if (count > 0) left[name] = (left[name] ?? 0) + count
  }
  for (const stream of probe.streams) {
    if (stream === picture || sounds.includes(stream)) continue
    if (stream.type === 'subtitle') add('text_track')
    else if (stream.type === 'attachment') add('attachment')
    else if (stream.type === 'video')
      add(stream.attachedPicture || stream.stillPicture ? 'thumbnail' : 'other_picture_track')
    else if (stream.type === 'audio') add('unreadable_sound')
    else add('data_track')
  }
  add('chapters', probe.chapters)
  add('user_data_box', iso?.userDataBoxes ?? 0)
  add('unknown_box', iso?.strangers.length ?? 0)
  return left
}

function shape(stream: ProbeStream) {
  const { num, den } = stream.sampleAspect
  const stretched = Math.round((stream.width * num) / den)
  const sideways = stream.rotation === 90 || stream.rotation === 270
  const pixelFormat = stream.pixelFormat ?? 'yuv420p'
  return {
    width: sideways ? stream.height : stretched,
    height: sideways ? stretched : stream.height,
    rotation: ([0, 90, 180, 270] as const).find((turn) => turn === stream.rotation) ?? 0,
    flipped: stream.flipped,
    squarePixels: num === den,
    pixelFormat,
    bitDepth: Number(/p(9|10|12|14|16)(le|be)$/.exec(pixelFormat)?.[1] ?? 8),
    hdr: HDR_TRANSFERS.includes(stream.colorTransfer ?? ''),
  } as const
}

/** The part of a chosen track that an editor may see. */
function videoInfo(video: ChosenVideo): NonNullable<MediaInfo['video']> {
  return {
    ...{ codec: video.codec, width: video.width, height: video.height, rotation: video.rotation },
    ...(video.profile === undefined ? {} : { profile: video.profile }),
    ...(video.colorTransfer === undefined ? {} : { colorTransfer: video.colorTransfer }),
    ...{ frameRate: video.frameRate, variableFrameRate: video.variableFrameRate, frames: video.frames },
    ...{ pixelFormat: video.pixelFormat, hdr: video.hdr },
  }
}
