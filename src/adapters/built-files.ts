/** The bundler's files of a page, each read and compressed when it is first asked for, and kept: they never change. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

export type BuiltFile = {
  readonly contentType: string
  readonly plain: Buffer
  readonly gzip: Buffer
  readonly brotli: Buffer
}

export type BuiltFiles = {
  /** The file of that name, or undefined where there is none, or it is of no kind that a page loads. */
  find(name: string): Promise<BuiltFile | undefined>
}

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  svg: 'image/svg+xml',
}
/** A name as the bundler writes it: no folder, nothing hidden. */
const NAME = /^[\w-][\w.-]{0,99}$/
/** Within two percent of the best there is, in a tenth of the time. */
const BROTLI_QUALITY = 9

/** Serves the files of `folder` by name. Nothing is read before the first `find`. */
export function createBuiltFiles(folder: string): BuiltFiles {
  const kept = new Map<string, Promise<BuiltFile | undefined>>()
  return {
    find(name) {
      const known = kept.get(name)
      if (known !== undefined) return known
      const read = readBuiltFile(folder, name, BROTLI_QUALITY)
      kept.set(name, read)
      // What is not there may be built later, and strangers' guesses must not fill the memory.
      void read.then((file) => file ?? kept.delete(name))
      return read
    },
  }
}

/**
 * Reads one file and compresses it both ways; undefined where there is none, or it is of no kind that a page loads.
 * `brotliQuality`: 0 to 11.
 */
export async function readBuiltFile(
  folder: string,
  name: string,
  brotliQuality: number,
): Promise<BuiltFile | undefined> {
  const contentType = TYPES[name.split('.').at(-1) ?? '']
  if (contentType === undefined || !NAME.test(name)) return undefined
  let plain: Buffer
  try {
    plain = await readFile(join(folder, name))
  } catch {
    return undefined
  }
  const [gzipped, brotli] = await Promise.all([
    promisify(gzip)(plain, { level: 9 }),
    promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } }),
  ])
  return { contentType, plain, gzip: gzipped, brotli }
}
