/** The one module that encrypts: what it writes is age, and what was touched does not open. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Decrypter, Encrypter } from 'age-encryption'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createAgeWriter,
  deriveKey,
  generateKeyPair,
  openAge,
  openFrom,
  openSmall,
  recipientOf,
  sealSmall,
  sealTo,
} from '../../src/adapters/sealing.ts'

const CHUNK = 65_536
const vault = await generateKeyPair()
const worker = await generateKeyPair()

function pattern(bytes: number, seed = 1): Buffer {
  const out = Buffer.allocUnsafe(bytes)
  for (let index = 0; index < bytes; index++) out[index] = (index * 31 + seed * 17 + (index >> 8)) & 0xff
  return out
}

async function seal(plain: Buffer, step: number): Promise<{ sealed: Buffer; fileKey: Uint8Array }> {
  const writer = await createAgeWriter([vault.recipient, worker.recipient])
  const parts = [Buffer.from(writer.head)]
  for (let at = 0; at < plain.length; at += step)
    parts.push(Buffer.from(writer.update(plain.subarray(at, at + step))))
  parts.push(Buffer.from(writer.final()))
  return { sealed: Buffer.concat(parts), fileKey: writer.fileKey }
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

async function open(sealed: Buffer, key: Parameters<typeof openAge>[1], size = 10_007): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of openAge(inPieces(sealed, size), key)) parts.push(part)
  return Buffer.concat(parts)
}

describe('an age file', () => {
  it('is opened by the age library and by us, with either identity and with the file key, at every size', async () => {
    const sizes = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.constantFrom(CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK - 7),
    )
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 100_000 }),
        async (bytes, write, read) => {
          const plain = pattern(bytes, write)
          const { sealed, fileKey } = await seal(plain, write)
          const library = new Decrypter()
          library.addIdentity(worker.identity)
          expect(Buffer.from(await library.decrypt(sealed)).equals(plain)).toBe(true)
          expect((await open(sealed, { identity: vault.identity }, read)).equals(plain)).toBe(true)
          expect((await open(sealed, { fileKey }, read)).equals(plain)).toBe(true)
        },
      ),
      { numRuns: 40 },
    )
  })

  it("is opened by Debian's age", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'footbridge-age-'))
    try {
      const plain = pattern(2 * CHUNK + 5)
      writeFileSync(join(folder, 'key'), `${vault.identity}\n`, { mode: 0o600 })
      writeFileSync(join(folder, 'sealed'), (await seal(plain, 4096)).sealed)
      const opened = execFileSync('/usr/bin/age', ['-d', '-i', join(folder, 'key'), join(folder, 'sealed')], {
        maxBuffer: 10 ** 7,
      })
      expect(opened.equals(plain)).toBe(true)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('that the age library wrote is opened by us', async () => {
    const encrypter = new Encrypter()
    encrypter.addRecipient(vault.recipient)
    const plain = pattern(CHUNK + 100)
    const sealed = Buffer.from(await encrypter.encrypt(plain))
    expect((await open(sealed, { identity: vault.identity })).equals(plain)).toBe(true)
  })

  it('CR-05: does not open once a byte is changed, cut off, added, or chunks are swapped; no unverified byte comes out', async () => {
    const plain = pattern(3 * CHUNK + 10)
    const { sealed } = await seal(plain, 5_000)
    const body = sealed.length - (3 * (CHUNK + 16) + 10 + 16)
    const chunk = (index: number): Buffer =>
      sealed.subarray(body + index * (CHUNK + 16), body + (index + 1) * (CHUNK + 16))
    const touched: Record<string, Buffer> = {
      'first byte of the header': flip(sealed, 0),
      'a byte of the nonce': flip(sealed, body - 1),
      'a byte of the second chunk': flip(sealed, body + CHUNK + 100),
      'the last byte': flip(sealed, sealed.length - 1),
      'cut at a chunk': sealed.subarray(0, body + 2 * (CHUNK + 16)),
      'cut inside a chunk': sealed.subarray(0, sealed.length - 3),
      'only the header': sealed.subarray(0, body),
      empty: Buffer.alloc(0),
      'a byte more': Buffer.concat([sealed, Buffer.alloc(1)]),
      'chunks swapped': Buffer.concat([
        sealed.subarray(0, body),
        chunk(1),
        chunk(0),
        sealed.subarray(body + 2 * (CHUNK + 16)),
      ]),
    }
    for (const [name, bytes] of Object.entries(touched)) {
      const out: Buffer[] = []
      const reading = async (): Promise<void> => {
        for await (const part of openAge(inPieces(bytes, 9_999), { identity: vault.identity })) out.push(part)
      }
      await expect(reading(), name).rejects.toMatchObject({ code: 'blob_damaged' })
      const verified = Buffer.concat(out)
      expect(verified.equals(plain.subarray(0, verified.length)), name).toBe(true)
    }
  })

  it('is not opened by somebody else, and is another file each time', async () => {
    const stranger = await generateKeyPair()
    const one = await seal(pattern(10), 10)
    await expect(open(one.sealed, { identity: stranger.identity })).rejects.toMatchObject({
      code: 'blob_damaged',
    })
    const two = await seal(pattern(10), 10)
    expect(one.sealed.equals(two.sealed)).toBe(false)
    expect(Buffer.from(one.fileKey).equals(Buffer.from(two.fileKey))).toBe(false)
  })

  it('can not be written on after its end: no key and counter ever meet two plaintexts', async () => {
    const writer = await createAgeWriter([vault.recipient])
    writer.update(pattern(10))
    writer.final()
    expect(() => writer.update(pattern(10))).toThrow()
    expect(() => writer.final()).toThrow()
  })
})

describe('a small sealed value', () => {
  const key = deriveKey(Buffer.from('a secret of full strength, 32 B.'), 'test')

  it('opens with the same key and place only', () => {
    const sealed = Buffer.from(sealSmall(key, 'table.column.row1', Buffer.from('value')))
    expect(openSmall(key, 'table.column.row1', sealed)?.toString()).toBe('value')
    expect(openSmall(key, 'table.column.row2', sealed)).toBeUndefined()
    expect(openSmall(deriveKey(key, 'other'), 'table.column.row1', sealed)).toBeUndefined()
    for (let at = 0; at < sealed.length; at++)
      expect(openSmall(key, 'table.column.row1', flip(sealed, at))).toBeUndefined()
    expect(openSmall(key, 'table.column.row1', sealed.subarray(0, 10))).toBeUndefined()
  })
})

it('a key is sealed to a recipient and opened by its identity', async () => {
  const sealed = await sealTo(worker.recipient, Buffer.from('sixteen byte key'))
  expect(Buffer.from(await openFrom(worker.identity, sealed)).toString()).toBe('sixteen byte key')
  await expect(openFrom(vault.identity, sealed)).rejects.toMatchObject({ code: 'blob_damaged' })
  expect(await recipientOf(worker.identity)).toBe(worker.recipient)
  await expect(recipientOf('no identity')).rejects.toMatchObject({ code: 'config_invalid' })
})

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
