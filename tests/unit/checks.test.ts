import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The settings of the checks as they are, over another tree. */
const SETTINGS = [
  '.config',
  '.dependency-cruiser.cjs',
  '.prettierrc',
  '.prettierignore',
  'package.json',
  'scripts',
  'src/tsconfig.json',
  'src/tsconfig.shared.json',
  'src/web/tsconfig.json',
  'tests/tsconfig.json',
  'tsconfig.json',
]

/** One fault a file, and the words by which its check must name it. */
const FAULTS: readonly (readonly [path: string, text: string, check: string, said: RegExp])[] = [
  [
    'src/domain/badly-set.ts',
    'export const  a = 1;\n',
    'format',
    /^not formatted: src\/domain\/badly-set\.ts$/m,
  ],
  // the platforms stay apart
  ['src/domain/platform.ts', 'export const a = process.pid\n', 'types', /domain\/platform\.ts.*'process'/],
  ['src/contract/window.ts', 'export const a = window.name\n', 'types', /contract\/window\.ts.*'window'/],
  ['src/http/page.ts', 'export const a = document.title\n', 'types', /http\/page\.ts.*'document'/],
  ['src/web/desk/node.ts', 'export const a = process.pid\n', 'types', /desk\/node\.ts.*'process'/],
  // strictness
  [
    'src/http/index-access.ts',
    'export const a = (b: number[]): number => b[0]\n',
    'types',
    /index-access\.ts/,
  ],
  ['src/http/enum.ts', 'export enum A {\n  B,\n}\n', 'types', /http\/enum\.ts.*erasableSyntaxOnly/],
  // what is not an import
  ['src/http/env.ts', 'export const a = process.env\n', 'lint', /http\/env\.ts\n.*src\/config\/env\.ts/],
  ['src/http/chance.ts', 'export const a = Math.random()\n', 'lint', /http\/chance\.ts\n.*Guessable/],
  ['src/http/default.ts', 'export default 1\n', 'lint', /http\/default\.ts\n.*Export by name/],
  ['src/http/log.ts', "console.log('a')\nexport {}\n", 'lint', /http\/log\.ts\n.*no-console/],
  [
    'src/http/any.ts',
    'export const a = (b: any): unknown => b\n',
    'lint',
    /http\/any\.ts\n.*no-explicit-any/,
  ],
  [
    'src/http/bang.ts',
    'export const a = (b?: object) => b!\n',
    'lint',
    /http\/bang\.ts\n.*no-non-null-assertion/,
  ],
  [
    'src/http/floating.ts',
    'export function a(): void {\n  Promise.resolve(1)\n}\n',
    'lint',
    /http\/floating\.ts\n.*no-floating-promises/,
  ],
  [
    'src/http/switch.ts',
    "export function a(b: 'c' | 'd'): void {\n  switch (b) {\n    case 'c':\n      return\n  }\n}\n",
    'lint',
    /http\/switch\.ts\n.*switch-exhaustiveness-check/,
  ],
  [
    'src/http/cipher.ts',
    "import { createCipheriv } from 'node:crypto'\nexport const a = createCipheriv('aes-256-gcm', '', '')\n",
    'lint',
    /http\/cipher\.ts\n.*one door/,
  ],
  [
    'src/http/quiet.ts',
    '// eslint-disable-next-line no-console\nconsole.log(1)\nexport {}\n',
    'lint',
    /http\/quiet\.ts\n(.*\n)*?.*no-console/,
  ],
  [
    'src/web/desk/keep.ts',
    "localStorage.setItem('a', 'b')\nexport {}\n",
    'lint',
    /keep\.ts\n.*leave no trace/,
  ],
  // imports, and what nothing imports
  ['src/domain/up.ts', "export * from '../http/env.ts'\n", 'deps', /^layer-domain: src\/domain\/up\.ts → /m],
  [
    'src/review/alone.ts',
    'export const a = 1\n',
    'dead',
    /^src\/review\/alone\.ts .*file that nothing uses/m,
  ],
]

async function tree(files: Readonly<Record<string, string>>): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'footbridge-checks-'))
  for (const path of SETTINGS) await cp(join(ROOT, path), join(place, path), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(place, 'node_modules'))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(place, dirname(path)), { recursive: true })
    await writeFile(join(place, path), text)
  }
  return place
}

/** What each check said, by its name. */
function check(place: string, ...names: string[]): { status: number | null; said: Map<string, string> } {
  const { status, stdout } = spawnSync(process.execPath, [join(place, 'scripts/check.mjs'), ...names], {
    encoding: 'utf8',
  })
  const said = new Map<string, string>()
  let text = ''
  for (const line of stdout.split('\n').slice(1)) {
    text += `${line}\n`
    const [, name] = /^(\w+): looked at /.exec(line) ?? []
    if (name === undefined) continue
    said.set(name, text)
    text = ''
  }
  return { status, said }
}

describe('the static checks', () => {
  const places: string[] = []
  let faulty: ReturnType<typeof check>

  beforeAll(async () => {
    const place = await tree(Object.fromEntries(FAULTS.map(([path, text]) => [path, text])))
    places.push(place)
    faulty = check(place)
  })

  afterAll(async () => {
    for (const place of places) await rm(place, { recursive: true, force: true })
  })

  test('find one fault of each kind, and fail', () => {
    const missed = FAULTS.filter(([, , name, said]) => !said.test(faulty.said.get(name) ?? ''))
    expect(missed.map(([path, , name]) => `${name} missed ${path}`)).toEqual([])
    expect([...faulty.said.keys()]).toEqual(['format', 'types', 'lint', 'deps', 'dead'])
    for (const text of faulty.said.values()) expect(text).toMatch(/: FAILED\n$/)
    expect(faulty.status).toBe(1)
  })

  test('fail where there is nothing to look at', async () => {
    const place = await tree({})
    places.push(place)
    const { status, said } = check(place)
    expect(status).toBe(1)
    expect([...said.keys()]).toEqual(['format', 'types', 'lint', 'deps', 'dead'])
    for (const text of said.values()) expect(text).toMatch(/FAILED: there is nothing to look at\n$/)
  })

  test('fail where a file of ours is out of their sight', async () => {
    const place = await tree({
      'src/web/desk/seen.ts': 'export const a = 1\n',
      'src/domain/seen.ts': 'export const a = 1\n',
      'src/http/unseen.ts': 'export const a = 1\n',
    })
    places.push(place)
    const narrow = { extends: '../tsconfig.json', include: ['domain'] }
    await writeFile(join(place, 'src/tsconfig.json'), JSON.stringify(narrow))
    const { status, said } = check(place, 'types')
    expect(status).toBe(1)
    expect(said.get('types')).toMatch(/^types did not see src\/http\/unseen\.ts\ntypes: .*: FAILED\n$/m)
  })
})
