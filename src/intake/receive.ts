/**
 * The heart of intake: bytes in, sealed segments out, and an offset that is never a promise too much.
 *
 * What arrives is sealed at once to the vault's key and the worker's, so that this process cannot read it again. Each
 * segment is an age file of its own, closed for good before it is acknowledged: durable first, then its row, then the
 * offset. Both ways in (resumable and form) go through here.
 */
import type { IntakeDb } from '../adapters/database/database.ts'
import { resumeBlockDigest, startBlockDigest, type BlockDigest } from '../adapters/block-digest.ts'
import { findSetting } from '../adapters/database/settings.ts'
import type { SegmentLog } from '../adapters/blobs/segment-log.ts'
import type { Logger } from '../adapters/logger.ts'
import { createAgeWriter, isRecipient, openSmall, sealSmall } from '../adapters/sealing.ts'
import { DIGEST_BLOCK_BYTES } from '../domain/upload.ts'
import { dayOf, type Clock } from '../domain/clock.ts'
import { AppError } from '../domain/errors.ts'
import type { Contributor } from '../domain/people.ts'
import { createTurns, type Turns } from './turns.ts'
import {
  acknowledge,
  finishForm,
  forgetUpload,
  insertUpload,
  listBrokenForms,
  nextSegment,
  type NewUpload,
  type UploadRow,
} from './uploads.ts'

/**
 * A long transfer is acknowledged in steps, so that a power cut costs little. A step is due at a block's end: after
 * 4 MiB, unless they came in less than half a second, where syncing so often would be all that we do; after 32 MiB
 * always. A slow transfer is acknowledged every half minute.
 */
const STEP_BYTES = 4 * DIGEST_BLOCK_BYTES
const STEP_LEAST_MS = 500
const STEP_MOST_BYTES = 32 * DIGEST_BLOCK_BYTES
const SLOW_STEP_BYTES = 65_536
const SLOW_STEP_MS = 30_000

export type Limits = {
  readonly maxUploadBytes: number
  /** Free space below which no new upload is let in. */
  readonly reserveBytes: number
}

export type Received = {
  /** Durable and acknowledged. */
  readonly offset: number
  /** Lower-case hex of the block digest of those bytes. */
  readonly blockDigest: string
}

export type Receiver = {
  readonly limits: Limits
  /** One request at a time works on an upload. */
  readonly turns: Turns
  /** Makes an upload. Errors: `intake_closed`, `upload_empty`, `upload_too_large`, `disk_full`; those of `insertUpload`. */
  create(who: Contributor, wanted: Omit<NewUpload, 'day'>): Promise<UploadRow>
  /**
   * Takes what `source` yields, until it ends or breaks off, as the bytes behind the upload's offset.
   *
   * A source that breaks off loses nothing: what came is acknowledged like the rest. The caller has the upload's turn.
   * Errors: `intake_closed`, `disk_full`, `storage_failed`, `upload_too_large`; those of `acknowledge`. All bytes of
   * earlier steps stay.
   */
  append(who: Contributor, upload: UploadRow, source: AsyncIterable<Uint8Array>): Promise<Received>
  /**
   * Receives a whole file of unknown length in one go, as a form sends it. What has come before something goes wrong
   * is kept, marked as cut.
   */
  receiveForm(who: Contributor, source: AsyncIterable<Uint8Array>): Promise<FormReceipt>
  /**
   * Asks every resumable upload to come to an end, and returns when nothing is being received any more. A form can't
   * be asked: it ends with its connection.
   */
  drain(): Promise<void>
  /** The digest of what is durable. */
  digestOf(who: Contributor, upload: UploadRow): Promise<string>
  /** Removes an unfinished upload and its bytes. The caller has the upload's turn. Errors: `upload_finished`. */
  remove(upload: UploadRow): Promise<void>
  /** Keeps what forms had sent when the process was stopped. Call once, before the first request. */
  keepBrokenForms(): Promise<void>
}

export type FormReceipt = {
  readonly bytes: number
  /** Did the whole file come? */
  readonly whole: boolean
  /** What stopped it, if it was not the sender who went away. */
  readonly failure: AppError | undefined
}

type Deps = {
  readonly intakeDb: IntakeDb
  readonly segments: SegmentLog
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: Limits
}

