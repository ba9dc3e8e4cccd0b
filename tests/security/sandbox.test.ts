import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { runTool, type ToolSpec } from '../../src/adapters/tools/run-tool.ts'
import { proveSandbox } from '../../src/adapters/tools/sandbox-selftest.ts'
import { sandboxCommand } from '../../src/adapters/tools/sandbox.ts'
import { mediaBench } from '../support/media.ts'

const bench = mediaBench('sandbox')
afterAll(() => {
  bench.remove()
})

const perl = (script: string, more: Partial<ToolSpec> = {}) =>
  runTool({ name: 'test', program: '/usr/bin/perl', args: ['-e', script], deadlineMs: 20_000, ...more })

/** Command lines of every process of this machine that hold `mark`. */
function processesWith(mark: string): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(mark)
    } catch {
      return false
    }
  }).length
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}

let nextMark = 0
const mark = (): string => `mark_${process.pid}_${String(nextMark++)}`

describe('the sandbox', () => {
  it('proves itself by trying every way out', async () => {
    const proof = await proveSandbox()
    expect(proof.checks.filter((check) => !check.ok)).toEqual([])
    expect(proof.proven).toBe(true)
    expect(proof.checks.map((check) => check.name)).toEqual([
      ...[
        'runs',
        'host_file',
        'host_network',
        'write_outside',
        'host_processes',
        'rights',
        'nested_namespace',
      ],
      ...['memory', 'process_count', 'disk', 'deadline'],
    ])
  })

  it('shows one input, read-only, and nothing of the folder it lies in', async () => {
    const folder = join(bench.root, 'inputs')
    await mkdir(folder)
    await writeFile(join(folder, 'one'), 'mine')
    await writeFile(join(folder, 'two'), 'somebody else’s')
    await chmod(join(folder, 'one'), 0o644)
    const result = await perl(
      'open F,"<","/in"; print <F>; opendir D,"/"; print " ", join ",", sort grep {!/^\\./} readdir D',
      {
        input: join(folder, 'one'),
      },
    )
    expect(result.stdout.toString()).toBe('mine bin,dev,etc,in,lib,lib64,proc,tmp,usr')
  })

  it.each([
    ['a mount', 'exit(0 == system("/usr/bin/mount -t tmpfs none /tmp 2>/dev/null") ? 0 : 9)'],
    ['another user', '$> = 0; $< = 0; exit($> == 0 ? 0 : 9)'],
    ['a set-uid program', 'exit(0 == system("/usr/bin/su -c true 2>/dev/null </dev/null") ? 0 : 9)'],
    ['the environment', 'exit((grep { !/^(PATH|LC_ALL|PWD)$/ } keys %ENV) ? 0 : 9)'],
    ['a kernel log', 'exit(open(F,"<","/dev/kmsg") ? 0 : 9)'],
    ['a raw disk', 'exit((grep { -e } </dev/sd* /dev/vd* /dev/nvme*>) ? 0 : 9)'],
    ['the memory of process 1', 'exit(open(F,"<","/proc/1/mem") && sysread(F, my $x, 1) ? 0 : 9)'],
    ['an abstract socket of the machine', 'open F,"<","/proc/net/unix"; my @l = <F>; exit(@l > 1 ? 0 : 9)'],
  ])('gives no way to %s', async (_what, script) => {
    expect((await perl(script)).exitCode).toBe(9)
  })

  it('ends a program that ignores every polite signal, with its children, at the deadline', async () => {
    const name = mark()
    const run = perl(
      `$0="${name}"; $SIG{TERM}=$SIG{INT}=$SIG{HUP}="IGNORE"; fork for 1..3; sleep 600 # ${name}`,
      {
        deadlineMs: 600,
      },
    )
    await expect(run).rejects.toMatchObject({ code: 'tool_timeout' })
    await until(() => processesWith(name) === 0)
  })

  it('ends a program at its limit of processor time and says so', async () => {
    await expect(perl('1 while 1', { limits: { cpuSeconds: 1 } })).rejects.toMatchObject({
      code: 'tool_timeout',
    })
  })

  it('ends the tree at once when the work is called off', async () => {
    const name = mark()
    const stop = new AbortController()
    const run = perl(`sleep 600 # ${name}`, { signal: stop.signal })
    await until(() => processesWith(name) > 0)
    stop.abort(new Error('called off'))
    await expect(run).rejects.toThrow('called off')
    await until(() => processesWith(name) === 0)
  })

  it('leaves no orphan when the worker itself is killed', async () => {
    const name = mark()
    const program = fileURLToPath(new URL('../../src/adapters/tools/run-tool.ts', import.meta.url))
    const script = `const { runTool } = await import(${JSON.stringify(program)}); await runTool({ name: 'x', program: '/usr/bin/perl', args: ['-e', '$SIG{TERM}="IGNORE"; sleep 600 # ${name}'], deadlineMs: 600000 })`
    const worker = execFile(
      process.execPath,
      ['--input-type=module-typescript', '-e', script],
      () => undefined,
    )
    await until(() => processesWith(`sleep 600 # ${name}`) >= 3)
    worker.kill('SIGKILL')
    await until(() => processesWith(name) === 0)
  })

  it('stops a program that says too much', async () => {
    const flood = perl('print "x" x 65536 while 1', { stdoutBytes: 1_000_000 })
    await expect(flood).rejects.toMatchObject({ code: 'tool_failed', details: { reason: 'output_too_long' } })
    const noisy = await perl('print STDERR "x" x 65536 for 1..200')
    expect(noisy.stderr.length).toBeLessThanOrEqual(16 * 1024)
  })

  it('does not let what a program leaves behind lead us elsewhere', async () => {
    const out = join(bench.root, 'planted')
    await mkdir(out)
    const run = perl('symlink "/etc/passwd","/out/master.mp4"; open F,">","/out/fine"; print F 1; close F', {
      outputDir: out,
    })
    await expect(run).rejects.toMatchObject({ code: 'tool_failed', details: { reason: 'not_a_plain_file' } })
    expect(readdirSync(out)).toEqual(['fine'])
  })

  it('bounds the files a program writes', async () => {
    const out = join(bench.root, 'large')
    await mkdir(out)
    await perl('$SIG{XFSZ}="IGNORE"; open F,">","/out/x"; print F "x" x 65536 for 1..100; close F', {
      outputDir: out,
      limits: { fileBytes: 100_000 },
    })
    expect((await readFile(join(out, 'x'))).length).toBeLessThanOrEqual(100_000)
  })

  it('is built of a list of arguments, with every wall in it', () => {
    const { args } = sandboxCommand(
      {
        ...{
          program: '/usr/bin/ffprobe',
          args: ['-i', '/in; rm -rf /'],
          input: '/scratch/a b;c',
          mounts: [],
        },
        limits: {
          addressSpaceBytes: 1,
          dataBytes: 1,
          cpuSeconds: 1,
          fileBytes: 1,
          openFiles: 1,
          processes: 1,
          tmpBytes: 1,
        },
      },
      { bwrap: '/usr/bin/bwrap', prlimit: '/usr/bin/prlimit', setpriv: '/usr/bin/setpriv', root: false },
    )
    for (const wall of [
      '--unshare-all',
      '--disable-userns',
      '--die-with-parent',
      '--new-session',
      '--clearenv',
      '--core=0',
    ]) {
      expect(args).toContain(wall)
    }
    expect(args).toContain('/scratch/a b;c')
    expect(args.at(-1)).toBe('/in; rm -rf /')
  })
})
