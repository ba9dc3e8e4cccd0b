import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** What is imported below, so that each name resolves. A stub holds one export and imports nothing. */
const STUBS = [
  'src/domain/word.ts',
  'src/contract/shape.ts',
  'src/config/config.ts',
  'src/adapters/logger.ts',
  'src/adapters/sealing.ts',
  'src/adapters/blobs/store.ts',
  'src/adapters/database/database.ts',
  'src/adapters/tools/run-tool.ts',
  'src/http/route.ts',
  'src/catalog/clips.ts',
  'src/jobs/queue.ts',
  'src/jobs/worker.ts',
  'src/access/policy.ts',
  'src/access/sessions.ts',
  'src/intake/receive.ts',
  'src/process/pipeline.ts',
  'src/process/steps/1-seal.ts',
  'src/review/routes.ts',
  'src/review/index.ts',
  'src/web/contribute/send.ts',
  'src/web/desk/api.ts',
  'src/bench/figures.ts',
  'src/cli/verb.ts',
  'src/context.ts',
  'src/main.ts',
  'tests/support/server.ts',
]

/** An import that must be refused: from which file, of what (a path from the root, or a module), by which rule. */
const FORBIDDEN: readonly (readonly [from: string, what: string, rule: string])[] = [
  // one a layer
  ['src/domain/a.ts', 'src/config/config.ts', 'layer-domain'],
  ['src/contract/a.ts', 'src/http/route.ts', 'layer-contract'],
  ['src/config/a.ts', 'src/contract/shape.ts', 'layer-config'],
  ['src/adapters/a.ts', 'src/config/config.ts', 'layer-adapters'],
  ['src/adapters/blobs/a.ts', 'src/adapters/database/database.ts', 'layer-adapters-blobs'],
  ['src/adapters/database/a.ts', 'src/adapters/blobs/store.ts', 'layer-adapters-database'],
  ['src/adapters/tools/a.ts', 'src/adapters/sealing.ts', 'layer-adapters-tools'],
  ['src/http/a.ts', 'src/access/sessions.ts', 'layer-http'],
  ['src/catalog/a.ts', 'src/adapters/blobs/store.ts', 'layer-catalog'],
  ['src/jobs/a.ts', 'src/process/pipeline.ts', 'layer-jobs'],
  ['src/access/a.ts', 'src/catalog/clips.ts', 'layer-access'],
  ['src/intake/a.ts', 'src/process/pipeline.ts', 'layer-intake'],
  ['src/intake/b.ts', 'src/access/sessions.ts', 'layer-intake'],
  ['src/intake/c.ts', 'src/catalog/clips.ts', 'layer-intake'],
  ['src/process/a.ts', 'src/http/route.ts', 'layer-process'],
  ['src/process/b.ts', 'src/jobs/worker.ts', 'layer-process'],
  ['src/process/c.ts', 'src/review/routes.ts', 'layer-process'],
  ['src/review/a.ts', 'src/intake/receive.ts', 'layer-review'],
  ['src/bench/a.ts', 'src/access/sessions.ts', 'layer-bench'],
  ['src/bench/a.ts', 'src/intake/receive.ts', 'layer-bench'],
  ['src/web/contribute/a.ts', 'src/adapters/logger.ts', 'layer-web'],
  ['src/web/contribute/b.ts', 'src/web/desk/api.ts', 'layer-web-contribute'],
  ['src/web/desk/a.ts', 'src/web/contribute/send.ts', 'layer-web-desk'],
  // one a door
  ['src/process/d.ts', 'node:child_process', 'door-programs'],
  ['src/adapters/tools/b.ts', 'child_process', 'door-programs'],
  ['src/catalog/b.ts', 'node:fs', 'door-disk'],
  ['src/review/b.ts', 'node:fs/promises', 'door-disk'],
  ['src/process/derive/e.ts', 'src/process/steps/1-seal.ts', 'door-steps'],
  ['src/http/b.ts', '@tus/server', 'door-tus-server'],
  ['src/intake/d.ts', '@tus/file-store', 'door-tus-file-store'],
  ['src/review/c.ts', 'multer', 'door-multer'],
  ['src/process/f.ts', 'express', 'door-express'],
  ['src/adapters/b.ts', 'helmet', 'door-express'],
  ['src/review/d.ts', 'kysely', 'door-kysely'],
  ['src/catalog/c.ts', 'better-sqlite3-multiple-ciphers', 'door-sqlite'],
  ['src/intake/e.ts', 'age-encryption', 'door-age'],
  ['src/adapters/blobs/b.ts', 'age-encryption', 'door-age'],
  ['src/http/c.ts', 'zod', 'door-zod'],
  ['src/process/g.ts', 'sharp', 'door-stills'],
  ['src/process/h.ts', 'heic-decode', 'door-stills'],
  ['src/process/i.ts', 'fluent-ffmpeg', 'door-ffmpeg'],
  ['src/adapters/tools/c.ts', 'fluent-ffmpeg', 'door-ffmpeg'],
  ['src/process/j.ts', 'exiftool-vendored.pl', 'door-exiftool'],
  ['src/jobs/b.ts', 'pino', 'door-log'],
  ['src/http/d.ts', '@node-rs/argon2', 'door-argon2'],
  ['src/intake/f.ts', 'otplib', 'door-totp'],
  ['src/web/desk/b.ts', 'tus-js-client', 'door-tus-client'],
  ['src/intake/g.ts', 'tus-js-client', 'door-tus-client'],
  // the rest
  ['src/domain/b.ts', 'cookie', 'packages-domain'],
  ['src/domain/c.ts', 'zod', 'packages-domain'],
  ['src/contract/b.ts', 'cookie', 'packages-contract'],
  ['src/web/contribute/c.ts', 'qrcode', 'packages-contribute'],
  ['src/cli/bench.ts', '@tus/file-store', 'production'],
  ['src/domain/d.ts', 'node:crypto', 'platform'],
  ['src/web/desk/c.ts', 'node:buffer', 'platform'],
  ['src/web/contribute/d.ts', 'react', 'web-kit'],
  ['src/http/e.ts', 'react-dom', 'web-kit'],
  ['src/domain/e.ts', 'src/domain/f.ts', 'no-cycles'],
  ['src/http/f.ts', 'src/http/gone.ts', 'no-unknown'],
  ['src/http/g.ts', 'no-such-package', 'no-unknown'],
  ['src/catalog/d.ts', 'tests/support/server.ts', 'not-to-tests'],
  ['scripts/a.mjs', 'tests/support/server.ts', 'not-to-tests'],
  ['src/desk-app.ts', 'src/web/desk/api.ts', 'not-to-web'],
  ['src/access/b.ts', 'src/main.ts', 'not-to-top'],
  ['src/process/steps/b.ts', 'src/main.ts', 'not-to-top'],
  ['src/roles.ts', 'src/cli/verb.ts', 'not-to-cli'],
  ['src/intake/h.ts', 'src/bench/figures.ts', 'not-to-cli'],
  ['src/review/e.ts', 'src/review/index.ts', 'no-barrels'],
]

