/** The media programs as one collaborator, built once and handed down. */

import { execVersion } from './versions.ts'
import { readSourceTags, readTags, type SourceTags, type Tag } from './exiftool.ts'
import { runFfmpeg, type FfmpegPlan, type FfmpegRun } from './ffmpeg.ts'
import { probeFile, probePackets, type PacketFacts, type Probe } from './ffprobe.ts'
import type { AvContainer } from './formats.ts'
import { readableByTools, withScratch } from './scratch.ts'
import { cleanStill, deriveStill, stillFacts, type StillFacts } from './stills.ts'

/** Everything that may be asked of a media program. Each call is one or more sandboxed processes. */
export type MediaTools = {
  readonly scratchRoot: string
  /** Gives `work` a private folder and removes it afterwards. */
  withScratch<T>(work: (folder: string) => Promise<T>): Promise<T>
  /** A path of the same content that the sandbox can read; a copy in `folder` where it must be. */
  readable(path: string, folder: string): Promise<string>
  probe(path: string, container: AvContainer, signal?: AbortSignal): Promise<Probe>
  packets(
    path: string,
    container: AvContainer,
    streamIndex: number,
    signal?: AbortSignal,
  ): Promise<PacketFacts>
  tags(path: string, signal?: AbortSignal): Promise<Tag[]>
  /** Of an original: without embedded documents where those are too many. */
  sourceTags(path: string, signal?: AbortSignal): Promise<SourceTags>
  ffmpeg(plan: FfmpegPlan, run: FfmpegRun): Promise<void>
  stillFacts(path: string, format: string, signal?: AbortSignal): Promise<StillFacts>
  cleanStill: typeof cleanStill
  deriveStill: typeof deriveStill
  /** Names and versions of the programs, for certificates; asked once. */
  versions(): Promise<Readonly<Record<string, string>>>
}

/** Builds the collaborator. Nothing is started yet. */
export function createMediaTools(options: { readonly scratchRoot: string }): MediaTools {
  let versions: Promise<Readonly<Record<string, string>>> | undefined
  return {
    scratchRoot: options.scratchRoot,
    withScratch: (work) => withScratch(options.scratchRoot, work),
    readable: (path, folder) => readableByTools(path, options.scratchRoot, folder),
    probe: probeFile,
    packets: probePackets,
    tags: readTags,
    sourceTags: readSourceTags,
    ffmpeg: runFfmpeg,
    stillFacts,
    cleanStill,
    deriveStill,
    versions: () => (versions ??= execVersion()),
  }
}
