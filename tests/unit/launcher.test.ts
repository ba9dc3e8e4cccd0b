import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let place = ''

async function put(path: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(join(place, dirname(path)), { recursive: true })
  await writeFile(join(place, path), text)
  await chmod(join(place, path), mode)
}

function launch(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return spawnSync(process.execPath, [join(place, 'scripts/launch.mjs'), ...args], { env, encoding: 'utf8' })
}

/** The server's stand-in: says what it was given, and ends on SIGTERM with a status of its own. */
const SERVER = `
if (process.argv.includes('--fail')) process.exit(7)
process.on('SIGTERM', () => setTimeout(() => { console.log('stopped in order'); process.exit(5) }, 50))
setInterval(() => {}, 1000)
console.log(JSON.stringify({ args: process.argv.slice(2), pid: process.pid }))
`

/** A PATH with the shell's own tools and `programs` for somebody who is not root; gives the PATH. */
async function bareMachine(name: string, programs: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(place, name)
  await mkdir(folder)
  for (const tool of ['env', 'find', 'head', 'mktemp', 'rm', 'sort', 'tail', 'tr', 'true']) {
    await symlink(execFileSync('which', [tool], { encoding: 'utf8' }).trim(), join(folder, tool))
  }
  for (const [program, text] of Object.entries({ id: 'echo 1000', ...programs })) {
    await put(`${name}/${program}`, `#!/bin/sh\n${text}\n`, 0o755)
  }
  return folder
}

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'footbridge-launch-'))
  for (const name of ['scripts', '.config', 'package.json', 'tsconfig.json']) {
    await cp(join(ROOT, name), join(place, name), { recursive: true })
  }
  // The packages are borrowed. Their own record stands in for the lock, so that nothing here can find them
  // stale and have npm replace them.
  await cp(join(ROOT, 'node_modules/.package-lock.json'), join(place, 'package-lock.json'))
  await symlink(join(ROOT, 'node_modules'), join(place, 'node_modules'))
  await put('src/cli.ts', SERVER)
  await put('src/web/contribute/main.ts', "document.title = 'sent'\n")
  await put('src/web/contribute/style.css', 'p { color: #123456 }\n')
  await put('src/web/desk/index.html', '<!doctype html><script type="module" src="./main.tsx"></script>\n')
  await put('src/web/desk/main.tsx', "document.title = 'desk'\n")
})

afterAll(async () => {
  await rm(place, { recursive: true, force: true })
})