/** Builds the receiver over its storage. */
export function createReceiver({ intakeDb, segments, clock, logger, limits }: Deps): Receiver {
  const today = (): string => dayOf(clock.now())
  const turns = createTurns()
  const forms = new Set<Promise<unknown>>()

  /** Whom every segment is sealed to. Closing the door stops new uploads, not those that have begun. */
  async function recipients(): Promise<readonly string[]> {
    const keys = await Promise.all(
      (['vault_recipient', 'processing_recipient'] as const).map((key) => findSetting(intakeDb, key)),
    )
    const known = keys
      .filter((key) => key !== undefined && isRecipient(key))
      .filter((key) => key !== undefined)
    if (known.length !== keys.length) throw new AppError('intake_closed')
    return known
  }

  async function assertOpen(): Promise<void> {
    await recipients()
    if ((await findSetting(intakeDb, 'intake_open')) === '0') throw new AppError('intake_closed')
  }

  async function append(
    who: Contributor,
    upload: UploadRow,
    source: AsyncIterable<Uint8Array>,
  ): Promise<Received> {
    const sealTo = await recipients()
    const digest = await openDigest(who, upload)
    const place = await nextSegment(intakeDb, upload.id)
    let offset = upload.offset_bytes
    let segment: OpenSegment | undefined
    const room = (upload.length_bytes ?? limits.maxUploadBytes) - offset

    const step = async (): Promise<void> => {
      if (segment === undefined) return
      const closing = segment
      const { plainBytes } = closing
      segment = undefined
      const { endBytes } = await closing.close()
      const complete = offset + plainBytes === upload.length_bytes
      const digestState = sealSmall(who.key, digestPlace(upload), digest.save())
      const durable = {
        seq: place.seq,
        plainOffset: offset,
        plainBytes,
        fileOffset: place.fileOffset,
        fileBytes: endBytes - place.fileOffset,
      }
      await acknowledge(intakeDb, upload, durable, { digestState, complete, day: today() })
      place.seq++
      place.fileOffset = endBytes
      offset += plainBytes
    }

    let taken = 0
    try {
      let broken: unknown
      const pieces = source[Symbol.asyncIterator]()
      for (;;) {
        // Only the sender's side may break off quietly; whatever our own side throws goes up.
        const next = await pieces.next().catch((cause: unknown) => {
          broken = cause
          return { done: true as const, value: undefined }
        })
        if (next.done === true) break
        for (const piece of toBlockEnds(next.value, offset + (segment?.plainBytes ?? 0))) {
          taken += piece.length
          if (taken > room) throw new AppError('upload_too_large')
          segment ??= await openSegment(upload, place.fileOffset, sealTo)
          await segment.take(piece)
          digest.update(piece)
          if (isStepDue(segment, offset, clock.now())) await step()
        }
      }
      await step()
      if (broken instanceof AppError) throw broken
      return { offset, blockDigest: digest.digest() }
    } catch (error) {
      await segment?.abandon()
      throw error
    } finally {
      digest.close()
    }
  }

  async function openSegment(upload: UploadRow, at: number, sealTo: readonly string[]): Promise<OpenSegment> {
    const writer = await segments.open(upload.id, at)
    try {
      const age = await createAgeWriter(sealTo)
      await writer.write(age.head)
      const segment: OpenSegment = {
        openedAt: clock.now(),
        plainBytes: 0,
        async take(bytes) {
          for (const sealed of age.updatePieces(bytes)) await writer.write(sealed)
          segment.plainBytes += bytes.length
        },
        async close() {
          try {
            await writer.write(age.final())
            return await writer.commit()
          } catch (error) {
            await writer.abandon()
            throw error
          } finally {
            age.fileKey.fill(0)
          }
        },
        async abandon() {
          age.fileKey.fill(0)
          await writer.abandon()
        },
      }
      return segment
    } catch (error) {
      await writer.abandon()
      throw error
    }
  }

  async function openDigest(who: Contributor, upload: UploadRow): Promise<BlockDigest> {
    if (upload.offset_bytes === 0) return startBlockDigest()
    const saved = upload.digest_state && openSmall(who.key, digestPlace(upload), upload.digest_state)
    if (!saved) throw new AppError('storage_failed')
    return resumeBlockDigest(saved, upload.offset_bytes)
  }

  async function create(who: Contributor, wanted: Omit<NewUpload, 'day'>): Promise<UploadRow> {
    await assertOpen()
    const { lengthBytes } = wanted
    if (lengthBytes === 0) throw new AppError('upload_empty')
    if (lengthBytes !== undefined && lengthBytes > limits.maxUploadBytes)
      throw new AppError('upload_too_large')
    if ((await segments.freeBytes()) - (lengthBytes ?? 0) < limits.reserveBytes)
      throw new AppError('disk_full')
    return insertUpload(intakeDb, who, { ...wanted, day: today() })
  }

  async function dropBytes(upload: UploadRow): Promise<void> {
    await forgetUpload(intakeDb, upload)
    await segments.remove(upload.id)
  }

  async function receiveForm(who: Contributor, source: AsyncIterable<Uint8Array>): Promise<FormReceipt> {
    const upload = await create(who, {
      via: 'form',
      lengthBytes: undefined,
      typeHint: undefined,
      creationKey: undefined,
    })
    const sender = { cut: false }
    let failure: AppError | undefined
    const watched = watch(source, () => {
      sender.cut = true
    })
    try {
      await append(who, upload, watched)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      if (error.kind === 'internal') logger.error('form upload failed', error)
      failure = error
    }
    const bytes = await offsetOf(intakeDb, upload)
    const whole = !sender.cut && failure === undefined
    if (bytes === 0) {
      await dropBytes({ ...upload, offset_bytes: 0 })
      throw failure ?? new AppError('upload_empty')
    }
    await finishForm(intakeDb, upload.id, !whole)
    return { bytes, whole, failure }
  }

  return {
    limits,
    turns,
    append,

    create,

    async receiveForm(who, source) {
      const receiving = receiveForm(who, source)
      forms.add(receiving)
      try {
        return await receiving
      } finally {
        forms.delete(receiving)
      }
    },

    async drain() {
      await turns.drain()
      await Promise.allSettled(forms)
    },

    async digestOf(who, upload) {
      const digest = await openDigest(who, upload)
      try {
        return digest.digest()
      } finally {
        digest.close()
      }
    },

    remove: dropBytes,

    async keepBrokenForms() {
      const broken = await listBrokenForms(intakeDb)
      for (const upload of broken) {
        if (upload.offset_bytes === 0) await dropBytes(upload)
        else await finishForm(intakeDb, upload.id, true)
      }
      if (broken.length > 0) logger.info('kept what broken forms had sent', { count: broken.length })
    },
  }
}

