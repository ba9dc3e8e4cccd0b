/** The built files of a page, read and compressed once at start. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { AppError } from '../domain/errors.ts'

export type PageFile = {
  /** A plain file name, made by the bundler. */
  readonly name: string
  readonly contentType: string
  readonly plain: Buffer
  readonly gzip: Buffer
  readonly brotli: Buffer
}

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
}

/**
 * Reads the files that the bundler's manifest in `folder` names for `entries`, in the same order.
 *
 * Errors: `config_invalid` when the page is not built.
 */
export async function readPageFiles(
  folder: string,
  entries: readonly string[],
): Promise<readonly PageFile[]> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
    return await Promise.all(entries.map((entry) => readOne(folder, fileOf(manifest, entry))))
  } catch (cause) {
    throw new AppError('config_invalid', { cause, details: { problem: 'the page is not built' } })
  }
}

function fileOf(manifest: unknown, entry: string): string {
  const found: unknown = isRecord(manifest) ? manifest[entry] : undefined
  const file = isRecord(found) ? found['file'] : undefined
  if (typeof file !== 'string' || !/^[\w-][\w.-]*$/.test(file)) throw new TypeError(`no file for ${entry}`)
  return file
}

async function readOne(folder: string, name: string): Promise<PageFile> {
  const contentType = TYPES[name.split('.').at(-1) ?? '']
  if (contentType === undefined) throw new TypeError('neither script nor style')
  const plain = await readFile(join(folder, name))
  const [gzipped, brotli] = await Promise.all([
    promisify(gzip)(plain, { level: 9 }),
    promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
  ])
  return { name, contentType, plain, gzip: gzipped, brotli }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
