/**
 * What a step is given and must promise.
 *
 * A step looks at a clip in the state it needs, does its work, and says what came of it. It changes nothing that
 * anybody sees: objects that it stores are under names of their own, and the pipeline tells the catalogue of them in
 * the transaction that moves the clip on. So a step can be stopped anywhere and run again.
 */
import type { BlobArea, BlobKey, BlobStore } from '../adapters/blobs/blob-store.ts'
import type { SegmentLog } from '../adapters/blobs/segment-log.ts'
import type { CatalogDb, IntakeDb, KeyringDb } from '../adapters/database/database.ts'
import type { BlobKind } from '../adapters/database/schema.ts'
import type { Logger } from '../adapters/logger.ts'
import type { MediaTools } from '../adapters/tools/media-tools.ts'
import type { ClipRow } from '../catalog/clips.ts'
import type { ClipState } from '../domain/clip.ts'
import type { Certificate, MediaInfo } from '../domain/media.ts'

/** The worker's own key pair: opens segments and, for a few days, originals. */
export type ProcessingKeys = {
  readonly processingIdentity: string
  readonly processingRecipient: string
}

export type StepDeps = {
  readonly intakeDb: IntakeDb
  readonly keyringDb: KeyringDb
  readonly catalogDb: CatalogDb
  readonly segments: SegmentLog
  readonly blobs: BlobStore
  readonly tools: MediaTools
  readonly keys: ProcessingKeys
  readonly logger: Logger
  /** Called at places where a crash would be interesting, with the place's name; for tests that end the process there. */
  readonly checkpoint?: (place: string) => void
}

/** An object that was stored and will be told to the catalogue. */
export type StoredObject = {
  readonly kind: BlobKind
  readonly area: BlobArea
  readonly key: BlobKey
  readonly contentType: string
  readonly sizeBytes: number
  readonly sha256: string
  readonly facts?: unknown
}

export type StepRun = {
  readonly clip: ClipRow
  /** Ends the step soon: the worker stops, or another has taken over. */
  readonly signal: AbortSignal
  /** Stores an object under a name of this attempt's own; it is removed again when the step does not succeed. */
  readonly store: (
    kind: BlobKind,
    area: BlobArea,
    extension: string,
    contentType: string,
    source: AsyncIterable<Uint8Array>,
    facts?: unknown,
  ) => Promise<StoredObject>
  /** Names a place where a crash would be interesting. */
  readonly at: (place: string) => void
}

/** What came of a step: what the catalogue is to learn in the transaction that moves the clip on. */
export type StepOutcome = {
  readonly objects?: readonly StoredObject[]
  readonly originalSha256?: string
  readonly media?: MediaInfo
  readonly certificate?: Certificate
  readonly partial?: boolean
  /** What follows the commit. It may be lost in a crash: upkeep does the same later. */
  readonly after?: () => Promise<void>
}

export type Step = {
  /** Also the kind of its job. */
  readonly kind: 'seal' | 'inspect' | 'sanitize' | 'derive' | 'publish'
  readonly needs: ClipState
  readonly leaves: ClipState
  /** May the media be refused here? What was proven clean is not to blame for what fails later. */
  readonly judges: boolean
  /** Does the work. Errors: refusals of the media; anything else is tried again. */
  run(deps: StepDeps, run: StepRun): Promise<StepOutcome>
}
