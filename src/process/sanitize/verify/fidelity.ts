/** Is the master still the same clip? Length, size, way up, sound, number of pictures. Pure. */

import type { Rational } from '../../../domain/media.ts'
import { unproven } from './still-walk.ts'

/** What the master must be like. */
export type Expected =
  | {
      readonly kind: 'still'
      readonly width: number
      readonly height: number
      readonly pages: number
      /** False where the end of the source was missing. */
      readonly exact: boolean
    }
  | {
      readonly kind: 'audio'
      readonly durationMs: number
      readonly soundTracks: number
      readonly exact: boolean
    }
  | {
      readonly kind: 'video'
      readonly durationMs: number
      readonly soundTracks: number
      readonly width: number
      readonly height: number
      readonly rotation: number
      readonly hdr: boolean
      /** At which the timecode track must count; undefined where there must be none. */
      readonly rate: Rational | undefined
      /** Source was sound; else only the kind is compared, because the rest is what could be saved. */
      readonly exact: boolean
      /** Copied pictures: exactly as many. */
      readonly packets?: number
      /** Encoded pictures: as many but for doubles. */
      readonly frames?: number
    }

/** What the master is like, by an independent reading. */
export type Found = {
  readonly durationMs: number
  readonly soundTracks: number
  readonly width: number
  readonly height: number
  readonly rotation: number
  readonly hdr: boolean
  readonly frames: number
  readonly monotonic: boolean
}

/** Compares a clip. Errors: `not_proven_clean` with the name of what differs. */
export function checkFidelity(expected: Exclude<Expected, { kind: 'still' }>, found: Found): void {
  if (expected.kind === 'video' && found.frames === 0) unproven('fidelity', 'no_picture')
  if (!expected.exact) return
  if (found.soundTracks !== expected.soundTracks) unproven('fidelity', 'sound')
  const slackMs = Math.max(250, expected.durationMs * 0.01)
  if (Math.abs(found.durationMs - expected.durationMs) > slackMs) unproven('fidelity', 'duration')
  if (expected.kind === 'audio') return
  // Encoded pictures have even sides.
  if (Math.abs(found.width - expected.width) > 1 || Math.abs(found.height - expected.height) > 1)
    unproven('fidelity', 'size')
  if (found.rotation !== expected.rotation) unproven('fidelity', 'rotation')
  if (expected.hdr !== found.hdr) unproven('fidelity', 'dynamic_range')
  if (!found.monotonic) unproven('fidelity', 'timestamps')
  if (expected.packets !== undefined && expected.packets !== found.frames) unproven('fidelity', 'packets')
  if (expected.frames !== undefined && found.frames < expected.frames - Math.max(2, expected.frames * 0.02)) {
    unproven('fidelity', 'frames')
  }
}
