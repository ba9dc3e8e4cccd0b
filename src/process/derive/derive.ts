/** Makes what editors look at from a clean master: proxy, poster, filmstrip, waveform. Never from an original. */

import { withLocalFile, writeLocalFile } from '../../adapters/tools/local-file.ts'
import type { MediaTools } from '../../adapters/tools/media-tools.ts'
import { scratchFolder } from '../../adapters/tools/scratch.ts'
import type { MediaInfo, Rational } from '../../domain/media.ts'
import { inspectMedia } from '../inspect/inspect.ts'
import type { ClipInspection } from '../sanitize/plan.ts'
import { rebuiltMp4 } from '../sanitize/rebuilt-file.ts'
import { walkMp4 } from '../sanitize/verify/mp4-walk.ts'
import { walkStill } from '../sanitize/verify/still-walk.ts'
import { derivePlan, filmstripFacts, PEAK_SAMPLE_RATE, peakChannels, type FilmstripFacts } from './plan.ts'
import { createPeaks } from './waveform.ts'

/** What is asked for. `outputDir` is an empty scratch folder. */
export type DeriveRequest = {
  readonly masterPath: string
  readonly outputDir: string
  readonly tools: MediaTools
  readonly signal?: AbortSignal | undefined
  /** 0 to 1. */
  readonly onProgress?: (part: number) => void
}

/** One file that was made. */
export type DerivedFile = { readonly path: string; readonly contentType: string; readonly extension: string }

/** Everything that was made of one master. */
export type Derived = {
  readonly proxy: DerivedFile
  readonly poster?: DerivedFile
  readonly filmstrip?: DerivedFile & { readonly facts: FilmstripFacts }
  readonly waveform?: DerivedFile
  /** Of the proxy, with its exact frame rate and number of frames. */
  readonly media: MediaInfo
}

const STILL_SIDES = { proxy: 1600, poster: 640 } as const
const JPEG = { contentType: 'image/jpeg', extension: 'jpg' } as const

/**
 * Makes everything of one master, in one decode where it moves.
 *
 * The same master gives the same bytes, on every run. Errors: `media_damaged`, `tool_…`; `not_proven_clean` when what
 * was made holds more than it should.
 */
export async function deriveMedia(request: DeriveRequest): Promise<Derived> {
  const { masterPath, outputDir, tools, signal } = request
  const master = await inspectMedia(masterPath, tools, signal)
  if (master.kind !== 'still') return await deriveClip(request, master)

  await tools.deriveStill(masterPath, outputDir, STILL_SIDES, signal)
  const proxy = { path: `${outputDir}/proxy.jpg`, ...JPEG }
  const poster = { path: `${outputDir}/poster.jpg`, ...JPEG }
  for (const { path } of [proxy, poster]) await checkStill(path)
  const { info } = await inspectMedia(proxy.path, tools, signal)
  return { proxy, poster, media: info }
}

async function deriveClip(request: DeriveRequest, clip: ClipInspection): Promise<Derived> {
  const { masterPath, tools, signal, onProgress } = request
  const made = await scratchFolder(request.outputDir, 'made')
  const channels = peakChannels(clip)
  const peaks = createPeaks(Math.max(1, channels), PEAK_SAMPLE_RATE)
  await tools.ffmpeg(derivePlan(clip), {
    ...{ input: masterPath, outputDir: made, signal },
    deadlineMs: deadlineMs(clip),
    outputBytes: 100_000_000_000,
    onStdout: (chunk) => peaks.take(chunk),
    ...(onProgress === undefined
      ? {}
      : { onProgress: (doneMs: number) => onProgress(Math.min(1, doneMs / Math.max(1, clip.durationMs))) }),
  })
  const extension = clip.kind === 'audio' ? 'm4a' : 'mp4'
  const proxy: DerivedFile = {
    ...{ path: `${request.outputDir}/proxy.${extension}`, extension },
    contentType: clip.kind === 'audio' ? 'audio/mp4' : 'video/mp4',
  }
  // Read from the master: measured again, the rate of a varying clip might come out as another one.
  const rate = clip.kind === 'video' ? clip.timecodeRate : undefined
  await rebuiltMp4(`${made}/proxy.${extension}`, proxy.path, { rate, signal })
  await withLocalFile(proxy.path, (file) => walkMp4(file, rate, signal))

  const waveform = {
    path: `${request.outputDir}/waveform.json`,
    contentType: 'application/json',
    extension: 'json',
  }
  if (channels > 0) await writeLocalFile(waveform.path, JSON.stringify(peaks.finish()))
  const pictures = clip.kind === 'audio' ? {} : await pictureFiles(made, filmstripFacts(clip.video))
  const { info } = await inspectMedia(proxy.path, tools, signal)
  return { proxy, ...pictures, ...(channels > 0 ? { waveform } : {}), media: countedAt(info, rate) }
}

/** Marks on a varying clip are counted in steps of a rate, which must be that of its timecode. */
function countedAt(info: MediaInfo, rate: Rational | undefined): MediaInfo {
  if (rate === undefined || info.video?.variableFrameRate !== true) return info
  return { ...info, video: { ...info.video, frameRate: rate } }
}

async function pictureFiles(made: string, facts: FilmstripFacts) {
  const poster = { path: `${made}/poster.jpg`, ...JPEG }
  const filmstrip = { path: `${made}/filmstrip.jpg`, ...JPEG, facts }
  for (const { path } of [poster, filmstrip]) await checkStill(path)
  return { poster, filmstrip }
}

async function checkStill(path: string): Promise<void> {
  await withLocalFile(path, async (file) => walkStill('jpg', await file.read(0, file.size)))
}

function deadlineMs(clip: ClipInspection): number {
  if (clip.kind === 'audio') return 120_000 + clip.durationMs
  const pictures = clip.video.frames * Math.max(1, (clip.video.width * clip.video.height) / 1_000_000)
  return 300_000 + pictures * 400
}