/** Imports that the layout grants; were the pattern of a rule too wide, one of these would be refused. */
const ALLOWED: readonly (readonly [from: string, what: string])[] = [
  ['src/contract/ok.ts', 'zod'],
  ['src/config/ok.ts', 'node:fs'],
  ['src/adapters/database/ok.ts', 'better-sqlite3-multiple-ciphers'],
  ['src/adapters/sealing.ts', 'age-encryption'],
  ['src/adapters/logger.ts', 'pino'],
  ['src/adapters/tools/run-tool.ts', 'node:child_process'],
  ['src/adapters/tools/ffmpeg.ts', 'fluent-ffmpeg'],
  ['src/adapters/tools/stills-program.ts', 'sharp'],
  ['src/http/ok.ts', 'express'],
  ['src/catalog/ok.ts', 'kysely'],
  ['src/intake/ok.ts', '@tus/server'],
  ['src/intake/ok2.ts', 'src/access/policy.ts'],
  ['src/process/ok.ts', 'src/jobs/queue.ts'],
  ['src/process/pipeline.ts', 'src/process/steps/1-seal.ts'],
  ['src/review/ok.ts', 'src/catalog/clips.ts'],
  ['src/web/contribute/ok.ts', 'tus-js-client'],
  ['src/web/desk/ok.ts', 'react'],
  ['src/web/desk/ok2.ts', 'src/contract/shape.ts'],
  ['src/cli.ts', 'src/cli/verb.ts'],
  ['src/cli/send.ts', 'tus-js-client'],
  ['src/cli/serve.ts', 'src/main.ts'],
  ['src/cli/bench-verb.ts', 'src/bench/figures.ts'],
  ['src/bench/stock-tus-program.ts', '@tus/file-store'],
  ['src/context.ts', 'src/process/pipeline.ts'],
  ['src/main.ts', 'node:child_process'],
]

