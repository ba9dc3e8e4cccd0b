/** The verbs of `scripts/footbridge`. Says what each does, runs one, ends with an honest status. */
import { benchVerb } from './cli/bench.ts'
import { clipsVerb, clipVerb, verifyVerb } from './cli/clips.ts'
import { deriveVerb, sanitizeVerb } from './cli/media.ts'
import { inviteVerb, peopleVerb, revokeVerb } from './cli/people.ts'
import { sendVerb } from './cli/send-verb.ts'
import { serveVerb } from './cli/serve.ts'
import { totpVerb, vaultVerb } from './cli/keys.ts'
import { explain, statusOf, UsageError, type ExitStatus, type Output, type Verb } from './cli/verb.ts'

const VERBS: readonly Verb[] = [
  serveVerb,
  inviteVerb,
  revokeVerb,
  peopleVerb,
  clipsVerb,
  clipVerb,
  sendVerb,
  sanitizeVerb,
  deriveVerb,
  verifyVerb,
  vaultVerb,
  totpVerb,
  benchVerb,
]

function overview(): string {
  const width = Math.max(...VERBS.map((verb) => verb.name.length))
  return [
    'Usage: footbridge VERB …    (footbridge VERB --help says more)',
    '',
    ...VERBS.map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`),
    '',
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused (the media's fault).",
  ].join('\n')
}

function help(verb: Verb): string {
  return [verb.summary, '', ...verb.usage.map((form) => `  footbridge ${form}`), '', ...verb.details].join(
    '\n',
  )
}

async function run(args: readonly string[], out: Output): Promise<ExitStatus> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === 'help' || name === '-h') {
    out.line(overview())
    return name === undefined ? 2 : 0
  }
  const verb = VERBS.find((candidate) => candidate.name === name)
  if (verb === undefined) {
    out.note(`usage: there is no verb "${name}"`)
    out.note(overview())
    return 2
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    out.line(help(verb))
    return 0
  }
  try {
    return await verb.run(rest, out)
  } catch (error) {
    out.note(`footbridge ${verb.name}: ${explain(error)}`)
    if (error instanceof UsageError) out.note(verb.usage.map((form) => `  footbridge ${form}`).join('\n'))
    return statusOf(error)
  }
}

const output: Output = {
  line: (text) => process.stdout.write(`${text}\n`),
  json: (value) => process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`),
  note: (text) => process.stderr.write(`${text}\n`),
  rewrite: (text) => process.stderr.write(`\r${text}\u001b[K`),
  isTerminal: process.stderr.isTTY,
}

// A reader that closes early (`| head`) is no failure of ours.
process.stdout.on('error', () => {
  process.exit(0)
})
process.exitCode = await run(process.argv.slice(2), output)
