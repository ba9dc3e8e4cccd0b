/** The built files of a page, read and compressed once at start. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../domain/errors.ts'
import { readBuiltFile, type BuiltFile } from './built-files.ts'

/** A built file with the plain name that the bundler gave it. */
export type PageFile = BuiltFile & { readonly name: string }

/** Two small files, compressed once: the best there is. */
const BROTLI_QUALITY = 11

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
  const file = await readBuiltFile(folder, name, BROTLI_QUALITY)
  if (file === undefined) throw new TypeError(`${name} is not there, or neither script nor style`)
  return { ...file, name }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
