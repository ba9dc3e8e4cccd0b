/** What ffprobe says about a file: JSON in, plain facts out. */

import { AppError } from '../../domain/errors.ts'
import type { Rational } from '../../domain/media.ts'
import { untrustedInput, type AvContainer } from './formats.ts'
import { machineFailed, runTool } from './run-tool.ts'

/** One stream as ffprobe lists it; names of tags only, their values are used for nothing. */
export type ProbeStream = {
  readonly index: number
  /** Track number in the container where there is one. */
  readonly id?: number
  readonly type: 'video' | 'audio' | 'subtitle' | 'data' | 'attachment' | 'other'
  readonly codec: string
  readonly codecTag: string
  readonly profile?: string
  readonly width: number
  readonly height: number
  readonly sampleAspect: Rational
  /** Display matrix of the track, nine numbers, where there is one. */
  readonly rotation: number
  readonly flipped: boolean
  readonly pixelFormat?: string
  readonly colorTransfer?: string
  readonly colorPrimaries?: string
  readonly colorSpace?: string
  readonly colorRange?: string
  readonly guessedRate?: Rational
  readonly timeBase: Rational
  readonly startMs?: number
  readonly durationMs?: number
  readonly channels: number
  readonly sampleRate: number
  readonly attachedPicture: boolean
  readonly stillPicture: boolean
  readonly tagNames: readonly string[]
}

/** A file as ffprobe sees it. */
export type Probe = {
  readonly format: string
  readonly durationMs?: number
  readonly streams: readonly ProbeStream[]
  readonly chapters: number
  readonly tagNames: readonly string[]
}

/** Presentation times of one stream, in presentation order, in ticks of its time base. */
export type PacketFacts = {
  readonly count: number
  readonly times: Float64Array
  /** Packets that an edit list hides; copying them would show them. */
  readonly hidden: number
  readonly firstIsKey: boolean
  readonly bytes: number
}

/** More frames than 12 hours at 60 a second hold. */
const MAX_PACKETS = 3_000_000

/**
 * Reads streams, sizes and durations.
 *
 * Errors: `container_not_accepted` when the one allowed demuxer cannot read it,
 * `codec_not_accepted` when a decoder outside the list would be needed.
 */
export async function probeFile(path: string, container: AvContainer, signal?: AbortSignal): Promise<Probe> {
  const result = await runTool({
    name: 'ffprobe',
    program: '/usr/bin/ffprobe',
    args: [
      ...['-hide_banner', '-v', 'error', ...untrustedInput(container, 'list')],
      ...['-show_format', '-show_streams', '-show_chapters', '-of', 'json', '/in'],
    ],
    input: path,
    deadlineMs: 60_000,
    limits: { cpuSeconds: 40 },
    stdoutBytes: 8 * 1024 * 1024,
    signal,
  })
  if (machineFailed(result))
    throw new AppError('tool_failed', { details: { tool: 'ffprobe', reason: 'machine' } })
  if (result.exitCode !== 0) throw refusalOf(result.stderr)
  return readProbe(result.stdout.toString('utf8'))
}

/** Reads the times of every packet of one stream without decoding. Errors: `media_too_big`, `media_damaged`. */
export async function probePackets(
  path: string,
  container: AvContainer,
  streamIndex: number,
  signal?: AbortSignal,
): Promise<PacketFacts> {
  const reader = createPacketReader()
  const result = await runTool({
    name: 'ffprobe',
    program: '/usr/bin/ffprobe',
    args: [
      ...[
        '-hide_banner',
        '-v',
        'error',
        ...untrustedInput(container, 'list'),
        '-select_streams',
        String(streamIndex),
      ],
      ...['-show_entries', 'packet=pts,dts,size,flags', '-of', 'csv=p=0', '/in'],
    ],
    input: path,
    deadlineMs: 600_000,
    limits: { cpuSeconds: 400 },
    stdoutBytes: 512 * 1024 * 1024,
    onStdout: (chunk) => reader.take(chunk),
    signal,
  })
  const facts = reader.finish()
  if (machineFailed(result))
    throw new AppError('tool_failed', { details: { tool: 'ffprobe', reason: 'machine' } })
  if (result.exitCode !== 0 && facts.count === 0) throw new AppError('media_damaged')
  return facts
}

/** Collects ffprobe's packet lines, which may be cut anywhere. Pure but for what it remembers. */
export function createPacketReader(): { take(chunk: Buffer): void; finish(): PacketFacts } {
  const times: number[] = []
  let rest = ''
  let hidden = 0
  let bytes = 0
  let count = 0
  let firstIsKey = false
  const line = (text: string): void => {
    const [pts, dts, size, flags] = text.split(',')
    if (flags === undefined) return
    count++
    if (count > MAX_PACKETS) throw new AppError('media_too_big', { details: { limit: 'frames' } })
    if (flags.includes('D')) {
      hidden++
      return
    }
    if (times.length === 0) firstIsKey = flags.startsWith('K')
    const time = Number(pts === 'N/A' ? dts : pts)
    bytes += Number(size) || 0
    times.push(Number.isFinite(time) ? time : (times.at(-1) ?? 0) + 1)
  }
  return {
    take(chunk) {
      const text = rest + chunk.toString('latin1')
      const lines = text.split('\n')
      rest = lines.pop() ?? ''
      for (const one of lines) line(one)
    },
    finish() {
      if (rest !== '') line(rest)
      return { count, times: Float64Array.from(times).sort(), hidden, firstIsKey, bytes }
    },
  }
}

