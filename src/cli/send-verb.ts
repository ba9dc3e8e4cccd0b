/** `send`: a resumable upload from a laptop. */
import { resolve } from 'node:path'
import { loadConfig } from '../config/config.ts'
import { readEnvironment } from '../config/env.ts'
import { sendFiles, type SendOptions } from './send.ts'
import { readArguments, text, UsageError, type Output, type Verb } from './verb.ts'

/** Longer than any code is. */
const MAX_LINE = 1_000

/** Sends files with a contributor's code, for as long as it takes. */
export const sendVerb: Verb = {
  name: 'send',
  summary: "sends files with a contributor's code, through cuts and restarts, to the receipt",
  usage: ['send FILE… --code CODE [--url URL] [--fingerprint SHA256] [--json]'],
  details: [
    "URL is intake's address; that of this machine's own server where it is left out.",
    '--code - reads the code from standard input: the arguments of a program are seen by everybody on the machine.',
    '--fingerprint is that of a self-signed certificate, as the server prints it.',
    "Run again after it was stopped, it goes on where the server's bytes end. No name of a file is sent.",
  ],
  async run(args, out) {
    const options = { code: 'string', url: 'string', fingerprint: 'string', json: 'boolean' } as const
    const { values, rest } = readArguments(args, options, { least: 1, most: 10_000 })
    const given = text(values, 'code')
    if (given === undefined) throw new UsageError('--code CODE is needed')
    const code = given === '-' ? await firstLine() : given
    const baseUrl = text(values, 'url') ?? ownAddress()
    if (!URL.canParse(baseUrl)) throw new UsageError('--url must be an address such as https://example.org')
    const fingerprint = text(values, 'fingerprint')
    const outcomes = await sendFiles({
      files: rest.map((path) => resolve(path)),
      code,
      baseUrl: baseUrl.replace(/\/$/, ''),
      ...showProgress(out, rest.length),
      ...(fingerprint === undefined ? {} : { caFingerprint: fingerprint }),
    })
    if (out.isTerminal) out.note('')
    if (values['json'] === true) out.json({ files: outcomes })
    else {
      for (const { path, result, code: reason } of outcomes)
        out.line(`${path}: ${result}${reason === undefined ? '' : ` (${reason})`}`)
    }
    return outcomes.every((outcome) => outcome.result !== 'failed') ? 0 : 1
  },
}

async function firstLine(): Promise<string> {
  let said = ''
  for await (const piece of process.stdin) {
    said += String(piece)
    if (/\n/.test(said) || said.length > MAX_LINE) break
  }
  return said.slice(0, MAX_LINE).split('\n')[0] ?? ''
}

function ownAddress(): string {
  const { environment, unknown } = readEnvironment()
  return loadConfig(environment, unknown).intake.publicUrl
}

/** What is shown while sending: on a terminal one line that rewrites itself, elsewhere a word at each new wait. */
function showProgress(out: Output, files: number): Pick<SendOptions, 'onProgress' | 'onWait'> {
  let waiting = false
  return {
    onWait: () => {
      const words = 'waiting for the server; what has arrived is kept'
      if (out.isTerminal) out.rewrite(words)
      else if (!waiting) out.note(words)
      waiting = true
    },
    onProgress: ({ file, state, sentBytes, totalBytes }) => {
      waiting = false
      if (!out.isTerminal) return
      const percent = totalBytes === 0 ? 100 : Math.floor((sentBytes / totalBytes) * 100)
      const bar = '█'.repeat(Math.floor(percent / 5)).padEnd(20, '·')
      out.rewrite(
        `${String(file + 1)}/${String(files)}  ${bar}  ${String(percent).padStart(3)} %  ${state.padEnd(10)}`,
      )
    },
  }
}
