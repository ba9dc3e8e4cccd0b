/**
 * Searches a file for many byte strings in one pass with flat memory.
 *
 * Wu and Manber's method with blocks of two bytes: most positions are skipped without being looked
 * at, so that a hundred values cost hardly more than one.
 */

import type { RandomReader } from '../../../adapters/tools/local-file.ts'
import type { Needle } from './sensitive.ts'

const CHUNK_BYTES = 4 * 1024 * 1024

/** The first needle that occurs in `file`, or undefined. */
export async function findFirst(
  file: RandomReader,
  needles: readonly Needle[],
  signal?: AbortSignal,
): Promise<Needle | undefined> {
  if (needles.length === 0) return undefined
  const search = createSearch(needles)
  const overlap = Math.max(...needles.map((needle) => needle.bytes.length)) - 1
  for (let offset = 0; offset < file.size; offset += CHUNK_BYTES) {
    signal?.throwIfAborted()
    const found = search(await file.read(offset, CHUNK_BYTES + overlap))
    if (found !== undefined) return found
  }
  return undefined
}

/** Prepares the tables; the function returned searches one buffer. Needles have at least two bytes. */
export function createSearch(needles: readonly Needle[]): (data: Buffer) => Needle | undefined {
  const shortest = Math.min(...needles.map((needle) => needle.bytes.length))
  const longestSkip = Math.min(255, shortest - 1)
  const skips = new Uint8Array(65536).fill(longestSkip)
  const ends = new Map<number, Needle[]>()
  for (const needle of needles) {
    for (let at = 0; at + 1 < shortest; at++) {
      const block = ((needle.bytes[at] ?? 0) << 8) | (needle.bytes[at + 1] ?? 0)
      const skip = shortest - 2 - at
      if (skip < (skips[block] ?? 0)) skips[block] = skip
      if (skip === 0) ends.set(block, [...(ends.get(block) ?? []), needle])
    }
  }
  return (data) => {
    let at = shortest - 1
    while (at < data.length) {
      const block = ((data[at - 1] ?? 0) << 8) | (data[at] ?? 0)
      const skip = skips[block] ?? 0
      if (skip > 0) {
        at += skip
        continue
      }
      const start = at - shortest + 1
      for (const needle of ends.get(block) ?? []) {
        const { bytes } = needle
        if (start + bytes.length <= data.length && bytes.compare(data, start, start + bytes.length) === 0)
          return needle
      }
      at++
    }
    return undefined
  }
}
