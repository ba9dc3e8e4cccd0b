/**
 * The one module that encrypts: age v1 files for everything at rest, and small sealed values for rows.
 *
 * Headers come from the age library. The payload (64 KiB chunks of ChaCha20-Poly1305, each under a counter that
 * is never reused because a file key belongs to one writer and dies with it) is written here with OpenSSL, which
 * is several times faster than the library's own. A partial chunk is always a file's last: nothing is ever
 * encrypted again under the same key and counter.
 *
 * Source: https://age-encryption.org/v1, sections "Header" and "Payload".
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { AppError } from '../domain/errors.ts'

const CHUNK_BYTES = 65_536
const TAG_BYTES = 16
const NONCE_BYTES = 16
const MAX_HEADER_BYTES = 65_536
const HEADER_END = Buffer.from('\n--- ')
/** Base64 of a 32-byte MAC without padding, and the line feed. */
const MAC_LINE_BYTES = 43 + 1

/** Opens one age file: the 16 random bytes its header wraps. Lives in memory only. */
export type FileKey = Uint8Array & { readonly __fileKey?: never }

/** A key pair as age writes it: `AGE-SECRET-KEY-1…` and `age1…`. */
export type AgeKeyPair = { readonly identity: string; readonly recipient: string }

/** Makes a fresh X25519 key pair. */
export async function generateKeyPair(): Promise<AgeKeyPair> {
  const identity = await generateX25519Identity()
  return { identity, recipient: await identityToRecipient(identity) }
}

/** The public half of `identity`. Errors: `config_invalid` when it is not an age identity. */
export async function recipientOf(identity: string): Promise<string> {
  try {
    return await identityToRecipient(identity.trim())
  } catch (cause) {
    throw new AppError('config_invalid', { cause, details: { what: 'age identity' } })
  }
}

/** Is this a recipient that files can be sealed to? */
export function isRecipient(text: string): boolean {
  try {
    new Encrypter().addRecipient(text)
    return true
  } catch {
    return false
  }
}

/** Writes one age file piece by piece; what it returns is ciphertext, in order, starting with the header. */
export type AgeWriter = {
  readonly fileKey: FileKey
  /** The header and payload nonce: the first bytes of the file. */
  readonly head: Uint8Array
  /** Takes plaintext, returns what is ready of the ciphertext (possibly nothing). */
  update(plain: Uint8Array): Uint8Array
  /** As `update`, in pieces that are not copied together: half the garbage for who can write several at once. */
  updatePieces(plain: Uint8Array): readonly Uint8Array[]
  /** Closes the file: returns the last chunk. The writer is spent. */
  final(): Uint8Array
}

