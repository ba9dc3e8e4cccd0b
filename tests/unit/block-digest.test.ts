import { test as property, fc } from '@fast-check/vitest'
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { resumeBlockDigest, startBlockDigest } from '../../src/adapters/block-digest.ts'

const MIB = 1_048_576
const bytes = randomBytes(4 * MIB + 777)

/** The definition, in three lines. */
function plain(end: number): string {
  const outer = createHash('sha256')
  for (let at = 0; at < end; at += MIB) {
    outer.update(
      createHash('sha256')
        .update(bytes.subarray(at, Math.min(end, at + MIB)))
        .digest(),
    )
  }
  return outer.digest('hex')
}

describe('the block digest', () => {
  property.prop(
    [
      fc.array(fc.record({ take: fc.integer({ min: 1, max: 3 * MIB }), save: fc.boolean() }), {
        minLength: 1,
        maxLength: 12,
      }),
    ],
    { numRuns: 40 },
  )('is the same however the bytes come and wherever it is written down', async (steps) => {
    let digest = await startBlockDigest()
    let at = 0
    for (const { take, save } of steps) {
      const piece = bytes.subarray(at, at + take)
      digest.update(piece)
      at += piece.length
      expect(digest.digest()).toBe(plain(at))
      if (!save) continue
      const saved = digest.save()
      digest.close()
      digest = await resumeBlockDigest(saved, at)
    }
    digest.close()
  })

  it('keeps runs that go side by side apart', async () => {
    const runs = await Promise.all(Array.from({ length: 80 }, () => startBlockDigest()))
    // More than there are places for blocks at hand; 300,007 is no divisor of a block.
    for (let at = 0; at < bytes.length; at += 300_007) {
      for (const run of runs) run.update(bytes.subarray(at, at + 300_007))
    }
    for (const run of runs) {
      expect(run.digest()).toBe(plain(bytes.length))
      run.close()
    }
  })

  it('is small to write down and refuses a state that is none', async () => {
    const digest = await startBlockDigest()
    digest.update(bytes.subarray(0, MIB + 5))
    const saved = digest.save()
    expect(saved.length).toBeLessThan(250)
    await expect(resumeBlockDigest(saved, MIB)).rejects.toMatchObject({ code: 'internal' })
    await expect(resumeBlockDigest(new Uint8Array(saved.length), MIB + 5)).rejects.toMatchObject({
      code: 'internal',
    })
  })
})
