/** `sanitize` and `derive`: one file, without a server. */
import { resolve } from 'node:path'
import { createMediaTools } from '../adapters/tools/media-tools.ts'
import { withTemporaryFolder } from '../adapters/temporary-folder.ts'
import { deriveFile, sanitizeFile } from '../process/standalone.ts'
import { readArguments, type ExitStatus, type Verb } from './verb.ts'

/** Cleans one file and prints its certificate. */
export const sanitizeVerb: Verb = {
  name: 'sanitize',
  summary: 'cleans one file without a server and prints what was removed',
  usage: ['sanitize IN OUT [--timecode] [--json]'],
  details: [
    'OUT is written whole or not at all. Ends with 3, and without OUT, where the file can not be proven clean.',
    'Kind and format of OUT follow from the content of IN: video becomes MP4, sound M4A, stills JPEG, PNG, WebP or GIF.',
    "--timecode adds a track that starts at 01:00:00:00, the same for every clip, as the desk's masters have for cut lists.",
  ],
  async run(args, out) {
    const { values, rest } = readArguments(
      args,
      { timecode: 'boolean', json: 'boolean' },
      { least: 2, most: 2 },
    )
    const [input = '', output = ''] = rest
    return withTemporaryFolder(async (scratchRoot): Promise<ExitStatus> => {
      const tools = createMediaTools({ scratchRoot })
      const result = await sanitizeFile(resolve(input), resolve(output), tools, {
        timecode: values['timecode'] === true,
      })
      if (values['json'] === true) out.json({ ok: true, ...result })
      else {
        const { certificate, contentType } = result
        out.line(`clean: ${contentType}, tier ${certificate.tier}`)
        for (const [name, count] of Object.entries(certificate.removed))
          out.line(`  removed ${String(count)} × ${name}`)
        out.line(`  proven: ${certificate.proven.join(', ')}`)
      }
      return 0
    })
  },
}

/** Makes proxy, poster, filmstrip, waveform and media facts of one file. */
export const deriveVerb: Verb = {
  name: 'derive',
  summary: 'makes proxy, poster, filmstrip, waveform and media facts of one file without a server',
  usage: ['derive IN OUTDIR [--json]'],
  details: ['IN is cleaned first: what is derived comes from the clean copy only.'],
  async run(args, out) {
    const { values, rest } = readArguments(args, { json: 'boolean' }, { least: 2, most: 2 })
    const [input = '', folder = ''] = rest
    return withTemporaryFolder(async (scratchRoot): Promise<ExitStatus> => {
      const tools = createMediaTools({ scratchRoot })
      const result = await deriveFile(resolve(input), resolve(folder), tools)
      if (values['json'] === true) out.json({ ok: true, ...result })
      else for (const [name, path] of Object.entries(result.files)) out.line(`${name}: ${path}`)
      return 0
    })
  },
}
