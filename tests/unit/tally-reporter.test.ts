import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const IMPORT = "import { beforeAll, describe, expect, test } from 'vitest'\n"
const FILES = {
  'tests/unit/good.test.ts': "test('a', () => expect(1).toBe(1))\ntest.skip('b', () => expect(1).toBe(1))\n",
  'tests/unit/bad.test.ts': "test('a', () => expect(1).toBe(2))\n",
  'tests/unit/unloadable.test.ts': "throw new Error('not loaded')\n",
  'tests/unit/hook.test.ts':
    "describe('a', () => {\n  beforeAll(() => { throw new Error('hook') })\n  test('b', () => expect(1).toBe(1))\n})\n",
  'tests/unit/stray.test.ts':
    "test('a', () => { void Promise.reject(new Error('stray')) })\ntest('b', () => expect(1).toBe(1))\n",
}

describe('the last line of a test run', () => {
  let place = ''

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'footbridge-tally-'))
    await cp(join(ROOT, '.config'), join(place, '.config'), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(place, 'node_modules'))
    await writeFile(join(place, 'package.json'), '{ "type": "module" }')
    for (const [path, text] of Object.entries(FILES)) {
      await mkdir(join(place, dirname(path)), { recursive: true })
      await writeFile(join(place, path), IMPORT + text)
    }
  })

  afterAll(async () => {
    await rm(place, { recursive: true, force: true })
  })

  function run(
    filter: readonly string[],
    whole = false,
  ): { last: string; before: string; status: number | null } {
    const args = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--config', '.config/vitest.config.ts']
    const { stdout, status } = spawnSync(process.execPath, [...args, ...filter], {
      cwd: place,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', WHOLE_TEST_RUN: whole ? '1' : '0' },
    })
    const lines = stdout.trimEnd().split('\n')
    return { last: lines.at(-1) ?? '', before: lines.at(-2) ?? '', status }
  }

  test('counts what passed and what was skipped', () => {
    expect(run(['unit/good'])).toMatchObject({ last: '1 passed, 0 failed, 1 skipped', status: 0 })
  })

  test('counts a failing test', () => {
    expect(run(['unit/good', 'unit/bad'])).toMatchObject({ last: '1 passed, 1 failed, 1 skipped', status: 1 })
  })

  test('counts a file that does not load, a hook that fails and an error outside any test as failures', () => {
    expect(run(['unit/unloadable'])).toMatchObject({ last: '0 passed, 1 failed, 0 skipped', status: 1 })
    expect(run(['unit/hook'])).toMatchObject({ last: '0 passed, 1 failed, 1 skipped', status: 1 })
    expect(run(['unit/stray'])).toMatchObject({ last: '2 passed, 1 failed, 0 skipped', status: 1 })
  })

  test('fails a run that found no test', () => {
    expect(run(['unit/nothing-of-that-name'])).toMatchObject({
      last: '0 passed, 1 failed, 0 skipped',
      status: 1,
    })
  })

  test('fails a whole run in which a set is empty, and names it', () => {
    const { last, before, status } = run(['unit/good'], true)
    expect(before).toBe('No test ran in: conformance, integration, security, e2e')
    expect(last).toBe('1 passed, 4 failed, 1 skipped')
    expect(status).toBe(1)
  })
})