describe('the launcher', () => {
  test('builds the pages once, and again after a source changed', async () => {
    const first = launch(['build'])
    expect(first.stderr).toMatch(/Building pages: \d+ s/)
    expect(first.status).toBe(0)
    const manifest = JSON.parse(
      await readFile(join(place, 'dist/contribute/manifest.json'), 'utf8'),
    ) as Record<string, { file: string }>
    const script = manifest['main.ts']?.file ?? ''
    expect(await readFile(join(place, 'dist/contribute', script), 'utf8')).toContain('sent')
    expect(manifest['style.css']?.file).toMatch(/\.css$/)
    const desk = await readFile(join(place, 'dist/desk/index.html'), 'utf8')
    expect(desk).toMatch(/<script type="module"[^>]* src="\/assets\//)
    expect(desk).not.toMatch(/<script[^>]*>[^<]/)

    expect(launch(['build'])).toMatchObject({ status: 0, stderr: '' })

    await put('src/web/contribute/main.ts', "document.title = 'sent again'\n")
    expect(launch(['build']).stderr).toMatch(/Building pages/)
  })

  test('keeps the pages that are there when a new build fails', async () => {
    launch(['build'])
    const before = await readFile(join(place, 'dist/desk/index.html'), 'utf8')
    await put('src/web/desk/main.tsx', 'this is not a program (\n')
    const failed = launch(['build'])
    expect(failed.status).toBe(1)
    expect(failed.stderr).toContain('The pages could not be built (desk)')
    expect(await readFile(join(place, 'dist/desk/index.html'), 'utf8')).toBe(before)
    await put('src/web/desk/main.tsx', "document.title = 'desk'\n")
  })

  test('waits for another launch in the same folder, and not for one that died', async () => {
    await put('dist/.lock', String(process.pid))
    await put('src/web/contribute/main.ts', "document.title = 'once'\n")
    const both = [1, 2].map(() => spawn(process.execPath, [join(place, 'scripts/launch.mjs'), 'build']))
    const said = both.map((child) => lines(child.stderr))
    for (const { next } of said) expect(await next()).toMatch(/waiting/)
    await rm(join(place, 'dist/.lock'))
    const ends = await Promise.all(both.map((child) => once(child, 'close')))
    expect(ends.map(([status]) => Number(status))).toEqual([0, 0])
    expect(said.filter(({ all }) => all().includes('Building pages'))).toHaveLength(1)

    await put('dist/.lock', String(spawnSync('true').pid))
    expect(launch(['build']).status).toBe(0)
  })

  test('hands its arguments to the server and ends with its status', () => {
    expect(launch(['start', '--fail']).status).toBe(7)
  })

  test('passes SIGTERM on, waits for an orderly stop and leaves no process', async () => {
    launch(['build'])
    const launcher = spawn(process.execPath, [join(place, 'scripts/launch.mjs'), 'start', '--demo'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const output = lines(launcher.stdout)
    const told = JSON.parse(await output.next()) as { args: string[]; pid: number }
    expect(told.args).toEqual(['serve', '--demo'])
    launcher.kill('SIGTERM')
    const [status] = (await once(launcher, 'close')) as [number]
    expect(status).toBe(5)
    expect(output.all()).toContain('stopped in order')
    expect(() => process.kill(told.pid, 0)).toThrow(/ESRCH/)
  })

  test('installs packages with npm where they differ from the lock, and then leaves them alone', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'footbridge-install-'))
    const named = { name: 'empty', version: '1.0.0' }
    await cp(join(ROOT, 'scripts'), join(elsewhere, 'scripts'), { recursive: true })
    await mkdir(join(elsewhere, 'local'))
    await writeFile(
      join(elsewhere, 'local/package.json'),
      JSON.stringify({ name: 'local', version: '1.0.0' }),
    )
    await writeFile(
      join(elsewhere, 'package.json'),
      JSON.stringify({ ...named, dependencies: { local: 'file:local' } }),
    )
    execFileSync('npm', ['install', '--package-lock-only', '--offline', '--no-audit'], {
      cwd: elsewhere,
      stdio: 'ignore',
    })
    const install = () =>
      spawnSync(process.execPath, [join(elsewhere, 'scripts/launch.mjs'), 'install'], { encoding: 'utf8' })
    const first = install()
    expect(first.stderr).toMatch(/Installing packages: \d+ s/)
    expect(first.status).toBe(0)
    expect(install()).toMatchObject({ status: 0, stderr: '' })
    await rm(elsewhere, { recursive: true })
  })

  test('stops with one line that names the system packages it may not install itself', async () => {
    const path = await bareMachine('no-root', {})
    const refused = launch(['start'], { PATH: path })
    expect(refused.status).toBe(1)
    expect(refused.stderr).toMatch(
      /^Footbridge needs: apt-get install -y bubblewrap ffmpeg perl\b[a-z -]*\n$/,
    )
    expect(launch(['test'], { PATH: path }).stderr).toMatch(/^Footbridge needs: .* chromium .*\n$/)
  })

  test('installs the system packages that are missing where it may, without a question', async () => {
    const path = await bareMachine('sudo', {
      sudo: 'shift; exec "$@"',
      'apt-get': `echo "$DEBIAN_FRONTEND $*" >> ${join(place, 'apt.log')}`,
    })
    expect(launch(['start', '--fail'], { PATH: path }).status).toBe(7)
    const calls = (await readFile(join(place, 'apt.log'), 'utf8')).trim().split('\n')
    expect(calls).toHaveLength(2)
    expect(calls[0]).toMatch(/^noninteractive .* update$/)
    expect(calls[1]).toMatch(/^noninteractive .* install -y --no-install-recommends bubblewrap ffmpeg perl\b/)
  })

  test('shows what apt said, and the one line, when installing fails', async () => {
    const path = await bareMachine('broken', {
      sudo: 'shift; exec "$@"',
      'apt-get': 'echo "E: Unable to locate package"; exit 100',
    })
    const failed = launch(['start'], { PATH: path })
    expect(failed.status).toBe(1)
    expect(failed.stderr).toContain('E: Unable to locate package')
    expect(failed.stderr.trim().split('\n').at(-1)).toMatch(
      /^Footbridge needs: apt-get install -y bubblewrap/,
    )
  })

  test('refuses a verb it does not know', () => {
    const refused = launch(['strat'])
    expect(refused.stderr).toMatch(/^usage: /)
    expect(refused.status).toBe(2)
  })
})

describe('scripts/footbridge', () => {
  test('runs through a link, from any folder, with the folder of its caller', async () => {
    await put(
      'src/cli.ts',
      'console.log(JSON.stringify([process.cwd(), process.version, ...process.argv.slice(2)]))\n',
    )
    const bin = join(place, 'bin')
    await mkdir(bin)
    await symlink('../scripts/footbridge', join(bin, 'fb'))
    const env = { PATH: '/usr/bin:/bin' }
    const said = execFileSync(join(bin, 'fb'), ['clip', 'a b'], { cwd: '/', env, encoding: 'utf8' })
    const [cwd, version, ...args] = JSON.parse(said) as string[]
    expect({ cwd, args }).toEqual({ cwd: '/', args: ['clip', 'a b'] })
    expect(version).toMatch(/^v24\./)
    await put('src/cli.ts', SERVER)
  })

  test('says in one line what to do when the packages are not there', async () => {
    const bare = await mkdtemp(join(tmpdir(), 'footbridge-bare-'))
    await cp(join(ROOT, 'scripts'), join(bare, 'scripts'), { recursive: true })
    const said = spawnSync(join(bare, 'scripts/footbridge'), ['people'], { encoding: 'utf8' })
    expect(said.status).toBe(1)
    expect(said.stderr).toMatch(/^footbridge: .* run: node .*scripts\/launch\.mjs install\n$/)
    await rm(bare, { recursive: true })
  })
})

function lines(stream: Readable): { next: () => Promise<string>; all: () => string } {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return {
    all: () => text,
    next: async () => {
      while (!text.includes('\n')) await once(stream, 'data')
      return text.slice(0, text.indexOf('\n'))
    },
  }
}
