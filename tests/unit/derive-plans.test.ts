import { describe, expect, it } from 'vitest'
import { ffmpegArguments } from '../../src/adapters/tools/ffmpeg.ts'
import { derivePlan, filmstripFacts } from '../../src/process/derive/plan.ts'
import { createPeaks } from '../../src/process/derive/waveform.ts'
import type { ChosenVideo } from '../../src/process/inspect/inspect.ts'
import { chooseTier, sanitizePlan, type ClipInspection } from '../../src/process/sanitize/plan.ts'

const VIDEO: ChosenVideo = {
  ...{ index: 0, codec: 'h264', width: 1920, height: 1080, rotation: 0, flipped: false, squarePixels: true },
  ...{
    frameRate: { num: 30000, den: 1001 },
    variableFrameRate: false,
    frames: 300,
    durationMs: 10_010,
    bytes: 1,
  },
  ...{ pixelFormat: 'yuv420p', bitDepth: 8, hdr: false, obstacles: [] },
}
const SOUND = {
  index: 1,
  codec: 'aac',
  channels: 2,
  sampleRate: 44_100,
  durationMs: 10_000,
  longestGapMs: 23,
}

function clip(
  video: Partial<ChosenVideo> = {},
  container: 'mp4' | 'avi' | 'matroska' = 'mp4',
): ClipInspection {
  const chosen = { ...VIDEO, ...video }
  return {
    ...{
      kind: 'video',
      container,
      durationMs: chosen.durationMs,
      video: chosen,
      audio: [SOUND],
      sizeBytes: 1,
      left: {},
    },
    info: { kind: 'video', container, durationMs: chosen.durationMs, sizeBytes: 1 },
  }
}

const KINDS = {
  constant: clip(),
  varying: clip({ variableFrameRate: true }),
  deep: clip({ bitDepth: 10, hdr: true, codec: 'hevc', colorTransfer: 'arib-std-b67' }),
  turned: clip({ rotation: 90, width: 1080, height: 1920 }),
  stretched: clip({ squarePixels: false }),
}

describe('every argument list for untrusted clips', () => {
  const lists = Object.entries(KINDS).flatMap(([name, one]) => [
    [`${name}, derive`, ffmpegArguments(derivePlan(one))] as const,
    ...(['A', 'B'] as const).flatMap((tier) =>
      [true, false].map(
        (strict) => [`${name}, ${tier}`, ffmpegArguments(sanitizePlan(one, tier, strict))] as const,
      ),
    ),
  ])

  it.each(lists)('has no frame rate filter and no -r: %s', (_name, args) => {
    expect(args).not.toContain('-r')
    expect(args.join(' ')).not.toMatch(/\bfps=/)
    expect(args.join(' ')).not.toMatch(/-vsync|cfr/)
  })

  it.each(lists)('names one demuxer, listed codecs and no protocol but file: %s', (_name, args) => {
    const input = args.indexOf('-i')
    for (const option of [
      '-protocol_whitelist',
      '-format_whitelist',
      '-codec_whitelist',
      '-f',
      '-max_pixels',
      '-max_streams',
    ]) {
      expect(args.indexOf(option)).toBeGreaterThanOrEqual(0)
      expect(args.indexOf(option)).toBeLessThan(input)
    }
    expect(args[input + 1]).toBe('/in')
    expect(args[args.indexOf('-protocol_whitelist') + 1]).toBe('file')
  })

  it.each(lists)('drops metadata, chapters, captions and data in each output: %s', (_name, args) => {
    const outputs = args.filter((one) => one.startsWith('/out/') || one === 'pipe:1').length
    expect(outputs).toBeGreaterThan(0)
    expect(args.filter((one) => one === '-map_metadata').length).toBe(outputs)
    expect(args.filter((one) => one === '-map_chapters').length).toBe(outputs)
    expect(args.filter((one) => one === '-dn').length).toBe(outputs)
  })
})

describe('choosing how a clip is cleaned', () => {
  it('copies pictures where that is safe', () => {
    expect(chooseTier(clip())).toBe('B')
    expect(chooseTier(clip({}, 'matroska'))).toBe('B')
  })

  it.each([
    ['an edit list that hides frames', clip({ obstacles: ['edit_list'] })],
    ['a first frame that needs others', clip({ obstacles: ['late_key_frame'] })],
    ['an index that points elsewhere', clip({ obstacles: ['damaged_index'] })],
    ['an odd codec', clip({ codec: 'mjpeg' })],
    ['a container that we do not copy from', clip({}, 'avi')],
  ])('encodes anew for %s', (_name, one) => {
    expect(chooseTier(one)).toBe('A')
  })

  it('keeps ten bits when it encodes high dynamic range', () => {
    expect(ffmpegArguments(sanitizePlan(KINDS.deep, 'A', true))).toContain('libx265')
  })

  it('counts frames exactly where the rate is constant', () => {
    const args = ffmpegArguments(derivePlan(KINDS.constant))
    expect(args[args.indexOf('-enc_time_base:v') + 1]).toBe('1001:30000')
    expect(args[args.indexOf('-video_track_timescale') + 1]).toBe('30000')
  })
})

describe('the filmstrip', () => {
  it.each([100, 950, 5_000, 11_400, 60_000, 43_200_000])(
    'of %d ms has whole rows and at most a hundred tiles',
    (durationMs) => {
      const facts = filmstripFacts({ width: 1080, height: 1920, durationMs })
      expect(facts.count).toBe(facts.columns * facts.rows)
      expect(facts.count).toBeLessThanOrEqual(100)
      expect(facts.everyMs * (facts.count - 1)).toBeLessThan(durationMs)
      expect(facts.tileHeight).toBe(160)
    },
  )
})

describe('waveform peaks', () => {
  it('are the same however the samples are cut into pieces', () => {
    const samples = Buffer.alloc(48_000 * 2 * 2)
    for (let n = 0; n < 48_000; n++) {
      samples.writeInt16LE(Math.round(30_000 * Math.sin(n / 20)), n * 4)
      samples.writeInt16LE(n % 100, n * 4 + 2)
    }
    const whole = createPeaks(2, 48_000)
    whole.take(samples)
    const pieces = createPeaks(2, 48_000)
    for (let at = 0; at < samples.length; at += 997) pieces.take(samples.subarray(at, at + 997))
    expect(pieces.finish()).toEqual(whole.finish())
  })

  it('hold smallest and largest sample of each window and channel', () => {
    const peaks = createPeaks(1, 1000)
    const samples = Buffer.alloc(50)
    samples.writeInt16LE(-32_768, 0)
    samples.writeInt16LE(32_767, 4)
    peaks.take(samples)
    const file = peaks.finish()
    expect(file.windows).toBe(2)
    expect([...Buffer.from(file.peaks, 'base64')]).toEqual([128, 127, 0, 0])
  })
})