function refusalOf(stderr: string): AppError {
  // Before the rest: ffmpeg adds that it lacks memory.
  if (/exceeds max_streams|Number of streams exceeds/i.test(stderr)) {
    return new AppError('media_too_big', { details: { limit: 'streams' } })
  }
  if (/Permission denied|Cannot allocate memory/i.test(stderr)) {
    return new AppError('tool_failed', { details: { tool: 'ffprobe', reason: 'machine' } })
  }
  if (/not on whitelist/i.test(stderr) && !/Format not on whitelist/i.test(stderr)) {
    return new AppError('codec_not_accepted')
  }
  if (/moov atom not found|Invalid data found|End of file|error reading header/i.test(stderr)) {
    return new AppError('media_damaged')
  }
  return new AppError('media_damaged')
}

/** Turns ffprobe's JSON into facts; what is not understood is left out. Pure. Errors: `tool_failed`. */
export function readProbe(json: string): Probe {
  let root: unknown
  try {
    root = JSON.parse(json)
  } catch (cause) {
    throw new AppError('tool_failed', { details: { tool: 'ffprobe', reason: 'not_json' }, cause })
  }
  const file = object(root)
  const format = object(file['format'])
  const duration = seconds(format['duration'])
  return {
    format: text(format['format_name']) ?? '',
    ...(duration === undefined ? {} : { durationMs: duration }),
    streams: list(file['streams']).map((value) => readStream(object(value))),
    chapters: list(file['chapters']).length,
    tagNames: Object.keys(object(format['tags'])),
  }
}

const TYPES = ['video', 'audio', 'subtitle', 'data', 'attachment'] as const

function readStream(stream: Record<string, unknown>): ProbeStream {
  const disposition = object(stream['disposition'])
  const matrix = list(stream['side_data_list'])
    .map(object)
    .find((side) => side['side_data_type'] === 'Display Matrix')
  const start = seconds(stream['start_time'])
  const duration = seconds(stream['duration'])
  const rate = ratio(stream['r_frame_rate'])
  const id = Number(text(stream['id']) ?? Number.NaN)
  const optional = {
    profile: text(stream['profile']),
    pixelFormat: text(stream['pix_fmt']),
    colorTransfer: text(stream['color_transfer']),
    colorPrimaries: text(stream['color_primaries']),
    colorSpace: text(stream['color_space']),
    colorRange: text(stream['color_range']),
    guessedRate: rate,
    startMs: start,
    durationMs: duration,
    id: Number.isFinite(id) ? id : undefined,
  }
  const known = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined))
  return {
    ...(known as { [K in keyof typeof optional]?: NonNullable<(typeof optional)[K]> }),
    index: Number(stream['index']),
    type: TYPES.find((type) => type === stream['codec_type']) ?? 'other',
    codec: text(stream['codec_name']) ?? 'unknown',
    codecTag: text(stream['codec_tag_string']) ?? '',
    width: number(stream['width']),
    height: number(stream['height']),
    sampleAspect: ratio(stream['sample_aspect_ratio'], ':') ?? { num: 1, den: 1 },
    ...orientation(matrix),
    timeBase: ratio(stream['time_base']) ?? { num: 1, den: 1 },
    channels: number(stream['channels']),
    sampleRate: number(stream['sample_rate']),
    attachedPicture: disposition['attached_pic'] === 1,
    stillPicture: disposition['still_image'] === 1 || disposition['timed_thumbnails'] === 1,
    tagNames: Object.keys(object(stream['tags'])),
  }
}

/** Clockwise quarter turns and a mirror from the display matrix. */
function orientation(matrix: Record<string, unknown> | undefined): { rotation: number; flipped: boolean } {
  if (matrix === undefined) return { rotation: 0, flipped: false }
  const numbers = (text(matrix['displaymatrix']) ?? '')
    .split('\n')
    .flatMap((row) =>
      row
        .replace(/^\s*\d+:/, '')
        .trim()
        .split(/\s+/),
    )
    .filter((cell) => cell !== '')
    .map(Number)
  const [a = 1, b = 0, , c = 0, d = 1] = numbers
  // ffprobe counts anticlockwise.
  const turned = -Number(matrix['rotation'] ?? 0)
  return { rotation: (((Math.round(turned / 90) * 90) % 360) + 360) % 360, flipped: a * d - b * c < 0 }
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value !== 'unknown' ? value : undefined
}

function number(value: unknown): number {
  const parsed = Number(value)
  return Number.isFinite(parsed) ? parsed : 0
}

function seconds(value: unknown): number | undefined {
  const parsed = Number.parseFloat(String(value))
  return Number.isFinite(parsed) ? Math.round(parsed * 1000) : undefined
}

/** `30000/1001` as a ratio of whole numbers; undefined where either is zero. */
function ratio(value: unknown, by = '/'): Rational | undefined {
  const [num, den] = String(value).split(by).map(Number)
  if (num === undefined || den === undefined || !Number.isInteger(num) || !Number.isInteger(den))
    return undefined
  return num > 0 && den > 0 ? { num, den } : undefined
}
