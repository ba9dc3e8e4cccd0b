/** The upload library's store: hands its four verbs to our receiver, for the contributor whose request it is. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Readable } from 'node:stream'
import { DataStore, Upload } from '@tus/utils'
import type { IntakeDb } from '../adapters/database/database.ts'
import { parseUploadId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'
import type { Contributor } from '../domain/people.ts'
import type { Receiver } from './receive.ts'
import type { TusRequest } from './tus-guard.ts'
import { findUpload, type UploadRow } from './uploads.ts'
import { TUS_EXTENSIONS } from './tus-guard.ts'

/** One request's way through the library, which itself passes no caller on. */
export type Passage = {
  readonly who: Contributor
  readonly asked: TusRequest
  /**
   * The request as it comes from the socket. The library would hand it on through two conversions and three streams,
   * which cost more than sealing, hashing and writing together.
   */
  readonly body: Readable
  /** What the answer needs beyond the library's own. */
  seen: { offset?: number; blockDigest?: string; created?: UploadRow; failure?: AppError }
}

/** Carries the passage to where the library calls us back. */
export const passages = new AsyncLocalStorage<Passage>()

function passage(): Passage {
  const current = passages.getStore()
  if (current === undefined) throw new AppError('internal')
  return current
}

/** Everything here asks for the caller's own upload first; what is not theirs is not there. */
export class Quarantine extends DataStore {
  readonly #intakeDb: IntakeDb
  readonly #receiver: Receiver

  constructor(intakeDb: IntakeDb, receiver: Receiver) {
    super()
    this.#intakeDb = intakeDb
    this.#receiver = receiver
    this.extensions = [...TUS_EXTENSIONS]
  }

  /** Makes the row. */
  override async create(upload: Upload): Promise<Upload> {
    const { who, asked, seen } = passage()
    const id = parseUploadId(upload.id)
    if (asked.verb !== 'POST' || id === undefined) throw new AppError('internal')
    const { lengthBytes, typeHint, creationKey } = asked
    seen.created = await this.#receiver.create(who, { id, via: 'tus', lengthBytes, typeHint, creationKey })
    seen.offset = 0
    return upload
  }

  /** Seals what the request carries and answers the acknowledged offset. */
  override async write(_stream: Readable, id: string, offset: number): Promise<number> {
    const { who, seen, body } = passage()
    const row = await this.#own(id)
    if (row.offset_bytes !== offset) throw new AppError('offset_mismatch')
    // Nothing is left to send: a finished upload is asked again, and must not finish twice.
    if (row.state !== 'receiving') return row.offset_bytes
    const pieces = until(this.#receiver.turns.signalOf(id), body)
    try {
      const received = await this.#receiver.append(who, row, pieces)
      seen.offset = received.offset
      seen.blockDigest = received.blockDigest
      return received.offset
    } finally {
      await pieces.return(undefined)
    }
  }

  override async getUpload(id: string): Promise<Upload> {
    const { who, asked, seen } = passage()
    const row = await this.#own(id)
    seen.offset = row.offset_bytes
    if (asked.verb === 'HEAD' && (row.offset_bytes === 0 || row.digest_state !== null)) {
      seen.blockDigest = await this.#receiver.digestOf(who, row)
    }
    return new Upload({
      id,
      offset: row.offset_bytes,
      ...(row.length_bytes === null ? {} : { size: row.length_bytes }),
    })
  }

  override async remove(id: string): Promise<void> {
    const row = await this.#own(id)
    await this.#receiver.remove(row)
  }

  async #own(id: string): Promise<UploadRow> {
    const parsed = parseUploadId(id)
    const row = parsed && (await findUpload(this.#intakeDb, passage().who.contributorId, parsed))
    if (row === undefined || row.via !== 'tus') throw new AppError('not_found')
    if (row.state === 'expired') throw new AppError('upload_gone')
    return row
  }
}

/**
 * What `body` yields, until it ends, breaks off, or `signal` says that it is enough.
 *
 * Each wait is a promise of its own: racing every piece against one promise that lasts as long as the request would
 * keep all pieces in memory until its end.
 */
async function* until(signal: AbortSignal | undefined, body: Readable): AsyncGenerator<Uint8Array> {
  if (signal === undefined) throw new AppError('internal')
  const pieces = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>
  const waiting: { stop: () => void } = { stop: () => undefined }
  const onAbort = (): void => {
    waiting.stop()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    while (!signal.aborted) {
      const next = await new Promise<IteratorResult<Uint8Array> | undefined>((resolve, reject) => {
        waiting.stop = () => {
          resolve(undefined)
        }
        // Once stopped nobody waits for this any more, and the socket may still break in the middle of it.
        pieces.next().then(resolve, reject)
      })
      if (next === undefined || next.done === true) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    void pieces.return?.()
  }
}
