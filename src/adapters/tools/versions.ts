/** Versions of the media programs, asked of the programs themselves in the sandbox. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { runTool } from './run-tool.ts'

/** Names and versions of what cleaned a clip; for its certificate. */
export async function execVersion(): Promise<Readonly<Record<string, string>>> {
  const result = await runTool({
    ...{ name: 'ffmpeg', program: '/usr/bin/ffmpeg', args: ['-hide_banner', '-version'], deadlineMs: 20_000 },
  })
  const ffmpeg = /^ffmpeg version (\S+)/m.exec(result.stdout.toString('utf8'))?.[1] ?? 'unknown'
  return {
    ffmpeg,
    exiftool: packageVersion('exiftool-vendored.pl'),
    sharp: packageVersion('sharp'),
    'heic-decode': packageVersion('heic-decode'),
  }
}

/** Reads the manifest beside the others: loading the package itself would bring its decoder into this process. */
function packageVersion(name: string): string {
  const modules = dirname(dirname(createRequire(import.meta.url).resolve('heic-decode')))
  const manifest: unknown = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}
