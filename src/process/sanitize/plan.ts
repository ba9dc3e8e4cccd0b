/**
 * How a clip is cleaned: which streams, copied or encoded anew, into what. Pure.
 *
 * Everything is rebuilt from elementary streams into a container written from scratch; nothing is
 * deleted from a file that was there. The settings are the same for everybody, so that the clips of
 * different people look alike.
 */

import { ANONYMOUS, ANONYMOUS_MP4, type FfmpegPlan } from '../../adapters/tools/ffmpeg.ts'
import type { ChosenAudio, ChosenVideo, Inspection } from '../inspect/inspect.ts'

/** `B`: the pictures are copied bit for bit; `A`: they are encoded anew. Sound is always encoded anew. */
export type Tier = 'A' | 'B'

/** A moving or audible clip, as opposed to a still. */
export type ClipInspection = Extract<Inspection, { kind: 'video' | 'audio' }>

/** Units of a bitstream that are pictures or needed to decode them. Everything else is user data, or may be. */
const PICTURE_UNITS: Readonly<Record<string, string>> = {
  // ITU-T H.264 table 7-1: slices, parameter sets, delimiters, ends; not 6 (SEI), 12 (filler), 24 and above.
  h264: '1|2|3|4|5|7|8|9|10|11|13',
  // ITU-T H.265 table 7-1: slices, parameter sets, delimiter, ends; not 38 (filler), 39, 40 (SEI), 41 and above.
  hevc: '0-9|16-21|32-37',
  // AV1 §6.2.2: all but 5 (metadata), reserved ones and 15 (padding).
  av1: '1-4|6-8',
}

/** Codecs whose pictures may be copied into MP4. */
const COPIED = ['h264', 'hevc', 'vp9', 'av1']
/** Containers whose index we trust enough to copy from. */
const COPIED_FROM = ['mp4', 'matroska', 'mpegts']

/** The strictest tier that the clip allows: B wherever copying is safe. */
export function chooseTier(clip: ClipInspection): Tier {
  if (clip.kind === 'audio') return 'A'
  const { video } = clip
  const safe =
    COPIED.includes(video.codec) && COPIED_FROM.includes(clip.container) && video.obstacles.length === 0
  return safe ? 'B' : 'A'
}

/** ffmpeg's plan for one clip. `strict` stops at the first damage. */
export function sanitizePlan(clip: ClipInspection, tier: Tier, strict: boolean): FfmpegPlan {
  const { container } = clip
  if (clip.kind === 'audio') {
    const options = [...soundOptions(clip.audio.slice(0, 1)), '-vn', ...ANONYMOUS, ...ANONYMOUS_MP4]
    return {
      container,
      strict,
      outputs: [{ target: { file: 'master.m4a' }, options, ...soundFilters(clip.audio) }],
    }
  }
  const picture = tier === 'B' ? copyOptions(clip.video) : encodeOptions(clip.video)
  return {
    ...{ container, strict },
    outputs: [
      {
        target: { file: 'master.mp4' },
        ...(tier === 'A' ? { videoFilters: encodeFilters(clip.video) } : {}),
        ...soundFilters(clip.audio),
        options: [
          ...['-map', `0:${clip.video.index}`, ...picture, ...soundOptions(clip.audio)],
          ...['-max_muxing_queue_size', '4096', ...ANONYMOUS, ...ANONYMOUS_MP4],
        ],
      },
    ],
  }
}

function soundOptions(tracks: readonly ChosenAudio[]): string[] {
  if (tracks.length === 0) return ['-an']
  return [
    ...tracks.flatMap((track) => ['-map', `0:${track.index}`]),
    ...['-c:a', 'aac', '-ar', '48000'],
    // AAC has no layout for more than eight; 96 kbit/s a channel is beyond hearing for speech.
    ...tracks.flatMap((track, n) => {
      const channels = Math.min(track.channels, 8)
      return [`-ac:a:${n}`, String(channels), `-b:a:${n}`, `${channels * 96}k`]
    }),
  ]
}

/** A gap longer than this is left a gap: filling hours with silence would be work for nothing. */
const FILLED_GAP_MS = 10_000

/** Counts samples instead of trusting each time stamp, and fills gaps, so that sound stays with the pictures in editors. */
function soundFilters(tracks: readonly ChosenAudio[]): { audioFilters: string[] } | Record<string, never> {
  if (tracks.length === 0) return {}
  const filled = tracks.every((track) => track.longestGapMs <= FILLED_GAP_MS)
  return { audioFilters: [filled ? 'aresample=48000:async=1' : 'aresample=48000'] }
}

function copyOptions(video: ChosenVideo): string[] {
  const units = PICTURE_UNITS[video.codec]
  return [
    ...['-c:v', 'copy'],
    ...(units === undefined ? [] : ['-bsf:v', `filter_units=pass_types=${units}`]),
    ...(video.codec === 'hevc' ? ['-tag:v', 'hvc1'] : []),
  ]
}

/** More than eight bits, or high dynamic range, would be lost in 8-bit H.264. */
function isDeep(video: ChosenVideo): boolean {
  return video.bitDepth > 8 || video.hdr
}

function encodeFilters(video: ChosenVideo): string[] {
  return [
    ...(video.squarePixels
      ? []
      : [`scale=${video.rotation % 180 === 0 ? video.width : video.height}:ih`, 'setsar=1']),
    // Encoders of 4:2:0 want even sides; a column less is less than a stretched picture.
    'crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0',
    isDeep(video) ? 'format=yuv420p10le' : 'format=yuv420p',
  ]
}

/** No `-r` and no fps filter anywhere: on two frames hours apart they make hours of frames. */
function encodeOptions(video: ChosenVideo): string[] {
  return [...['-fps_mode', 'vfr'], ...clockOptions(video), ...codecOptions(video)]
}

/**
 * Constant rates are kept exact by counting in frames. Varying ones are counted in 1/30000 s: fine enough for all, and
 * coarse enough that one picture of 12 hours still fits the 31 bits of a sample's length.
 */
export function clockOptions(video: Pick<ChosenVideo, 'frameRate' | 'variableFrameRate'>): string[] {
  if (video.variableFrameRate) return ['-enc_time_base:v', '1:30000', '-video_track_timescale', '30000']
  const { num, den } = video.frameRate
  const scale = num * 10 ** Math.max(0, Math.ceil(Math.log10(10_000 / num)))
  return ['-enc_time_base:v', `${den}:${num}`, '-video_track_timescale', String(scale)]
}

function codecOptions(video: ChosenVideo): string[] {
  if (isDeep(video)) {
    return [
      ...['-c:v', 'libx265', '-preset', 'fast', '-crf', '18', '-tag:v', 'hvc1', '-profile:v', 'main10'],
      // x265 signs its work in the decoder's configuration, where no filter reaches.
      ...[
        '-x265-params',
        'info=0:log-level=error:pools=4:frame-threads=2',
        '-bsf:v',
        `filter_units=pass_types=${PICTURE_UNITS['hevc'] ?? ''}`,
      ],
    ]
  }
  return [
    ...['-c:v', 'libx264', '-preset', 'fast', '-crf', '17', '-profile:v', 'high'],
    ...['-bsf:v', `filter_units=pass_types=${PICTURE_UNITS['h264'] ?? ''}`],
  ]
}
