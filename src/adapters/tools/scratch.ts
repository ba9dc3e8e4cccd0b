/** Private folders that tools work in: born empty, removed with everything in them. */

import { chmod, copyFile, constants, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { AppError } from '../../domain/errors.ts'

/**
 * Gives `work` a new private folder below `root` and removes it afterwards, whatever happened.
 *
 * Effects: `root` itself is made when it is missing (mode 0700).
 */
export async function withScratch<T>(root: string, work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(resolve(root), 'work-'))
  await chmod(folder, 0o700)
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Makes a folder inside a scratch folder and returns its path; for outputs, which live apart from inputs. */
export async function scratchFolder(parent: string, name: string): Promise<string> {
  const folder = join(parent, name)
  await mkdir(folder, { mode: 0o700 })
  return folder
}

/** Removes whatever an earlier process left below `root`; called at start, before any work. */
export async function emptyScratch(root: string): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  for (const name of await readdir(root)) {
    if (name.startsWith('work-')) await rm(join(root, name), { recursive: true, force: true })
  }
}

/**
 * Returns a path of the same content that a tool can read.
 *
 * As root, tools run as another user, and a private file is closed to them. Inside `scratchRoot`
 * its mode is opened: the folders above it stay private, and only the sandbox is handed a way past
 * them. A file elsewhere is not ours to change: it is copied to `folder` (a clone where the file
 * system can).
 */
export async function readableByTools(path: string, scratchRoot: string, folder: string): Promise<string> {
  const absolute = resolve(path)
  const facts = await stat(absolute)
  if (!facts.isFile())
    throw new AppError('container_not_accepted', { details: { reason: 'not_a_plain_file' } })
  if (process.geteuid?.() !== 0 || (facts.mode & 0o004) !== 0) return absolute
  if (isInside(scratchRoot, absolute)) {
    await chmod(absolute, facts.mode | 0o004)
    return absolute
  }
  const copy = join(folder, 'input')
  await copyFile(absolute, copy, constants.COPYFILE_FICLONE)
  await chmod(copy, 0o644)
  return copy
}

function isInside(root: string, path: string): boolean {
  const way = relative(resolve(root), path)
  return way !== '' && !way.startsWith('..') && !isAbsolute(way)
}
