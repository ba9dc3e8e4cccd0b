/** `serve`: runs the server and says where it is and how safe it stands. */
import { loadConfig, type Config } from '../config/config.ts'
import { readEnvironment } from '../config/env.ts'
import { withOperator } from './operator.ts'
import { supervise, type Separation } from '../main.ts'
import { runRole, type RoleReport } from '../roles.ts'
import { prepareDemo, type Demo } from './demo.ts'
import { readArguments, text, UsageError, type Output, type Verb } from './verb.ts'

const ROLES = ['all', 'intake', 'desk', 'worker'] as const

/** Runs intake, desk and worker, or one of them, until SIGINT or SIGTERM. */
export const serveVerb: Verb = {
  name: 'serve',
  summary: 'runs the server: intake, desk and worker, or one of them',
  usage: ['serve [--role all|intake|desk|worker] [--demo] [--json]'],
  details: [
    'On first start it prints a link that makes whoever opens it the administrator; it works once.',
    "--demo also makes an editor, a contributor's code and three generated clips, to have something to look at.",
    'Settings are environment variables: see .env.example.',
  ],
  async run(args, out) {
    const { values } = readArguments(
      args,
      { role: 'string', demo: 'boolean', json: 'boolean' },
      { least: 0, most: 0 },
    )
    const role = ROLES.find((name) => name === (text(values, 'role') ?? 'all'))
    if (role === undefined) throw new UsageError(`--role must be one of ${ROLES.join(', ')}`)
    const demoWanted = values['demo'] === true
    if (demoWanted && role !== 'all') throw new UsageError('--demo goes with --role all')
    const { environment, unknown } = readEnvironment()
    const config = loadConfig(environment, unknown)
    const json = values['json'] === true
    const ending = untilSignal()
    if (role !== 'all') {
      const running = await runRole(config, role)
      if (json) out.json(running.report)
      else
        out.line(`${role} is running${running.report.url === undefined ? '' : ` at ${running.report.url}`}`)
      await ending
      await running.stop()
      return 0
    }
    const running = await supervise(config)
    try {
      const setupLink = await withOperator((operator) => operator.setupLinkIfNeeded())
      if (json) {
        out.json({
          intake: running.reports.intake,
          desk: running.reports.desk,
          worker: running.reports.worker,
          separation: running.separation,
          setupLink: setupLink ?? null,
        })
      } else {
        announce(out, config, running.reports, running.separation, setupLink)
      }
      if (demoWanted) {
        const stopped = new AbortController()
        void ending.then(() => {
          stopped.abort()
        })
        const demo = await Promise.race([prepareDemo(config, out, stopped.signal), ending])
        if (demo !== undefined) announceDemo(out, config, demo)
      }
      await ending
    } finally {
      await running.stop()
    }
    return 0
  },
}

/** Resolves at the first signal that asks us to stop; later ones are ignored, the stop is under way. */
function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        resolve()
      })
  })
}

type Reports = Readonly<Record<'intake' | 'desk' | 'worker', RoleReport>>

function announce(
  out: Output,
  config: Config,
  reports: Reports,
  separation: Separation,
  setupLink: string | undefined,
): void {
  const sandbox = reports.worker.sandbox
  out.line('')
  out.line('Footbridge is running. Stop it with Ctrl-C.')
  out.line('')
  out.line(`  Contributors  ${config.intake.publicUrl}`)
  if (reports.intake.fingerprint !== undefined)
    out.line(`                certificate SHA-256 ${reports.intake.fingerprint}`)
  out.line(`  Desk          ${config.desk.publicUrl}`)
  if (reports.desk.fingerprint !== undefined)
    out.line(`                certificate SHA-256 ${reports.desk.fingerprint}`)
  out.line(
    sandbox?.proven === true
      ? `  Sandbox       proven: ${String(sandbox.checks)} checks passed`
      : `  Sandbox       NOT PROVEN (${sandbox?.failed.join(', ') ?? 'no report'}): clips are received and sealed, and wait`,
  )
  out.line(`  Separation    ${separation.separated ? 'on' : 'OFF'}: ${separation.why}`)
  if (setupLink !== undefined) {
    out.line('')
    out.line(
      'There is no administrator yet. This link makes whoever opens it first the administrator (72 hours, once):',
    )
    out.line(`  ${setupLink}`)
  }
  out.line('')
}

function announceDemo(out: Output, config: Config, demo: Demo): void {
  out.line('Demo')
  out.line(`  Editor        ${config.desk.publicUrl}   name: ${demo.login}   password: ${demo.password}`)
  out.line(`                six digits: scripts/footbridge totp ${demo.totpSecret}`)
  out.line(`  Contributor   ${config.intake.publicUrl}   code: ${demo.code}`)
  out.line(`  Vault key     ${demo.vaultKeyFile}   (for the demo only: a real one never lies on the server)`)
  out.line('  Three generated clips were sent; they appear on the desk as they are cleaned.')
  out.line('')
}
