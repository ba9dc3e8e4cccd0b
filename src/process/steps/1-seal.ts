/**
 * Seal: from the segments of quarantine to one canonical age file for the vault, with the original's SHA-256.
 *
 * Before anything is told, the stored file is opened again with the key that was kept and compared: only then may
 * quarantine go.
 */
import { createHash } from 'node:crypto'
import { createAgeWriter, openAge, recipientOf, type AgeWriter } from '../../adapters/sealing.ts'
import type { IntakeDatabase } from '../../adapters/database/schema.ts'
import { AppError } from '../../domain/errors.ts'
import { findSetting } from '../../adapters/database/settings.ts'
import { findUpload, segmentsOf, settleUpload } from '../intake-mail.ts'
import { forgetOtherKeys, keepFileKey } from '../keyring.ts'
import { hashing, needRoom, openOriginal } from '../original.ts'
import type { Step, StepDeps } from '../step.ts'

type Upload = IntakeDatabase['uploads']

/** Verifies what arrived and seals it. Errors: `original_corrupt`, `vault_missing`, `config_invalid`, `disk_full`. */
export const seal: Step = {
  kind: 'seal',
  needs: 'quarantined',
  leaves: 'sealed',
  judges: true,
  async run(deps, { clip, signal, store, at }) {
    const upload = await findUpload(deps.intakeDb, clip.upload_id)
    if (upload === undefined) throw new AppError('storage_failed', { details: { what: 'upload' } })
    const vault = await findSetting(deps.intakeDb, 'vault_recipient')
    if (vault === undefined) throw new AppError('vault_missing')
    await checkOwnKey(deps)
    await needRoom(deps, upload.offset_bytes)

    const hash = createHash('sha256')
    const writer = await createAgeWriter([vault])
    const plain = hashing(openSegments(deps, upload, signal), hash)
    const original = await store(
      'original',
      'sealed',
      'age',
      'application/octet-stream',
      sealed(writer, plain),
    )
    await keepFileKey(deps.keyringDb, deps.keys, clip.id, original.key, writer.fileKey)
    writer.fileKey.fill(0)
    at('wrapped')

    const originalSha256 = hash.digest('hex')
    // Both as stored and as opened: the vault's own way in stands in the header, which the file key does not need.
    const [stored, again] = [createHash('sha256'), createHash('sha256')]
    for await (const piece of openOriginal(deps, clip, original.key, stored)) {
      signal.throwIfAborted()
      again.update(piece)
    }
    if (stored.digest('hex') !== original.sha256 || again.digest('hex') !== originalSha256)
      throw new AppError('storage_failed', { details: { what: 'original' } })
    at('verified')
    return {
      objects: [original],
      originalSha256,
      partial: upload.truncated === 1,
      after: async () => {
        await settleUpload(deps.intakeDb, upload.id, 'sealed')
        at('settled')
        await deps.segments.remove(upload.id)
        await forgetOtherKeys(deps.keyringDb, clip.id, original.key)
      },
    }
  },
}

/** A worker with the wrong key would find every upload corrupt. */
async function checkOwnKey(deps: StepDeps): Promise<void> {
  const expected = await findSetting(deps.intakeDb, 'processing_recipient')
  if (expected !== undefined && expected !== (await recipientOf(deps.keys.processingIdentity))) {
    throw new AppError('config_invalid', { details: { what: 'processing key' } })
  }
}

/** Yields the original's bytes. Errors: `original_corrupt` where a segment does not verify, is missing or overlaps. */
async function* openSegments(
  deps: StepDeps,
  upload: Upload,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let offset = 0
  for (const segment of await segmentsOf(deps.intakeDb, upload.id)) {
    const corrupt = (cause?: unknown): AppError =>
      new AppError('original_corrupt', { details: { segment: segment.seq, part: segment.part }, cause })
    if (segment.plain_offset !== offset) throw corrupt()
    let bytes = 0
    try {
      const source = await deps.segments.read(upload.id, segment.file_offset, segment.file_bytes)
      for await (const piece of openAge(source, { identity: deps.keys.processingIdentity })) {
        signal.throwIfAborted()
        bytes += piece.length
        yield piece
      }
    } catch (error) {
      // The object as a whole is missing: our disk's fault, and nothing to tell the contributor yet.
      if (error instanceof AppError && error.code === 'not_found')
        throw new AppError('storage_failed', { cause: error })
      throw error instanceof AppError && error.code === 'blob_damaged' ? corrupt(error) : error
    }
    if (bytes !== segment.plain_bytes) throw corrupt()
    offset += bytes
  }
  const whole = upload.truncated === 1 || upload.length_bytes === null || upload.length_bytes === offset
  if (offset !== upload.offset_bytes || !whole) {
    throw new AppError('original_corrupt', {
      details: { expectedBytes: upload.length_bytes ?? upload.offset_bytes, bytes: offset },
    })
  }
}

async function* sealed(writer: AgeWriter, plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield writer.head
  for await (const piece of plain) {
    const ready = writer.update(piece)
    if (ready.length > 0) yield ready
  }
  yield writer.final()
}
