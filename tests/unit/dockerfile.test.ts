import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { VARIABLES } from '../../src/config/env.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

type Instruction = { readonly stage: number; readonly word: string; readonly rest: string }

/** No container engine is needed to see that what the file names is there; this reads it as an engine would. */
function instructions(text: string): Instruction[] {
  const joined = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n/g, ' ')
  let stage = -1
  return joined
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? []
      if (word === 'FROM') stage += 1
      return { stage, word, rest: rest.replace(/\s+/g, ' ') }
    })
}

const ALL = instructions(read('Dockerfile'))
const LAST = Math.max(...ALL.map(({ stage }) => stage))
const of = (word: string, stage?: number) =>
  ALL.filter((one) => one.word === word && (stage === undefined || one.stage === stage))

/** What a COPY takes from the repository, or nothing when it takes from an earlier stage. */
function sources({ rest }: Instruction): string[] {
  return rest.startsWith('--from=') ? [] : rest.split(' ').slice(0, -1)
}

/** Every path of the stage that a COPY made, relative to its working folder, without what lies inside folders. */
function copied(stage: number): string[] {
  return of('COPY', stage).flatMap(({ rest }) => {
    const words = rest.split(' ').filter((word) => !word.startsWith('--'))
    const target = words.at(-1) ?? ''
    const from = words.slice(0, -1)
    return target.endsWith('/') || from.length > 1
      ? from.map((path) => posix.join(target, posix.basename(path)))
      : [posix.normalize(target)]
  })
}

const within = (path: string, places: readonly string[]) =>
  places.some((place) => path === place || path.startsWith(`${place}/`))

describe('the Dockerfile', () => {
  test('has two stages and reads as nothing but instructions', () => {
    expect(LAST).toBe(1)
    expect(ALL.filter(({ word }) => word === '')).toEqual([])
  })

  test('copies only what is in the repository and what .dockerignore lets through', () => {
    const wanted = of('COPY').flatMap(sources)
    expect(wanted.length).toBeGreaterThan(0)
    expect(wanted.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    const [first, ...excepted] = read('.dockerignore').trim().split('\n')
    expect(first).toBe('*')
    const kept = excepted.map((line) => line.replace(/^!/, ''))
    expect(wanted.filter((path) => !within(path, kept))).toEqual([])
    expect(kept.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  test('takes from the first stage what that stage makes', () => {
    const taken = of('COPY', LAST).flatMap(({ rest }) => /^--from=build (\S+)/.exec(rest)?.[1] ?? [])
    expect(taken.sort()).toEqual(['/app/dist', '/app/node_modules'])
    const made = of('RUN', 0).map(({ rest }) => rest)
    expect(made.some((command) => command.startsWith('npm ci '))).toBe(true)
    expect(made.some((command) => command.includes('node scripts/launch.mjs build'))).toBe(true)
  })

  test('copies every file that its commands name', () => {
    const named = ALL.flatMap((one) =>
      [...one.rest.matchAll(/(?<![\w/.-])(?:scripts|src)\/[\w./-]+/g)]
        .filter(() => one.word !== 'COPY')
        .map(([path]) => ({ path, stage: one.stage })),
    )
    expect(named.length).toBeGreaterThan(2)
    for (const { path, stage } of named) {
      expect(existsSync(join(ROOT, path)), path).toBe(true)
      expect(within(path, copied(stage)), `${path} in stage ${stage}`).toBe(true)
    }
  })

  test('starts and checks itself with programs that the last stage holds', () => {
    const [entry] = of('ENTRYPOINT', LAST).map(({ rest }) => JSON.parse(rest) as string[])
    const [health] = of('HEALTHCHECK', LAST).map(
      ({ rest }) => JSON.parse(rest.slice(rest.indexOf('['))) as string[],
    )
    for (const program of [entry?.[0], health?.[0], health?.[1]]) {
      expect(within(program ?? '', copied(LAST)), program).toBe(true)
      expect(existsSync(join(ROOT, program ?? '')), program).toBe(true)
    }
    expect(statSync(join(ROOT, entry?.[0] ?? '')).mode & 0o111).toBe(0o111)
    const [verb] = of('CMD', LAST).map(({ rest }) => JSON.parse(rest) as string[])
    expect(verb).toEqual(['serve'])
  })

  test('brings the same Node for each platform that it can be built for, also without development packages', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { dev?: boolean }>
    }
    for (const arch of ['x64', 'arm64']) {
      expect(packages[`node_modules/node-linux-${arch}`]).toMatchObject({ version: /./, optional: true })
      expect(packages[`node_modules/node-linux-${arch}`]?.dev).toBeUndefined()
    }
  })

  test('installs the system packages that scripts/setup asks for, under names that Debian knows', () => {
    const needed = [...read('scripts/setup').matchAll(/^need \S+ (\S+)$/gm)].map(([, name]) => name ?? '')
    const [, list = ''] =
      /--no-install-recommends ([a-z0-9 .+-]+) &&/.exec(of('RUN', LAST)[0]?.rest ?? '') ?? []
    expect(list.split(' ')).toEqual([...new Set(needed)].sort())
    for (const name of list.split(' ')) {
      expect(spawnSync('dpkg-query', ['-W', name]).status, name).toBe(0)
    }
  })

  test('runs only commands that Debian has', () => {
    const commands = of('RUN').flatMap(({ rest }) =>
      rest.split('&&').map((part) => part.trim().split(' ')[0] ?? ''),
    )
    for (const command of commands) {
      expect(
        spawnSync('sh', ['-c', `command -v ${command} || test -x /usr/sbin/${command}`]).status,
        command,
      ).toBe(0)
    }
  })

  test('runs as a user of its own, who owns the one writable volume', () => {
    const [user] = of('USER', LAST).map(({ rest }) => rest)
    const make = of('RUN', LAST)[0]?.rest ?? ''
    expect(make).toMatch(new RegExp(`useradd .* ${user ?? 'nobody'}( |$)`))
    const volumes = of('VOLUME', LAST).map(({ rest }) => rest)
    expect(volumes).toHaveLength(1)
    expect(make).toContain(`install -d -m 0700 -o ${user ?? ''} ${volumes[0] ?? ''}`)
  })

  test('sets only variables that the server knows', () => {
    const set = of('ENV').map(({ rest }) => rest.split('=') as [string, string])
    expect(
      set.map(([name]) => name).filter((name) => !(VARIABLES as readonly string[]).includes(name)),
    ).toEqual([])
    const ports = set.flatMap(([, value]) => /:(\d+)$/.exec(value)?.[1] ?? [])
    expect(of('EXPOSE').map(({ rest }) => rest)).toEqual([ports.join(' ')])
  })
})
