/**
 * The proof: reads the master again with readers that had no part in making it, and refuses at any
 * doubt. Judged is the result, never the way it was made.
 */

import type { Tag } from '../../adapters/tools/exiftool.ts'
import { withLocalFile } from '../../adapters/tools/local-file.ts'
import type { MediaTools } from '../../adapters/tools/media-tools.ts'
import type { MediaInfo } from '../../domain/media.ts'
import { inspectMedia, stillInfo, type Inspection } from '../inspect/inspect.ts'
import type { StillFormat } from '../inspect/sniff.ts'
import { hasTimecode } from './timecode-track.ts'
import { findFirst } from './verify/byte-search.ts'
import { checkFidelity, type Expected } from './verify/fidelity.ts'
import { walkMp4 } from './verify/mp4-walk.ts'
import { MAX_VALUES, sensitiveNeedles } from './verify/sensitive.ts'
import { unproven, walkStill } from './verify/still-walk.ts'
import { strangerTag } from './verify/tag-allow-list.ts'

/** What is to be proven: `sourceTags` are those of the original. */
export type ProofRequest = {
  readonly masterPath: string
  readonly expected: Expected
  readonly sourceTags: readonly Tag[]
  /** The tags of embedded documents are missing from `sourceTags`: the certificate then says less. */
  readonly outerTagsOnly?: boolean
  readonly tools: MediaTools
  readonly signal?: AbortSignal
}

/** Names of the checks that passed, and what the master is. */
export type Proof = {
  readonly proven: readonly string[]
  readonly mediaInfo: MediaInfo
  /** Length of the pictures' bitstream, which tells whether units were left out of a copy. */
  readonly videoBytes: number
}

/** Larger stills than this are not read into memory; none of 50 megapixels is. */
const MAX_STILL_BYTES = 512 * 1024 * 1024

/**
 * Proves that the master is clean and still the same clip.
 *
 * Errors: `not_proven_clean`, whose details name the check and the tag, box or unit, never a value.
 */
export async function verifyClean(request: ProofRequest): Promise<Proof> {
  const { masterPath, expected, sourceTags, outerTagsOnly = false, tools, signal } = request
  const proven: string[] = []

  const stranger = strangerTag(await tools.tags(masterPath, signal))
  if (stranger !== undefined) unproven('tag', stranger)
  proven.push('tags_allow_listed')

  await withLocalFile(masterPath, async (file) => {
    if (expected.kind === 'still') {
      if (file.size > MAX_STILL_BYTES) unproven('size', 'still')
      walkStill(masterPath.slice(masterPath.lastIndexOf('.') + 1), await file.read(0, file.size))
      proven.push('structure_allow_listed', 'nothing_after_end')
    } else {
      await walkMp4(file, expected.kind === 'video' ? expected.rate : undefined, signal)
      proven.push(
        'structure_allow_listed',
        'nothing_after_end',
        'times_zero',
        'names_empty',
        'no_unused_bytes',
      )
      if (expected.kind === 'video') proven.push('no_bitstream_user_data')
      if (hasTrack(expected)) proven.push('timecode_constant')
    }
    const { needles, whole } = sensitiveNeedles(sourceTags, file.size)
    const found = await findFirst(file, needles, signal)
    if (found !== undefined) unproven('source_value', found.name)
    proven.push(
      [
        'no_source_value',
        ...(whole ? [] : [`first_${MAX_VALUES}`]),
        ...(outerTagsOnly ? ['outer_tags'] : []),
      ].join('_of_'),
    )
  })

  const again = await inspectMedia(masterPath, tools, signal)
  const mediaInfo = again.kind === 'still' ? checkStill(again, expected) : checkClip(again, expected)
  // Of what could be saved of a damaged source only this much was compared.
  if (expected.exact) proven.push('same_clip')
  else proven.push(expected.kind === 'still' ? 'same_size' : 'same_kind')
  return { proven, mediaInfo, videoBytes: again.kind === 'video' ? again.video.bytes : 0 }
}

function checkStill(again: Extract<Inspection, { kind: 'still' }>, expected: Expected): MediaInfo {
  if (expected.kind !== 'still') return unproven('fidelity', 'kind')
  if (again.width !== expected.width || again.height !== expected.height) unproven('fidelity', 'size')
  if (again.pages !== expected.pages) unproven('fidelity', 'pages')
  const format: StillFormat = again.format
  return stillInfo(format, again, again.sizeBytes)
}

function checkClip(again: Exclude<Inspection, { kind: 'still' }>, expected: Expected): MediaInfo {
  if (expected.kind !== again.kind) return unproven('fidelity', 'kind')
  const video = again.kind === 'video' ? again.video : undefined
  checkFidelity(expected, {
    durationMs: again.durationMs,
    soundTracks: again.audio.length,
    width: video?.width ?? 0,
    height: video?.height ?? 0,
    rotation: video?.rotation ?? 0,
    hdr: video?.hdr ?? false,
    frames: video?.frames ?? 0,
    monotonic: video === undefined || !video.obstacles.includes('late_key_frame'),
  })
  // The constant timecode track, which the walk has compared byte by byte.
  const known = hasTrack(expected) ? 1 : 0
  for (const [what, count] of Object.entries(again.left)) {
    if (count > (what === 'data_track' ? known : 0)) unproven('left_over', what)
  }
  return again.info
}

/** Must the file have the constant timecode track? */
function hasTrack(expected: Expected): boolean {
  return expected.kind === 'video' && expected.rate !== undefined && hasTimecode(expected.rate)
}