type OpenSegment = {
  readonly openedAt: number
  plainBytes: number
  take(bytes: Uint8Array): Promise<void>
  close(): Promise<{ endBytes: number }>
  abandon(): Promise<void>
}

function isStepDue(segment: OpenSegment, offset: number, now: number): boolean {
  const { plainBytes } = segment
  const age = now - segment.openedAt
  if (plainBytes >= SLOW_STEP_BYTES && age >= SLOW_STEP_MS) return true
  if ((offset + plainBytes) % DIGEST_BLOCK_BYTES !== 0) return false
  return plainBytes >= STEP_MOST_BYTES || (plainBytes >= STEP_BYTES && age >= STEP_LEAST_MS)
}

/** Cuts `bytes`, which begin at byte `at` of the file, where blocks of the digest end. */
function* toBlockEnds(bytes: Uint8Array, at: number): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length;) {
    const piece = bytes.subarray(from, from + DIGEST_BLOCK_BYTES - ((at + from) % DIGEST_BLOCK_BYTES))
    from += piece.length
    yield piece
  }
}

/** Passes `source` on and says when it broke off instead of ending. */
async function* watch(source: AsyncIterable<Uint8Array>, onBroken: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* source
  } catch (error) {
    onBroken()
    throw error
  }
}

/** The place in the database for which a digest's state is sealed: copied elsewhere it does not open. */
function digestPlace(upload: UploadRow): string {
  return `uploads.digest_state.${upload.id}`
}

async function offsetOf(db: IntakeDb, upload: UploadRow): Promise<number> {
  const row = await db
    .selectFrom('uploads')
    .select('offset_bytes')
    .where('id', '=', upload.id)
    .executeTakeFirst()
  return row?.offset_bytes ?? 0
}
