import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseBlobKey, type BlobKey, type BlobStore } from '../../src/adapters/blobs/blob-store.ts'
import { createDiskBlobStore } from '../../src/adapters/blobs/disk-blob-store.ts'

const key = (text: string): BlobKey => {
  const parsed = parseBlobKey(text)
  if (parsed === undefined) throw new Error(`not a key: ${text}`)
  return parsed
}
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
async function* pieces(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}
const read = async (
  store: BlobStore,
  name: string,
  range?: { start: number; end: number },
): Promise<Buffer> => buffer(await store.open('clean', key(name), range))
const keysOf = async (store: BlobStore): Promise<string[]> => {
  const keys: string[] = []
  for await (const found of store.list('clean')) keys.push(found)
  return keys.sort()
}
const random = (bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 7919 + (i >> 8)) & 255))

/** What every store promises; `open` gives a fresh, empty one. */
function blobStoreSuite(name: string, open: () => Promise<BlobStore>): void {
  describe(name, () => {
    let store: BlobStore
    beforeAll(async () => {
      store = await open()
    })

    it('gives back exactly what was put, with its size and digest', async () => {
      const bytes = random(3_000_001)
      const stored = await store.put(
        'clean',
        key('a.mp4'),
        pieces(bytes.subarray(0, 10), bytes.subarray(10, 2_000_000), bytes.subarray(2_000_000)),
      )
      expect(stored).toEqual({ sizeBytes: 3_000_001, sha256: sha256(bytes) })
      expect(sha256(await read(store, 'a.mp4'))).toBe(stored.sha256)
      expect(await store.size('clean', key('a.mp4'))).toBe(3_000_001)
    })

    it('keeps an object of no bytes', async () => {
      expect(await store.put('clean', key('empty'), pieces())).toEqual({
        sizeBytes: 0,
        sha256: sha256(Buffer.alloc(0)),
      })
      expect(await read(store, 'empty')).toHaveLength(0)
      expect(await store.size('clean', key('empty'))).toBe(0)
    })

    it('reads ranges with both ends inside', async () => {
      const bytes = random(100_000)
      await store.put('clean', key('range'), pieces(bytes))
      expect(await read(store, 'range', { start: 0, end: 0 })).toEqual(bytes.subarray(0, 1))
      expect(await read(store, 'range', { start: 70_000, end: 99_999 })).toEqual(bytes.subarray(70_000))
      expect(await read(store, 'range', { start: 12_345, end: 54_321 })).toEqual(
        bytes.subarray(12_345, 54_322),
      )
    })

    it('keeps areas apart', async () => {
      await store.put('derived', key('same'), pieces(Buffer.from('derived')))
      await store.put('sealed', key('same'), pieces(Buffer.from('sealed')))
      expect((await buffer(await store.open('derived', key('same')))).toString()).toBe('derived')
      expect(await store.size('clean', key('same'))).toBeUndefined()
    })

    it('replaces an object whole, while a reader goes on with the one it opened', async () => {
      const before = random(2_000_000)
      await store.put('clean', key('turn'), pieces(before))
      const reader = await store.open('clean', key('turn'))
      await store.put('clean', key('turn'), pieces(Buffer.from('after')))
      expect(sha256(await buffer(reader))).toBe(sha256(before))
      expect((await read(store, 'turn')).toString()).toBe('after')
    })

    it('stores nothing, and says why, when the source fails', async () => {
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield random(2_000_000)
        throw new Error('the source broke')
      }
      await expect(store.put('clean', key('broken'), failing())).rejects.toThrow('the source broke')
      expect(await store.size('clean', key('broken'))).toBeUndefined()
      await expect(store.open('clean', key('broken'))).rejects.toMatchObject({ code: 'not_found' })
      expect(await store.removeUnfinished()).toBe(0)
    })

    it('keeps the old object when a replacement fails', async () => {
      await store.put('clean', key('kept'), pieces(Buffer.from('old')))
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('ne')
        throw new Error('the source broke')
      }
      await expect(store.put('clean', key('kept'), failing())).rejects.toThrow()
      expect((await read(store, 'kept')).toString()).toBe('old')
    })

    it('does not show an object before it is whole', async () => {
      let seen: number | undefined = -1
      const watching = async function* (): AsyncGenerator<Uint8Array> {
        yield random(3_000_000)
        seen = await store.size('clean', key('slow'))
        yield random(1)
      }
      await store.put('clean', key('slow'), watching())
      expect(seen).toBeUndefined()
      expect(await store.size('clean', key('slow'))).toBe(3_000_001)
    })

    it('ends two puts of one key with one whole object', async () => {
      const one = random(1_500_000)
      const two = Buffer.alloc(1_500_000, 9)
      await Promise.all([
        store.put('clean', key('race'), pieces(one)),
        store.put('clean', key('race'), pieces(two)),
      ])
      expect([sha256(one), sha256(two)]).toContain(sha256(await read(store, 'race')))
    })

    it('deletes, and finds it fine when there is nothing to delete', async () => {
      await store.put('clean', key('gone'), pieces(Buffer.from('x')))
      await store.delete('clean', key('gone'))
      await store.delete('clean', key('gone'))
      expect(await store.size('clean', key('gone'))).toBeUndefined()
      await expect(store.open('clean', key('gone'))).rejects.toMatchObject({ code: 'not_found' })
    })

    it('lists what is there', async () => {
      const listed = await keysOf(store)
      expect(listed).toContain('a.mp4')
      expect(listed).not.toContain('gone')
      expect(listed).not.toContain('broken')
    })

    it('knows how much room is left', async () => {
      expect(await store.freeBytes()).toBeGreaterThan(1_000_000)
    })
  })
}

