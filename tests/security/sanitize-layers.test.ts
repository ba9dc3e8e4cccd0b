/** Three layers keep a playlist from showing other people's clips: the sniffer, the lists, the sandbox. Each holds alone. */

import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ffmpegArguments } from '../../src/adapters/tools/ffmpeg.ts'
import { DEMUXERS, untrustedInput, type AvContainer } from '../../src/adapters/tools/formats.ts'
import { runTool } from '../../src/adapters/tools/run-tool.ts'
import { sniff } from '../../src/process/inspect/sniff.ts'
import { hostFfmpeg, makeClip, mediaBench } from '../support/media.ts'

const run = promisify(execFile)
const bench = mediaBench('layers')
const at = (name: string): string => join(bench.root, name)
const containers = Object.keys(DEMUXERS) as AvContainer[]
let stolen: string[] = []
let hits = 0
let port = 0
const listener = createServer((socket) => {
  hits++
  socket.destroy()
})

/** Names of files that would steal, and what ffmpeg would be told if nobody held it back. */
const EVERYTHING = ['-protocol_whitelist', 'file,http,tcp,crypto,subfile,concat,data']
const LOOSE_HLS = [...EVERYTHING, '-allowed_extensions', 'ALL']
const LOOSE_LIST = [...EVERYTHING, '-f', 'concat', '-safe', '0']
const THIEVES: [name: string, loose: readonly string[], content: () => string][] = [
  ['hls-neighbour.mp4', LOOSE_HLS, () => hls('victim.ts')],
  ['hls-path.mp4', LOOSE_HLS, () => hls(at('victim.ts'))],
  ['hls-file-address.mp4', LOOSE_HLS, () => hls(`file://${at('victim.ts')}`)],
  ['list-neighbour.mp4', LOOSE_LIST, () => 'ffconcat version 1.0\nfile victim.ts\n'],
  ['list-path.mp4', LOOSE_LIST, () => `ffconcat version 1.0\nfile '${at('victim.ts')}'\n`],
]
const CALLERS: [name: string, loose: readonly string[], content: () => string][] = [
  ['hls-call.mp4', LOOSE_HLS, () => hls(`http://127.0.0.1:${port}/x.ts`)],
  ['list-call.mp4', LOOSE_LIST, () => `ffconcat version 1.0\nfile 'http://127.0.0.1:${port}/x.ts'\n`],
]
const ALL = [...THIEVES, ...CALLERS]

function hls(segment: string): string {
  return `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${segment}\n#EXT-X-ENDLIST\n`
}

beforeAll(async () => {
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
  await makeClip(at('victim.mp4'), { seconds: 1, size: '64x48', sound: false })
  await hostFfmpeg('-i', at('victim.mp4'), '-map', '0:v', '-c', 'copy', '-f', 'mpegts', at('victim.ts'))
  stolen = await pictures(at('victim.ts'))
  for (const [name, , content] of ALL) await writeFile(at(name), content(), { mode: 0o644 })
})
afterAll(async () => {
  await new Promise((resolve) => listener.close(resolve))
  bench.remove()
})

/** A digest of every picture that a file shows. */
async function pictures(path: string): Promise<string[]> {
  const { stdout } = await run('/usr/bin/ffmpeg', [
    '-v',
    'error',
    '-i',
    path,
    '-map',
    '0:v',
    '-f',
    'framemd5',
    '-',
  ])
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => line.split(',').at(-1)?.trim() ?? '')
}

/** What a file that may not exist holds of the victim. */
async function loot(path: string): Promise<string[]> {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  return size === 0 ? [] : await pictures(path)
}

const OUTPUT = ['-map', '0:v', '-c', 'copy', '-f', 'mpegts']

describe('what holds back a file that reaches for others', () => {
  it.each(THIEVES)('has something to hold back: without any layer %s steals', async (name, loose) => {
    await hostFfmpeg(...loose, '-i', at(name), ...OUTPUT, at('loot.ts'))
    expect(stolen).toHaveLength(30)
    expect(await loot(at('loot.ts'))).toEqual(stolen)
    rmSync(at('loot.ts'))
  })

  it.each(CALLERS)('has something to hold back: without any layer %s calls', async (name, loose) => {
    await hostFfmpeg(...loose, '-i', at(name), ...OUTPUT, at('loot.ts')).catch(() => undefined)
    expect(hits).toBeGreaterThan(0)
    hits = 0
  })

  it.each(ALL)('is the sniffer alone: %s', async (name) => {
    const data = await readFile(at(name))
    expect(() => sniff(data, data, data.length)).toThrow(
      expect.objectContaining({ code: 'container_not_accepted' }) as Error,
    )
  })

  it.each(ALL)(
    'is the argument list of ffprobe alone, whatever the sniffer took it for: %s',
    async (name) => {
      for (const container of containers) {
        const args = [...untrustedInput(container, 'list'), '-show_streams', at(name)]
        const answer = await run('/usr/bin/ffprobe', ['-v', 'error', ...args]).then(
          ({ stdout }) => stdout,
          () => 'refused',
        )
        // Raw sound is what some demuxers see in anything; a picture must never come out.
        expect(answer, container).not.toContain('codec_type=video')
      }
      expect(hits).toBe(0)
    },
  )

  it.each(ALL)('is the argument list of ffmpeg alone, whatever the sniffer took it for: %s', async (name) => {
    for (const container of containers) {
      const plan = { container, strict: false, outputs: [{ target: { file: 'x.ts' }, options: OUTPUT }] }
      const args = ffmpegArguments(plan).map((arg) =>
        arg === '/in' ? at(name) : arg === '/out/x.ts' ? at('loot.ts') : arg,
      )
      await run('/usr/bin/ffmpeg', ['-y', ...args]).catch(() => undefined)
      expect(await loot(at('loot.ts')), container).toEqual([])
    }
    expect(hits).toBe(0)
  })

  it.each(ALL)('is the sandbox alone, with nothing forbidden to ffmpeg: %s', async (name, loose) => {
    const outputDir = at(`out-${name}`)
    mkdirSync(outputDir)
    const { stderr } = await bench.tools.withScratch(async (folder) =>
      runTool({
        ...{ name: 'ffmpeg', program: '/usr/bin/ffmpeg', deadlineMs: 30_000, outputDir },
        input: await bench.tools.readable(at(name), folder),
        args: ['-nostdin', '-v', 'error', ...loose, '-i', '/in', ...OUTPUT, '/out/loot.ts'],
      }),
    )
    // It did run and try: what stopped it is that there was nothing to open.
    expect(stderr).toMatch(
      /No such file|Error when loading first segment|Connection refused|Network is unreachable|Operation not permitted/,
    )
    expect(hits).toBe(0)
    for (const made of readdirSync(outputDir)) {
      expect(await loot(join(outputDir, made))).toEqual([])
      expect(readFileSync(join(outputDir, made)).length).toBe(0)
    }
  })
})
