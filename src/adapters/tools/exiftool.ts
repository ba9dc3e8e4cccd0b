/** Tags of a file as exiftool lists them. The project's own copy of the script runs, inside the sandbox. */

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { AppError } from '../../domain/errors.ts'
import { machineFailed, runTool } from './run-tool.ts'

/** One tag. Values are for searching only: they never leave the process, not even to a log. */
export type Tag = { readonly group: string; readonly name: string; readonly value: string }

/**
 * Lists every tag of a file, embedded documents and unknown ones included.
 *
 * Errors: `tool_failed`, `tool_timeout`. A file that exiftool cannot read at all gives an empty list.
 */
export async function readTags(path: string, signal?: AbortSignal): Promise<Tag[]> {
  return await ask(path, ['-ee', '-u'], signal)
}

/** Tags of an original. `outerOnly`: those of embedded documents were too many and are missing. */
export type SourceTags = { readonly tags: readonly Tag[]; readonly outerOnly: boolean }

/**
 * The same of an original, where hours of embedded positions, or a bomb, may be more than the
 * ceilings allow: it is read again without them, what is searched for is then less, and `outerOnly`
 * says so. A master is never read like that.
 */
export async function readSourceTags(path: string, signal?: AbortSignal): Promise<SourceTags> {
  try {
    // A second try where it may have been the machine's fault: a busy host must not weaken a certificate.
    const tags = await readTags(path, signal).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.details['reason'] !== 'machine') throw error
      return readTags(path, signal)
    })
    return { tags, outerOnly: false }
  } catch (error) {
    if (!(error instanceof AppError) || signal?.aborted === true) throw error
    return { tags: await ask(path, [], signal), outerOnly: true }
  }
}

async function ask(path: string, depth: readonly string[], signal?: AbortSignal): Promise<Tag[]> {
  const home = dirname(createRequire(import.meta.url).resolve('exiftool-vendored.pl'))
  const result = await runTool({
    name: 'exiftool',
    program: '/usr/bin/perl',
    args: [
      // `-config ""` must come first: a file `.ExifTool_config` at home would be run as a program.
      ...['/app/exiftool/exiftool', '-config', '', '-j', '-G3:1', '-a', '-s', '-m', ...depth],
      ...['-api', 'largefilesupport=1', '-charset', 'filename=utf8', '/in'],
    ],
    mounts: [{ from: join(home, 'bin'), at: '/app/exiftool' }],
    input: path,
    deadlineMs: 120_000,
    // Measured: a file of 652 bytes makes `-ee` take 4.7 GB; under 1 GB it fails cleanly in half a second.
    limits: { addressSpaceBytes: 1_000_000_000, dataBytes: 1_000_000_000, cpuSeconds: 90 },
    stdoutBytes: 64 * 1024 * 1024,
    signal,
  })
  const text = result.stdout.toString('utf8')
  // Silence must not pass for a file without tags: what is proven clean rests on it.
  if (machineFailed(result) || /out of memory/i.test(result.stderr)) {
    throw new AppError('tool_failed', { details: { tool: 'exiftool', reason: 'machine' } })
  }
  if (text.trim() === '') {
    if (result.exitCode === 1) return []
    throw new AppError('tool_failed', { details: { tool: 'exiftool', reason: 'no_answer' } })
  }
  return parseTags(text)
}

/** Reads exiftool's JSON. Pure. */
export function parseTags(text: string): Tag[] {
  let root: unknown
  try {
    root = JSON.parse(text)
  } catch (cause) {
    throw new AppError('tool_failed', { details: { tool: 'exiftool', reason: 'not_json' }, cause })
  }
  const files: unknown[] = Array.isArray(root) ? root : []
  return files.flatMap((file) =>
    typeof file !== 'object' || file === null
      ? []
      : Object.entries(file).flatMap(([key, value]) => {
          // With embedded documents the key reads `Doc1:Track2:GPSLatitude`; the group next to the name counts.
          const parts = key.split(':')
          const name = parts.pop() ?? ''
          const group = parts.pop() ?? ''
          return flat(value).map((one) => ({ group, name, value: one }))
        }),
  )
}

function flat(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(flat)
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(flat)
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? [String(value)]
    : []
}