type Cruise = { summary: { violations: { from: string; rule: { name: string } }[]; totalCruised: number } }

function statement(from: string, what: string, kind: 'value' | 'type'): string {
  const local = what.startsWith('src/') || what.startsWith('tests/')
  const path = relative(dirname(from), what)
  const target = !local ? what : path.startsWith('.') ? path : `./${path}`
  if (from.endsWith('.mjs')) return `import '${target}'\n`
  return kind === 'type'
    ? `import type * as it from '${target}'\nexport type It = typeof it\n`
    : `import * as it from '${target}'\nexport const used = it\n`
}

function typedTwin(from: string): string {
  return from.replace(/\.ts$/, '-typed.ts')
}

describe('the import rule', () => {
  let place = ''
  let found = new Map<string, Set<string>>()

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'footbridge-rule-'))
    const put = async (path: string, text: string) => {
      await mkdir(join(place, dirname(path)), { recursive: true })
      await writeFile(join(place, path), text)
    }
    for (const path of STUBS) await put(path, 'export const stub = 1\n')
    // The other half of the circle; a circle is reported once, from the file that was seen first.
    await put('src/domain/f.ts', statement('src/domain/f.ts', 'src/domain/e.ts', 'value'))
    for (const [from, what] of ALLOWED) await put(from, statement(from, what, 'value'))
    for (const [from, what] of FORBIDDEN) {
      await put(from, statement(from, what, 'value'))
      if (from.endsWith('.ts')) await put(typedTwin(from), statement(from, what, 'type'))
    }
    for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'src/tsconfig.json', 'package.json']) {
      await cp(join(ROOT, file), join(place, file))
    }
    await symlink(join(ROOT, 'node_modules'), join(place, 'node_modules'))
    const bin = join(ROOT, 'node_modules/.bin/depcruise')
    const args = [bin, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src', 'scripts']
    const { stdout } = await run(process.execPath, args, { cwd: place, maxBuffer: 64 << 20 })
    found = new Map()
    for (const violation of (JSON.parse(stdout) as Cruise).summary.violations) {
      found.set(violation.from, (found.get(violation.from) ?? new Set()).add(violation.rule.name))
    }
  })

  afterAll(async () => {
    await rm(place, { recursive: true, force: true })
  })

  const missed = (planted: readonly (readonly [string, string, string])[]) =>
    planted.filter(([from, , rule]) => found.get(from)?.has(rule) !== true)

  test('refuses each planted import by the rule that is meant for it', () => {
    expect(missed(FORBIDDEN)).toEqual([])
  })

  test('refuses the same imports when only a type is taken', () => {
    const typed = FORBIDDEN.filter(([from, , rule]) => from.endsWith('.ts') && rule !== 'no-cycles')
    expect(missed(typed.map(([from, what, rule]) => [typedTwin(from), what, rule]))).toEqual([])
  })

  test('lets every import through that the layout grants', () => {
    const refused = ALLOWED.map(([from, what]) => [from, what, ...(found.get(from) ?? [])])
    expect(refused.filter(([, , ...rules]) => rules.length > 0)).toEqual([])
  })

  test('has a planted import for every rule', async () => {
    const config = (await import(join(ROOT, '.dependency-cruiser.cjs'))) as {
      default: { forbidden: { name: string }[] }
    }
    const planted = new Set(FORBIDDEN.map(([, , rule]) => rule))
    expect(config.default.forbidden.map((rule) => rule.name).filter((name) => !planted.has(name))).toEqual([])
  })
})
