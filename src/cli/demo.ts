/** What `serve --demo` makes, so that a newcomer has something to look at: an editor, a code, three clips. */
import { join } from 'node:path'
import { runTool } from '../adapters/tools/run-tool.ts'
import { readPrivately, writePrivately } from '../adapters/key-files.ts'
import { generateKeyPair } from '../adapters/sealing.ts'
import { storagePaths } from '../adapters/storage-layout.ts'
import { scratchFolder, withScratch } from '../adapters/tools/scratch.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../domain/errors.ts'
import { withOperator } from './operator.ts'
import { sendFiles } from './send.ts'
import type { Output } from './verb.ts'

export type Demo = {
  readonly login: string
  readonly password: string
  readonly totpSecret: string
  readonly code: string
  readonly vaultKeyFile: string
}

/** Phones write such things; the certificates on the desk then show that they were taken away. */
const PHONE_METADATA = [
  'location=+12.3456+098.7654/',
  'com.apple.quicktime.make=Demo',
  'com.apple.quicktime.model=Demo Phone 1',
  'creation_time=2024-05-06T07:08:09Z',
  'title=Demo title',
]

const CLIPS = [
  { name: 'wide', size: '1920x1080', rate: '30000/1001', source: 'testsrc2', seconds: 8 },
  { name: 'tall', size: '720x1280', rate: '25', source: 'smptehdbars', seconds: 6 },
  { name: 'small', size: '640x480', rate: '30', source: 'testsrc', seconds: 5 },
] as const

/** Makes the demo's people once, and sends its clips once; run again it returns what is there. */
export async function prepareDemo(config: Config, out: Output, signal: AbortSignal): Promise<Demo> {
  const kept = join(config.storageRoot, 'demo.json')
  const found = await readPrivately(kept)
  if (found !== undefined) return JSON.parse(found) as Demo
  const demo = await withOperator(async (operator): Promise<Demo> => {
    const vaultKeyFile = join(config.storageRoot, 'demo-vault-key.txt')
    if (await operator.hasVault())
      throw new AppError('vault_already_set', { details: { demo: 'needs an empty storage folder' } })
    const pair = await generateKeyPair()
    await writePrivately(vaultKeyFile, pair.identity)
    await operator.setVaultRecipient(pair.recipient)
    await operator.nameProject('Demo film')
    const editor = await operator.createStaff({ role: 'editor', login: 'demo-editor', name: 'Demo editor' })
    const invited = await operator.inviteContributor({
      alias: undefined,
      expiresHours: 72,
      quotaBytes: undefined,
      form: 'digits',
    })
    return {
      login: 'demo-editor',
      password: editor.password,
      totpSecret: editor.totpSecret,
      code: invited.code,
      vaultKeyFile,
    }
  })
  await writePrivately(kept, JSON.stringify(demo))
  out.note('Demo: making and sending three clips …')
  await sendClips(config, demo.code, signal)
  return demo
}

async function sendClips(config: Config, code: string, signal: AbortSignal): Promise<void> {
  await withScratch(storagePaths(config.storageRoot).scratch, async (work) => {
    const folder = await scratchFolder(work, 'out')
    for (const clip of CLIPS) {
      await runTool({
        name: 'ffmpeg',
        program: '/usr/bin/ffmpeg',
        args: [
          '-nostdin',
          '-v',
          'error',
          '-f',
          'lavfi',
          '-i',
          `${clip.source}=size=${clip.size}:rate=${clip.rate}`,
          '-f',
          'lavfi',
          '-i',
          'sine=frequency=330:sample_rate=48000',
          '-t',
          String(clip.seconds),
          '-c:v',
          'libx264',
          '-preset',
          'ultrafast',
          '-pix_fmt',
          'yuv420p',
          '-c:a',
          'aac',
          ...PHONE_METADATA.flatMap((entry) => ['-metadata', entry]),
          '-movflags',
          'use_metadata_tags',
          `/out/${clip.name}.mp4`,
        ],
        outputDir: folder,
        deadlineMs: 60_000,
        signal,
      })
    }
    const files = CLIPS.map((clip) => join(folder, `${clip.name}.mp4`))
    await sendFiles({ files, code, baseUrl: config.intake.publicUrl, sealWaitMs: 0, signal })
  })
}
