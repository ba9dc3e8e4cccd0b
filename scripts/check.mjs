// The checks that need no running server, cheapest first: `node scripts/check.mjs [format|types|lint|deps|dead]…`.
// Each one says how much it looked at, and fails when that is nothing or when it did not see a file of ours: a
// check that silently passes over files is worse than none. `--fix` repairs what format and lint can repair.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PROJECTS = [
  'src/tsconfig.shared.json',
  'src/tsconfig.json',
  'src/web/tsconfig.json',
  'tests/tsconfig.json',
]
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git', 'storage'])

const fix = process.argv.includes('--fix')
process.chdir(ROOT)

/** @param {string} text */
const say = (text) => process.stdout.write(`${text}\n`)

/**
 * Runs a tool of ours with this Node.
 * @param {string} bin a name in node_modules/.bin
 * @param {string[]} args
 * @returns {Promise<{ status: number, output: string }>}
 */
function tool(bin, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join('node_modules/.bin', bin), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status: status ?? 1, output }))
  })
}

/** @param {string} pattern */
function files(pattern) {
  return globSync(pattern, { exclude: (entry) => SKIPPED.has(entry) }).sort()
}

/**
 * `seen` holds paths from the root; where a tool only counts, as many stand for them.
 * @typedef {{ looked: string, ok: boolean, seen: ReadonlySet<string> | number }} Outcome
 */

/** Every file of ours that a check has to see. @param {string} check */
const code = (check) => [
  ...files('src/**/*.{ts,tsx}'),
  // What the tests import is theirs to choose.
  ...(check === 'deps' ? [] : files('tests/**/*.{ts,tsx}')),
]

/** @satisfies {Record<string, () => Promise<Outcome>>} */
const CHECKS = {
  async format() {
    const prettier = await import('prettier')
    const seen = new Set()
    let wrong = 0
    const hidden = ['.config/**/*', '.prettierrc', '.dependency-cruiser.cjs'].flatMap(files)
    for (const path of [...new Set([...files('**/*'), ...hidden])]) {
      const info = await prettier.getFileInfo(path, { ignorePath: '.prettierignore' })
      if (info.ignored || info.inferredParser === null) continue
      seen.add(path)
      const text = await readFile(path, 'utf8')
      const options = { ...(await prettier.resolveConfig(path)), filepath: path }
      if (await prettier.check(text, options)) continue
      if (fix) await writeFile(path, await prettier.format(text, options))
      else wrong += 1
      say(`${fix ? 'formatted' : 'not formatted'}: ${path}`)
    }
    return { looked: `${seen.size} files`, ok: wrong === 0, seen }
  },

  async types() {
    /** @type {Set<string>} */
    const seen = new Set()
    const looked = []
    let ok = true
    for (const project of PROJECTS) {
      const { status, output } = await tool('tsc', ['-p', project, '--listFiles', '--pretty', 'false'])
      let count = 0
      for (const line of output.split('\n')) {
        const path = relative(ROOT, line)
        if (line !== '' && !line.startsWith('/')) say(line)
        else if (line.startsWith(ROOT) && !path.startsWith('node_modules')) {
          seen.add(path)
          count += 1
        }
      }
      if (count === 0) say(`${project} holds no file`)
      ok &&= status === 0 && count > 0
      looked.push(`${count} files of ${project}`)
    }
    return { looked: looked.join(', '), ok, seen }
  },

  async lint() {
    const { ESLint } = await import('eslint')
    const eslint = new ESLint({ overrideConfigFile: '.config/eslint.config.mjs', fix })
    const results = await eslint.lintFiles(['.'])
    if (fix) await ESLint.outputFixes(results)
    const text = await (await eslint.loadFormatter('stylish')).format(results)
    if (text !== '') say(text)
    const ok = results.every((result) => result.errorCount + result.warningCount === 0)
    const seen = new Set(results.map((result) => relative(ROOT, result.filePath)))
    return { looked: `${seen.size} files`, ok, seen }
  },

  async deps() {
    const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src', 'scripts']
    const { output } = await tool('depcruise', args)
    const { modules, summary } = JSON.parse(output)
    /** @type {Set<string>} */
    const seen = new Set(modules.map((/** @type {{ source: string }} */ module) => module.source))
    for (const { from, to, rule } of summary.violations) say(`${rule.name}: ${from} → ${to}`)
    const ours = [...seen].filter((source) => /^(src|scripts)\//.test(source)).length
    return {
      looked: `${ours} modules, ${summary.totalDependenciesCruised} imports`,
      ok: summary.violations.length === 0 && summary.totalDependenciesCruised > 0,
      seen,
    }
  },

  async dead() {
    const args = [
      '--config',
      '.config/knip.json',
      '--reporter',
      './.config/knip-reporter.mjs',
      '--no-progress',
    ]
    const { status, output } = await tool('knip', args)
    const read = /^knip read (\d+) files, found \d+$/m.exec(output)
    for (const line of output.split('\n')) if (line !== '' && line !== read?.[0]) say(line)
    const count = Number(read?.[1] ?? 0)
    return { looked: `${count} files`, ok: status === 0, seen: count }
  },
}

const asked = process.argv.slice(2).filter((word) => word !== '--fix')
const unknown = asked.filter((name) => !(name in CHECKS))
if (unknown.length > 0) {
  process.stderr.write(
    `check: there is no ${unknown.join(', ')}; there are ${Object.keys(CHECKS).join(', ')}\n`,
  )
  process.exit(2)
}
const chosen = Object.entries(CHECKS).filter(([name]) => asked.length === 0 || asked.includes(name))
say(`checks: ${chosen.map(([name]) => name).join(', ')}`)
for (const [name, check] of chosen) {
  const start = Date.now()
  const { looked, ok, seen } = await check()
  const wanted = code(name)
  const missed = typeof seen === 'number' ? [] : wanted.filter((path) => !seen.has(path))
  for (const path of missed) say(`${name} did not see ${path}`)
  const all = missed.length === 0 && (typeof seen !== 'number' || seen >= wanted.length)
  const verdict = wanted.length === 0 ? 'FAILED: there is nothing to look at' : ok && all ? 'ok' : 'FAILED'
  say(`${name}: looked at ${looked} in ${((Date.now() - start) / 1000).toFixed(1)} s: ${verdict}`)
  if (verdict !== 'ok') process.exitCode = 1
}
