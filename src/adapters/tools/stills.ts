/** Still pictures: starts `stills-program.ts` in the sandbox and reads its answer. */

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../domain/errors.ts'
import { MAX_PIXELS } from './formats.ts'
import { runTool } from './run-tool.ts'
import { scratchFolder } from './scratch.ts'
import type { StillsAnswer, StillsRequest } from './stills-program.ts'

/** Size as displayed, and number of pictures in an animation. */
export type StillFacts = { readonly width: number; readonly height: number; readonly pages: number }

/** Reads size and orientation without decoding. Errors: `media_too_big`, `media_damaged`, `container_not_accepted`. */
export async function stillFacts(path: string, format: string, signal?: AbortSignal): Promise<StillFacts> {
  return await ask({ do: 'facts', format, maxPixels: MAX_PIXELS }, path, undefined, signal)
}

/**
 * Decodes one picture (or an animation), turns it upright, converts it to sRGB and encodes it anew
 * into `outputDir`; nothing but pixels goes across.
 *
 * JPEG, HEIC and AVIF become JPEG, TIFF becomes PNG, the others stay what they are.
 * `recovered` says that the end of the picture was missing.
 */
export async function cleanStill(
  path: string,
  format: string,
  outputDir: string,
  signal?: AbortSignal,
): Promise<StillFacts & { readonly path: string; readonly recovered: boolean }> {
  const request = { do: 'clean', format, maxPixels: MAX_PIXELS } as const
  try {
    const strict = await scratchFolder(outputDir, 'strict')
    return { ...(await produce({ ...request, tolerant: false }, path, strict, signal)), recovered: false }
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'media_damaged') || format === 'heic') throw error
    const tolerant = await scratchFolder(outputDir, 'tolerant')
    return { ...(await produce({ ...request, tolerant: true }, path, tolerant, signal)), recovered: true }
  }
}

/** Makes `proxy.jpg` and `poster.jpg` in `outputDir`; returns the proxy's size. */
export async function deriveStill(
  path: string,
  outputDir: string,
  sides: { readonly proxy: number; readonly poster: number },
  signal?: AbortSignal,
): Promise<StillFacts> {
  return await ask(
    { do: 'derive', maxPixels: MAX_PIXELS, proxySide: sides.proxy, posterSide: sides.poster },
    path,
    outputDir,
    signal,
  )
}

async function produce(request: StillsRequest, path: string, outputDir: string, signal?: AbortSignal) {
  const answer = await ask(request, path, outputDir, signal)
  const { width, height, pages, file } = answer
  if (file === undefined)
    throw new AppError('tool_failed', { details: { tool: 'stills', reason: 'no_file' } })
  return { width, height, pages, path: join(outputDir, file) }
}

async function ask(
  request: StillsRequest,
  input: string,
  outputDir: string | undefined,
  signal?: AbortSignal,
) {
  const result = await runTool({
    name: 'stills',
    program: '/app/node',
    args: [
      '--disable-wasm-trap-handler',
      '--max-old-space-size=512',
      '/app/stills-program.mts',
      JSON.stringify(request),
    ],
    mounts: programMounts(),
    input,
    ...(outputDir === undefined ? {} : { outputDir }),
    deadlineMs: 120_000,
    // Measured on Node 24: V8 reserves as many addresses as it is allowed, 8.4 GB where nothing stops it, and between
    // 3 and 8 GB it starves its own threads. So the addresses are left free and what can be written to is bounded:
    // 0.7 GB for a 12 MP photo.
    limits: {
      addressSpaceBytes: 16_000_000_000,
      dataBytes: 2_500_000_000,
      cpuSeconds: 100,
      fileBytes: 512 * 1024 * 1024,
    },
    stdoutBytes: 64 * 1024,
    signal,
  })
  const answer = readAnswer(result.stdout.toString('utf8'))
  if (answer === undefined)
    throw new AppError('tool_failed', { details: { tool: 'stills', reason: 'no_answer' } })
  if (answer.ok) return answer
  switch (answer.fault) {
    case 'too_big':
      throw new AppError('media_too_big', { details: { limit: 'pixels' } })
    case 'not_accepted':
      throw new AppError('container_not_accepted')
    case 'damaged':
      throw new AppError('media_damaged')
  }
}

function readAnswer(text: string): StillsAnswer | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const answer = value as Record<string, unknown>
    if (answer['ok'] === false) {
      const fault = answer['fault']
      return fault === 'too_big' || fault === 'not_accepted' || fault === 'damaged'
        ? { ok: false, fault }
        : undefined
    }
    const { width, height, pages, file } = answer
    if (typeof width !== 'number' || typeof height !== 'number' || typeof pages !== 'number') return undefined
    if (file === undefined) return { ok: true, width, height, pages }
    // A name, never a path: the sandbox must not choose what we open.
    return typeof file === 'string' && /^clean\.(jpg|png|webp|gif)$/.test(file)
      ? { ok: true, width, height, pages, file }
      : undefined
  } catch {
    return undefined
  }
}

const PACKAGES = ['sharp', '@img', 'detect-libc', 'semver', 'heic-decode', 'libheif-js']

function programMounts(): { from: string; at: string }[] {
  const require = createRequire(import.meta.url)
  const modules = dirname(dirname(require.resolve('heic-decode')))
  return [
    { from: process.execPath, at: '/app/node' },
    { from: fileURLToPath(new URL('stills-program.ts', import.meta.url)), at: '/app/stills-program.mts' },
    ...PACKAGES.map((name) => ({ from: join(modules, name), at: `/app/node_modules/${name}` })),
  ]
}