/** Starts an age file that each of `recipients` can open. */
export async function createAgeWriter(recipients: readonly string[]): Promise<AgeWriter> {
  const encrypter = new Encrypter()
  let fileKey: FileKey | undefined
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  // The library hands the file key to every recipient; ours adds no stanza and keeps the key for the payload.
  encrypter.addRecipient({
    wrapFileKey(key) {
      fileKey = Uint8Array.from(key)
      return []
    },
  })
  const empty = await encrypter.encrypt(new Uint8Array(0))
  if (fileKey === undefined) throw new AppError('internal')
  // An empty file is header, nonce and one empty chunk: keep the header, choose our own nonce.
  const header = empty.subarray(0, empty.length - TAG_BYTES - NONCE_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  return payloadWriter(fileKey, Buffer.concat([header, nonce]), nonce)
}

function payloadWriter(fileKey: FileKey, head: Uint8Array, nonce: Uint8Array): AgeWriter {
  const key = payloadKey(fileKey, nonce)
  const pending = Buffer.allocUnsafe(CHUNK_BYTES)
  let pendingBytes = 0
  let counter = 0
  let closed = false

  const seal = (plain: Uint8Array, last: boolean): Buffer[] => {
    const cipher = createCipheriv('chacha20-poly1305', key, chunkNonce(counter++, last), {
      authTagLength: TAG_BYTES,
    })
    const body = cipher.update(plain)
    cipher.final()
    return [body, cipher.getAuthTag()]
  }
  const updatePieces = (plain: Uint8Array): Buffer[] => {
    if (closed) throw new AppError('internal')
    const out: Buffer[] = []
    let at = 0
    while (at < plain.length) {
      // A full chunk is sealed only once more follows: the last chunk must be known to be the last.
      if (pendingBytes === CHUNK_BYTES) {
        out.push(...seal(pending, false))
        pendingBytes = 0
      }
      const take = Math.min(CHUNK_BYTES - pendingBytes, plain.length - at)
      pending.set(plain.subarray(at, at + take), pendingBytes)
      pendingBytes += take
      at += take
    }
    return out
  }
  return {
    fileKey,
    head,
    updatePieces,
    update(plain) {
      const out = updatePieces(plain)
      return out.length === 1 && out[0] !== undefined ? out[0] : Buffer.concat(out)
    },
    final() {
      if (closed) throw new AppError('internal')
      closed = true
      const out = Buffer.concat(seal(pending.subarray(0, pendingBytes), true))
      pending.fill(0)
      return out
    },
  }
}

/**
 * Decrypts one age file as it streams by, with an identity or with the file key itself.
 *
 * Yields verified plaintext only; throws `blob_damaged` at the first byte that does not verify and where the end is
 * missing or something follows it.
 */
export async function* openAge(
  source: AsyncIterable<Uint8Array>,
  key: { readonly identity: string } | { readonly fileKey: FileKey },
): AsyncGenerator<Buffer> {
  let buffer = Buffer.alloc(0)
  let payload: Buffer | undefined
  let counter = 0
  let ended = false
  const openChunk = (chunk: Buffer, last: boolean): Buffer => {
    if (payload === undefined) throw new AppError('internal')
    return decryptChunk(payload, counter++, chunk, last)
  }
  for await (const piece of source) {
    buffer = buffer.length === 0 ? Buffer.from(piece) : Buffer.concat([buffer, piece])
    if (payload === undefined) {
      const headerBytes = headerLength(buffer)
      if (headerBytes === undefined || buffer.length < headerBytes + NONCE_BYTES) {
        if (buffer.length > MAX_HEADER_BYTES) throw new AppError('blob_damaged')
        continue
      }
      const fileKey =
        'fileKey' in key ? key.fileKey : await unwrapHeader(buffer.subarray(0, headerBytes), key.identity)
      payload = payloadKey(fileKey, buffer.subarray(headerBytes, headerBytes + NONCE_BYTES))
      buffer = buffer.subarray(headerBytes + NONCE_BYTES)
    }
    // Strictly more than a chunk: only then it is certain that this one is not the last.
    while (buffer.length > CHUNK_BYTES + TAG_BYTES) {
      const chunk = buffer.subarray(0, CHUNK_BYTES + TAG_BYTES)
      buffer = buffer.subarray(CHUNK_BYTES + TAG_BYTES)
      yield openChunk(chunk, false)
    }
  }
  if (payload !== undefined && buffer.length >= TAG_BYTES) {
    ended = true
    // An empty last chunk is lawful in an empty file only.
    if (buffer.length === TAG_BYTES && counter > 0) throw new AppError('blob_damaged')
    yield openChunk(buffer, true)
  }
  if (!ended) throw new AppError('blob_damaged')
}

/** Seals a few bytes (a file key, say) to `recipient` as a whole age file in memory. */
export async function sealTo(recipient: string, bytes: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(recipient)
  return encrypter.encrypt(bytes)
}

/** Opens what `sealTo` sealed. Errors: `blob_damaged`. */
export async function openFrom(identity: string, sealed: Uint8Array): Promise<Uint8Array> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  try {
    return await decrypter.decrypt(sealed)
  } catch (cause) {
    throw new AppError('blob_damaged', { cause })
  }
}

/**
 * Seals a small value for a database row under a 32-byte key.
 *
 * `context` names the place (table, column, row) and must be the same when opening, so that a value copied to
 * another row does not open. Shape: 12-byte random nonce, ciphertext, 16-byte tag.
 */
export function sealSmall(key: Uint8Array, context: string, plain: Uint8Array): Uint8Array {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(context), { plaintextLength: plain.length })
  const body = cipher.update(plain)
  cipher.final()
  return Buffer.concat([nonce, body, cipher.getAuthTag()])
}

/** Opens what `sealSmall` sealed; undefined when key, context or bytes are not the same. */
export function openSmall(key: Uint8Array, context: string, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < 12 + TAG_BYTES) return undefined
  const decipher = createDecipheriv('chacha20-poly1305', key, sealed.subarray(0, 12), {
    authTagLength: TAG_BYTES,
  })
  const body = sealed.subarray(12, sealed.length - TAG_BYTES)
  decipher.setAAD(Buffer.from(context), { plaintextLength: body.length })
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  try {
    const plain = decipher.update(body)
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}

/** Derives a 32-byte key for one use, named by `label`, from a secret of full strength. */
export function deriveKey(secret: Uint8Array, label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), `footbridge ${label}`, 32))
}

function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32))
}

/** 11 bytes of big-endian counter, then 1 for the last chunk. */
function chunkNonce(counter: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(counter, 5, 6)
  nonce[11] = last ? 1 : 0
  return nonce
}

function decryptChunk(key: Buffer, counter: number, chunk: Buffer, last: boolean): Buffer {
  const decipher = createDecipheriv('chacha20-poly1305', key, chunkNonce(counter, last), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAuthTag(chunk.subarray(chunk.length - TAG_BYTES))
  const plain = decipher.update(chunk.subarray(0, chunk.length - TAG_BYTES))
  try {
    decipher.final()
  } catch (cause) {
    throw new AppError('blob_damaged', { cause })
  }
  return plain
}

/** Length of the textual header at the start of `bytes`, or undefined while its end is not there. */
function headerLength(bytes: Buffer): number | undefined {
  const end = bytes.indexOf(HEADER_END)
  if (end < 0 || bytes.length < end + HEADER_END.length + MAC_LINE_BYTES) return undefined
  return end + HEADER_END.length + MAC_LINE_BYTES
}

async function unwrapHeader(header: Uint8Array, identity: string): Promise<FileKey> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  try {
    return await decrypter.decryptHeader(header)
  } catch (cause) {
    throw new AppError('blob_damaged', { cause })
  }
}