let root: string
beforeAll(async () => {
  root = await mkdtemp(`${tmpdir()}/blob-store-`)
})
afterAll(async () => rm(root, { recursive: true, force: true }))

blobStoreSuite('The disk store', async () => {
  await mkdir(`${root}/suite`)
  return createDiskBlobStore(`${root}/suite`)
})

describe('The disk store alone', () => {
  it('writes files that nobody but owner and group may read', async () => {
    await mkdir(`${root}/modes`)
    const store = await createDiskBlobStore(`${root}/modes`)
    await store.put('sealed', key('private.age'), pieces(Buffer.from('x')))
    expect((await stat(`${root}/modes/sealed`)).mode & 0o027).toBe(0)
    expect((await stat(`${root}/modes/sealed/private.age`)).mode & 0o137).toBe(0)
  })

  it('clears away what a killed process left half written, and nothing else', async () => {
    await mkdir(`${root}/crashed`)
    const store = await createDiskBlobStore(`${root}/crashed`)
    await store.put('clean', key('whole.mp4'), pieces(Buffer.from('x')))
    await writeFile(`${root}/crashed/clean/.unfinished-${'0'.repeat(32)}`, 'half')
    expect(await keysOf(store)).toEqual(['whole.mp4'])
    expect(await store.removeUnfinished()).toBe(1)
    expect(await readdir(`${root}/crashed/clean`)).toEqual(['whole.mp4'])
  })

  it('refuses keys that could leave their folder', () => {
    for (const text of [
      '../x',
      'a/b',
      '.hidden',
      'A.mp4',
      '',
      'a\0b',
      'x'.repeat(200),
      'a.mp4/..',
      '-a',
      'a..b',
      'ä',
    ]) {
      expect(parseBlobKey(text), text).toBeUndefined()
    }
  })

  it.runIf(process.getuid?.() === 0)(
    'says that the disk is full, leaves no half object, and goes on when there is room',
    async () => {
      const small = `${root}/small`
      await mkdir(small)
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small])
      try {
        const store = await createDiskBlobStore(small)
        await store.put('clean', key('first'), pieces(random(1_000_000)))
        await expect(
          store.put('clean', key('second'), pieces(random(2_000_000), random(2_000_000), random(2_000_000))),
        ).rejects.toMatchObject({
          code: 'disk_full',
          retryable: true,
        })
        expect(await readdir(`${small}/clean`)).toEqual(['first'])
        await store.delete('clean', key('first'))
        expect(await store.put('clean', key('second'), pieces(random(3_000_000)))).toMatchObject({
          sizeBytes: 3_000_000,
        })
      } finally {
        execFileSync('umount', [small])
      }
    },
  )
})
