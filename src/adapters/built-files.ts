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
      const contentType = TYPES[name.split('.').at(-1) ?? '']
      if (contentType === undefined || !NAME.test(name)) return Promise.resolve(undefined)
      const known = kept.get(name)
      if (known !== undefined) return known
      const read = readOne(join(folder, name), contentType)
      kept.set(name, read)
      // What is not there may be built later, and strangers' guesses must not fill the memory.
      void read.then((file) => file ?? kept.delete(name))
      return read
    },
  }
}

async function readOne(path: string, contentType: string): Promise<BuiltFile | undefined> {
  let plain: Buffer
  try {
    plain = await readFile(path)
  } catch {
    return undefined
  }
  const [gzipped, brotli] = await Promise.all([
    promisify(gzip)(plain, { level: 9 }),
    promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  ])
  return { contentType, plain, gzip: gzipped, brotli }
}
