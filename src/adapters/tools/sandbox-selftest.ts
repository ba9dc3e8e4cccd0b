/**
 * The sandbox proves itself at start: small programs try to break out through the real walls. A
 * single success, or a sandbox that does not even run, and no media is touched.
 */

import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../../domain/errors.ts'
import { runTool, type ToolSpec } from './run-tool.ts'

/** One attempt; `ok` means that the wall held. `detail` is a word for administrators, never a path. */
export type SandboxCheck = { readonly name: string; readonly ok: boolean; readonly detail: string }

/** What the attempts showed. */
export type SandboxProof = { readonly proven: boolean; readonly checks: readonly SandboxCheck[] }

const MIB = 1024 * 1024
const ESCAPED = 0

/** Tries every way out that we know of. Takes about a second; never throws. */
export async function proveSandbox(): Promise<SandboxProof> {
  const folder = await mkdtemp(join(tmpdir(), 'footbridge-proof-'))
  try {
    await chmod(folder, 0o755)
    const checks = await attempt(folder)
    return { proven: checks.every((check) => check.ok), checks }
  } catch (error) {
    return { proven: false, checks: [{ name: 'runs', ok: false, detail: reasonOf(error) }] }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function attempt(folder: string): Promise<SandboxCheck[]> {
  const secret = join(folder, 'host-file')
  const input = join(folder, 'input')
  await writeFile(secret, 'secret', { mode: 0o644 })
  await writeFile(input, 'given', { mode: 0o644 })
  await chmod(secret, 0o644)
  await chmod(input, 0o644)

  // First that it works at all: a sandbox in which nothing runs would pass every other check.
  const output = await mkdtemp(join(folder, 'out-'))
  const control = await perl(
    'open F,"<","/in" or exit 1; my $x=<F>; open G,">","/out/copy" or exit 2; print G $x; close G or exit 3; exit 0',
    [],
    { input, outputDir: output },
  )
  const copied = control.exitCode === 0 && (await readFile(join(output, 'copy'), 'utf8')) === 'given'
  if (!copied) return [{ name: 'runs', ok: false, detail: `status_${control.exitCode}` }]

  const checks: SandboxCheck[] = [{ name: 'runs', ok: true, detail: 'works' }]
  const held = (name: string, ok: boolean): void => {
    checks.push({ name, ok, detail: ok ? 'held' : 'escaped' })
  }

  const read = await perl('for (@ARGV) { exit 0 if open(F,"<",$_) } exit 9', [
    secret,
    '/etc/passwd',
    '/etc/hostname',
  ])
  held('host_file', read.exitCode !== ESCAPED)

  held('host_network', !(await reachesHost()))

  const write = await perl(
    'for (@ARGV) { exit 0 if open(F,">>",$_) } exit 9',
    [
      secret,
      join(folder, 'new'),
      '/usr/bin/perl',
      '/usr/new',
      '/in',
      '/etc/new',
      '/proc/sys/kernel/hostname',
    ],
    { input },
  )
  held('write_outside', write.exitCode !== ESCAPED && (await readFile(secret, 'utf8')) === 'secret')

  const pids = await perl(
    'exit 0 if kill 0, $ARGV[0]; opendir D,"/proc"; my $n = grep { /^\\d+$/ } readdir D; exit($n > 8 ? 0 : 9)',
    [String(process.pid)],
  )
  // Our own number may be in use inside, by the program itself; then the count alone decides.
  held('host_processes', process.pid < 10 || pids.exitCode !== ESCAPED)

  const rights = await perl(
    'open F,"<","/proc/self/status"; my $s = join "", <F>; exit 9 if $s =~ /CapEff:\\s*0+\\n/ && $s =~ /NoNewPrivs:\\s*1/; exit 0',
  )
  held('rights', rights.exitCode !== ESCAPED)

  const nested = await probe('/usr/bin/unshare', ['--user', '--map-root-user', '/usr/bin/true'])
  held('nested_namespace', nested.exitCode !== ESCAPED)

  const memory = await perl('my $x = "a" x (600*1024*1024); exit 0', [], {
    limits: { addressSpaceBytes: 256 * MIB, dataBytes: 256 * MIB },
  })
  held('memory', memory.exitCode !== ESCAPED)

  const forks = await perl(
    'my $n = 0; for (1..64) { my $p = fork; last unless defined $p; if (!$p) { sleep 5; exit } $n++ } exit($n >= 40 ? 0 : 9)',
    [],
    {
      limits: { processes: 24 },
    },
  )
  held('process_count', forks.exitCode !== ESCAPED)

  const disk = await perl(
    'open F,">","/tmp/x" or exit 9; for (1..40) { print F "x" x 1048576 or exit 9 } close F or exit 9; exit 0',
    [],
    {
      limits: { tmpBytes: 8 * MIB },
    },
  )
  held('disk', disk.exitCode !== ESCAPED)

  held('deadline', await endsAtDeadline())
  return checks
}

/** Does a program in the sandbox reach a listener on this machine? */
async function reachesHost(): Promise<boolean> {
  const reached: true[] = []
  const server = createServer((socket) => {
    reached.push(true)
    socket.destroy()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  try {
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const result = await perl(
      'use Socket; socket(S,PF_INET,SOCK_STREAM,0) or exit 9; connect(S,sockaddr_in($ARGV[0],inet_aton("127.0.0.1"))) ? exit 0 : exit 9',
      [String(port)],
    )
    return reached.length > 0 || result.exitCode === ESCAPED
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

/** A program that ignores every polite signal must be gone when its time is up. */
async function endsAtDeadline(): Promise<boolean> {
  const started = performance.now()
  try {
    await perl('$SIG{TERM}=$SIG{INT}=$SIG{HUP}="IGNORE"; sleep 600', [], { deadlineMs: 300 })
    return false
  } catch (error) {
    return error instanceof AppError && error.code === 'tool_timeout' && performance.now() - started < 2500
  }
}

function perl(script: string, args: readonly string[] = [], more: Partial<ToolSpec> = {}) {
  return probe('/usr/bin/perl', ['-e', script, '--', ...args], more)
}

function probe(program: string, args: readonly string[], more: Partial<ToolSpec> = {}) {
  return runTool({ name: 'proof', program, args, deadlineMs: 10_000, ...more })
}

function reasonOf(error: unknown): string {
  if (!(error instanceof AppError)) return 'failed'
  return typeof error.details['tool'] === 'string' ? `${error.code}_${error.details['tool']}` : error.code
}
