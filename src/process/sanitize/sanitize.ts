/** Makes the clean master of one file and proves it clean, or refuses. */

import { digestLocalFile } from '../../adapters/tools/local-file.ts'
import { scratchFolder } from '../../adapters/tools/scratch.ts'
import type { MediaTools } from '../../adapters/tools/media-tools.ts'
import { AppError, isRefusal } from '../../domain/errors.ts'
import type { Certificate, MediaInfo, Rational } from '../../domain/media.ts'
import { inspectMedia, type Inspection } from '../inspect/inspect.ts'
import { chooseTier, sanitizePlan, type ClipInspection, type Tier } from './plan.ts'
import { rebuiltMp4 } from './rebuilt-file.ts'
import { removedClasses } from './removed.ts'
import { verifyClean } from './verify-clean.ts'
import type { Expected } from './verify/fidelity.ts'

/** What is asked for. `outputDir` is an empty scratch folder. */
export type SanitizeRequest = {
  readonly inputPath: string
  readonly outputDir: string
  readonly tools: MediaTools
  readonly originalSha256: string
  /** Number the frames from 01:00:00:00 by a track of our own, for the desk's cut lists; else picture and sound only. */
  readonly timecode: boolean
  /** Of the same file, when step 2 has it already. */
  readonly inspection?: Inspection
  readonly signal?: AbortSignal | undefined
}

/** The clean master and what may be said about it. */
export type Sanitized = {
  readonly masterPath: string
  readonly contentType: string
  readonly extension: string
  readonly mediaInfo: MediaInfo
  readonly certificate: Certificate
  /** The source was damaged; the master holds what could be read. */
  readonly recovered: boolean
}

const TYPES: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  m4a: 'audio/mp4',
  jpg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  gif: 'image/gif',
}

type Attempt = {
  readonly path: string
  readonly tier: Tier
  readonly recovered: boolean
  readonly expected: Expected
}

/**
 * Cleans `inputPath` and proves the result.
 *
 * Effects: the master in `outputDir`; it is removed again when it is not proven.
 * Errors: the refusals of `inspectMedia`, `media_damaged`, `not_proven_clean`; `tool_…` when it is our fault.
 */
export async function sanitizeMedia(request: SanitizeRequest): Promise<Sanitized> {
  const { inputPath, tools, signal } = request
  const inspection = request.inspection ?? (await inspectMedia(inputPath, tools, signal))
  const { tags: sourceTags, outerOnly } = await tools.sourceTags(inputPath, signal)

  let lastRefusal: AppError | undefined
  for (const attempt of attempts(request, inspection)) {
    try {
      const made = await attempt()
      const { proven, mediaInfo, videoBytes } = await verifyClean({
        ...{ masterPath: made.path, expected: made.expected, sourceTags, outerTagsOnly: outerOnly, tools },
        ...(signal === undefined ? {} : { signal }),
      })
      const extension = made.path.slice(made.path.lastIndexOf('.') + 1)
      return {
        ...{ masterPath: made.path, extension, mediaInfo, recovered: made.recovered },
        contentType: TYPES[extension] ?? 'application/octet-stream',
        certificate: {
          ...{ version: 1, tier: made.tier, proven, originalSha256: request.originalSha256 },
          removed: removedClasses(sourceTags, {
            ...inspection.left,
            ...bitstreamUserData(inspection, made.tier, videoBytes),
          }),
          tools: await tools.versions(),
          masterSha256: await digestLocalFile(made.path, signal),
        },
      }
    } catch (error) {
      // Copying may carry something that encoding anew does not, or stumble where decoding recovers.
      if (!isRefusal(error)) throw error
      lastRefusal = error
    }
  }
  throw lastRefusal ?? new AppError('media_damaged')
}

/** A copy that is shorter than its source lost units: those that were not pictures. Lengths compare within MP4 only. */
function bitstreamUserData(inspection: Inspection, tier: Tier, videoBytes: number): Record<string, number> {
  const comparable = tier === 'B' && inspection.kind === 'video' && inspection.container === 'mp4'
  return comparable && videoBytes < inspection.video.bytes ? { bitstream_user_data: 1 } : {}
}

/** Ways to clean a file, the one that keeps most first. */
function attempts(request: SanitizeRequest, inspection: Inspection): (() => Promise<Attempt>)[] {
  if (inspection.kind === 'still') return [() => cleanPicture(request, inspection)]
  const tier = chooseTier(inspection)
  const again = (strict: boolean) => () => cleanClip(request, inspection, 'A', strict)
  return tier === 'B'
    ? [() => cleanClip(request, inspection, 'B', true), again(true), again(false)]
    : [again(true), again(false)]
}

async function cleanPicture(
  request: SanitizeRequest,
  still: Extract<Inspection, { kind: 'still' }>,
): Promise<Attempt> {
  const { tools, inputPath, outputDir, signal } = request
  const made = await tools.cleanStill(inputPath, still.format, outputDir, signal)
  const expected: Expected = {
    ...{ kind: 'still', width: still.width, height: still.height, pages: still.pages },
    exact: !made.recovered,
  }
  return { path: made.path, tier: 'A', recovered: made.recovered, expected }
}

async function cleanClip(
  request: SanitizeRequest,
  clip: ClipInspection,
  tier: Tier,
  strict: boolean,
): Promise<Attempt> {
  const { tools, inputPath, signal } = request
  const outputDir = await scratchFolder(request.outputDir, `${tier}${strict ? '-strict' : ''}`)
  const plan = sanitizePlan(clip, tier, strict)
  await tools.ffmpeg(plan, {
    ...{ input: inputPath, outputDir, signal },
    deadlineMs: deadlineMs(clip, tier),
    outputBytes: tier === 'B' ? clip.sizeBytes * 2 + soundBytes(clip) + 64_000_000 : 200_000_000_000,
  })
  const name = clip.kind === 'audio' ? 'master.m4a' : 'master.mp4'
  const path = `${outputDir}/clean-${name}`
  const rate = clip.kind === 'video' && request.timecode ? clip.video.frameRate : undefined
  await rebuiltMp4(`${outputDir}/${name}`, path, { rate, signal })
  return { path, tier, recovered: !strict, expected: expectedOf(clip, tier, strict, rate) }
}

function expectedOf(clip: ClipInspection, tier: Tier, strict: boolean, rate: Rational | undefined): Expected {
  const common = { durationMs: clip.durationMs, soundTracks: clip.audio.length, exact: strict }
  if (clip.kind === 'audio') return { ...common, kind: 'audio', soundTracks: 1 }
  const { width, height, rotation, frames } = clip.video
  return {
    ...{ ...common, kind: 'video', width, height, hdr: clip.video.hdr, rate },
    ...(tier === 'B' ? { rotation, packets: frames } : { rotation: 0 as const, frames }),
  }
}

/** A copy is bound by the disk, an encode by the pictures: a hundred times real time is beyond any clip worth waiting for. */
function deadlineMs(clip: ClipInspection, tier: Tier): number {
  if (tier === 'B' || clip.kind === 'audio') return 120_000 + clip.sizeBytes / 10_000 + clip.durationMs
  const pictures = clip.video.frames * ((clip.video.width * clip.video.height) / 1_000_000)
  return 300_000 + pictures * 500
}

function soundBytes(clip: ClipInspection): number {
  return clip.audio.reduce((sum, track) => sum + (clip.durationMs / 1000) * 12_000 * track.channels, 0)
}
