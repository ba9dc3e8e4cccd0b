/** What is made of a clean master for watching and cutting: proxy, poster, filmstrip, sound for the waveform. Pure. */

import { ANONYMOUS, ANONYMOUS_MP4, type FfmpegOutput, type FfmpegPlan } from '../../adapters/tools/ffmpeg.ts'
import type { ChosenVideo } from '../inspect/inspect.ts'
import { clockOptions, type ClipInspection } from '../sanitize/plan.ts'

/** Shorter side of the proxy, in pixels; smaller clips stay as they are. */
const PROXY_SIDE = 720
const POSTER_SIDE = 640
const TILE_SIDE = 160
const COLUMNS = 10
const MAX_TILES = 100
/** One tile for so many milliseconds where the clip is short enough. */
const TILE_EVERY_MS = 1000

/** Sound for the waveform: 16 bits at this rate, at most two channels, on standard output. */
export const PEAK_SAMPLE_RATE = 48_000

/** How the tiles of a filmstrip lie: row by row; tile n shows the clip at n × `everyMs`. */
export type FilmstripFacts = {
  readonly tileWidth: number
  readonly tileHeight: number
  readonly columns: number
  readonly rows: number
  readonly count: number
  readonly everyMs: number
}

/** ffmpeg's plan for one master, all outputs in one decode. */
export function derivePlan(clip: ClipInspection): FfmpegPlan {
  const outputs =
    clip.kind === 'audio'
      ? [soundProxy(), peaks(clip)]
      : [
          videoProxy(clip),
          poster(clip.video),
          filmstrip(clip.video),
          ...(clip.audio.length > 0 ? [peaks(clip)] : []),
        ]
  return { container: clip.container, strict: false, outputs }
}

/** Channels of the sound that `derivePlan` sends to standard output; 0 when there is none. */
export function peakChannels(clip: ClipInspection): number {
  return Math.min(clip.audio[0]?.channels ?? 0, 2)
}

/** Where the tiles will be. */
export function filmstripFacts(video: Pick<ChosenVideo, 'width' | 'height' | 'durationMs'>): FilmstripFacts {
  const wanted = Math.min(MAX_TILES, Math.max(1, Math.round(video.durationMs / TILE_EVERY_MS)))
  const columns = Math.min(COLUMNS, wanted)
  // Whole rows only, so that no tile stays empty.
  const rows = Math.max(1, Math.round(wanted / columns))
  const count = rows * columns
  const { width, height } = fit(video, TILE_SIDE, Math.max)
  return {
    ...{ tileWidth: width, tileHeight: height, columns, rows, count },
    everyMs: Math.max(1, Math.floor(video.durationMs / count)),
  }
}

function videoProxy(clip: Extract<ClipInspection, { kind: 'video' }>): FfmpegOutput {
  const { video, audio } = clip
  return {
    target: { file: 'proxy.mp4' },
    videoFilters: pictureFilters(video, fit(video, PROXY_SIDE, Math.min)),
    options: [
      ...['-map', `0:${video.index}`, '-fps_mode', 'vfr', ...clockOptions(video)],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', '-profile:v', 'high', '-g', '240'],
      // A key frame a second for quick seeking, counted from the last one: after a gap there is one, not thousands.
      ...['-force_key_frames', 'expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+1))'],
      ...['-bsf:v', 'filter_units=remove_types=6|12'],
      // Every track and channel stays: an editor's relink refuses a proxy with fewer.
      ...audio.flatMap((track) => ['-map', `0:${track.index}`]),
      ...(audio.length > 0 ? ['-c:a', 'aac', '-ar', '48000'] : ['-an']),
      ...audio.flatMap((track, n) => [`-b:a:${n}`, `${Math.min(track.channels, 8) * 64}k`]),
      ...['-max_muxing_queue_size', '4096', ...ANONYMOUS, ...ANONYMOUS_MP4],
    ],
  }
}

function soundProxy(): FfmpegOutput {
  const options = [
    '-map',
    '0:a:0',
    '-vn',
    '-c:a',
    'aac',
    '-ar',
    '48000',
    '-b:a',
    '128k',
    ...ANONYMOUS,
    ...ANONYMOUS_MP4,
  ]
  return { target: { file: 'proxy.m4a' }, options }
}

function poster(video: ChosenVideo): FfmpegOutput {
  const atSeconds = video.frames < 3 ? 0 : Math.min(1, video.durationMs / 10_000)
  return {
    target: { file: 'poster.jpg' },
    videoFilters: [
      `select=gte(t\\,${atSeconds.toFixed(3)})`,
      ...pictureFilters(video, fit(video, POSTER_SIDE, Math.max)),
    ],
    options: ['-map', `0:${video.index}`, ...stillOptions('4')],
  }
}

function filmstrip(video: ChosenVideo): FfmpegOutput {
  const { tileWidth, tileHeight, columns, rows, everyMs } = filmstripFacts(video)
  return {
    target: { file: 'filmstrip.jpg' },
    videoFilters: [
      // The n-th tile is the first frame at or after its time; no fps filter, which would fill gaps with frames.
      `select=gte(t\\,selected_n*${(everyMs / 1000).toFixed(3)})`,
      ...pictureFilters(video, { width: tileWidth, height: tileHeight }),
      `tile=${columns}x${rows}`,
    ],
    options: ['-map', `0:${video.index}`, ...stillOptions('5')],
  }
}

function stillOptions(quality: string): string[] {
  return [
    '-an',
    '-fps_mode',
    'vfr',
    '-frames:v',
    '1',
    '-c:v',
    'mjpeg',
    '-q:v',
    quality,
    '-update',
    '1',
    ...ANONYMOUS,
    '-f',
    'image2',
  ]
}

function peaks(clip: ClipInspection): FfmpegOutput {
  const map = clip.kind === 'audio' ? '0:a:0' : `0:${clip.audio[0]?.index ?? 0}`
  return {
    target: 'stdout',
    options: [
      ...[
        '-map',
        map,
        '-vn',
        '-c:a',
        'pcm_s16le',
        '-ar',
        String(PEAK_SAMPLE_RATE),
        '-ac',
        String(peakChannels(clip)),
      ],
      ...[...ANONYMOUS, '-f', 's16le'],
    ],
  }
}

/** Size with the same shape and even sides, so that the shorter (or longer) side is at most `side`. Never larger. */
function fit(
  video: { readonly width: number; readonly height: number },
  side: number,
  which: (a: number, b: number) => number,
): { width: number; height: number } {
  const scale = Math.min(1, side / which(video.width, video.height))
  const even = (value: number): number => Math.max(2, Math.round((value * scale) / 2) * 2)
  return { width: even(video.width), height: even(video.height) }
}

function pictureFilters(video: ChosenVideo, size: { width: number; height: number }): string[] {
  const scale = `scale=${size.width}:${size.height}:out_range=tv`
  if (!video.hdr) return [scale, 'setsar=1', 'format=yuv420p']
  // Hable's curve from the first small picture on: tone-mapping the full one costs nine times as much.
  const transfer = video.colorTransfer === 'smpte2084' ? 'smpte2084' : 'arib-std-b67'
  return [
    `${scale},setsar=1`,
    `zscale=rin=tv:min=2020_ncl:pin=2020:tin=${transfer}:t=linear:npl=100`,
    'format=gbrpf32le',
    'zscale=p=bt709',
    'tonemap=tonemap=hable:desat=0',
    'zscale=t=bt709:m=bt709:r=tv',
    'format=yuv420p',
  ]
}
