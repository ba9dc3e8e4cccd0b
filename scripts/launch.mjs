// Behind `npm start` and `npm test`: installs what is missing, builds what is stale, then runs.
//
//   launch.mjs start [ARGUMENT…]   the server: src/cli.ts serve ARGUMENT…
//   launch.mjs test  [ARGUMENT…]   the tests: every set, or what the arguments choose
//   launch.mjs install             packages only
//   launch.mjs build               packages and pages only
//
// Plain JavaScript without packages, because it is what installs them: any Node from 18 on runs it. Its own
// words go to standard error, so that standard output belongs to what is run.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { constants as os } from 'node:os'
import { delimiter, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MODULES = join(ROOT, 'node_modules')
const DIST = join(ROOT, 'dist')
const PAGES = /** @type {const} */ ({ contribute: 'main.ts', desk: 'main.tsx' })

/** @param {string} line */
function say(line) {
  process.stderr.write(`${line}\n`)
}

/**
 * Stops with one line that says what to do.
 * @param {string} line
 * @returns {never}
 */
function stop(line) {
  say(line)
  process.exit(1)
}

/**
 * Does `work`, and says how long it took.
 * @param {string} what
 * @param {() => Promise<void>} work
 */
async function timed(what, work) {
  const start = Date.now()
  say(`${what} …`)
  await work()
  say(`${what}: ${((Date.now() - start) / 1000).toFixed(0)} s`)
}

/** The server gives its roles ten seconds, and each role ends by itself when the supervisor is gone. */
const STOP_PATIENCE_MS = 30_000

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])
/** @type {import('node:child_process').ChildProcess | undefined} */
let child
/** @type {NodeJS.Signals | undefined} */
let stopping
/**
 * How long a child may take to stop. No limit while packages are installed: half of one helps nobody.
 * @type {number | undefined}
 */
let patienceMs
for (const signal of SIGNALS) {
  // Passed on, and then waited for: whatever runs at that moment ends in its own order, and nothing is left.
  process.on(signal, () => {
    stopping ??= signal
    const running = child
    if (running === undefined) process.exit(128 + os.signals[signal])
    running.kill(signal)
    if (patienceMs !== undefined) setTimeout(() => running.kill('SIGKILL'), patienceMs).unref()
  })
}

/**
 * Runs a program in the foreground and gives its exit status. After a signal nothing else is begun.
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>}
 */
async function run(program, args, options = {}) {
  /** @type {number} */
  const status = await new Promise((resolve, reject) => {
    child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 2, 2], ...options })
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? 128 + os.signals[signal ?? 'SIGKILL']))
  })
  child = undefined
  // Preparing that was asked to stop has not succeeded, even where npm says so; a server that stopped has.
  if (stopping !== undefined && patienceMs === undefined)
    process.exit(status === 0 ? 128 + os.signals[stopping] : status)
  return status
}

// ── one at a time ───────────────────────────────────────────────────────────────────────────────────────────

const LOCK = join(DIST, '.lock')
const LOCK_POLL_MS = 200
/** No installation takes that long: what holds the lock then is another process with the number of a dead one. */
const LOCK_STALE_MS = 15 * 60_000

/**
 * Prepares with `work` while no other launcher of this folder does: two npm ci at once leave half of each.
 * @template T
 * @param {() => Promise<T>} work
 */
async function alone(work) {
  for (let told = false; !takeLock(); told = true) {
    if (!told) say('Another launch is installing or building here; waiting for it …')
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS))
  }
  const release = () => rmSync(LOCK, { force: true })
  process.once('exit', release)
  const result = await work()
  release()
  process.off('exit', release)
  return result
}

function takeLock() {
  try {
    mkdirSync(DIST, { recursive: true })
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') stop(`Footbridge has to write in ${ROOT} (${codeOf(error)}).`)
    if (!lockIsHeld()) rmSync(LOCK, { force: true })
    return false
  }
}

function lockIsHeld() {
  try {
    if (Date.now() - statSync(LOCK).mtimeMs > LOCK_STALE_MS) return false
    const pid = Number(readFileSync(LOCK, 'utf8'))
    // Empty for the instant between being made and being written.
    return pid === 0 || process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives and belongs to somebody else. ESRCH or no file: it is gone.
    return codeOf(error) === 'EPERM'
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : String(error)
}

// ── packages ────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean }} Locked
 * @param {string} path
 * @returns {Record<string, Locked> | undefined}
 */
function lockedPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages
  } catch {
    return undefined
  }
}

/**
 * Is what npm says it installed what package-lock.json asks for? Compared by content, not by time: a checkout
 * touches files, and npm writes its own record last, so a broken installation has none.
 */
function packagesMatch() {
  const wanted = lockedPackages(join(ROOT, 'package-lock.json'))
  const present = lockedPackages(join(MODULES, '.package-lock.json'))
  if (wanted === undefined) stop('package-lock.json is missing or broken; take it from the repository again.')
  if (present === undefined) return false
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true
    const there = present[path]
    // Optional packages are for other platforms unless they are there.
    if (there === undefined) return optional === true
    return there.version === version && there.integrity === integrity
  })
}

async function installPackages() {
  if (packagesMatch()) return
  // npm must not run on the very Node that it is about to replace.
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  const env = { ...process.env, PATH: path.join(delimiter) }
  // Dozens of packages want a newer Node than the one npm may run on; they get it, so npm's warning misleads.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  await timed('Installing packages', async () => {
    const status = await run('npm', args, { env }).catch(() => stop('Footbridge needs npm on the PATH.'))
    if (status !== 0) stop('Packages could not be installed; npm says why above. Is the registry reachable?')
  })
}

/** The Node that runs everything else: this one where it is new enough, else the one among the packages. */
function projectNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major === 24 && minor >= 15) return process.execPath
  const node = join(MODULES, `node-${process.platform}-${process.arch}`, 'bin', 'node')
  try {
    accessSync(node, constants.X_OK)
  } catch {
    stop(
      `Footbridge needs Node 24.15 or a later 24 on ${process.platform}-${process.arch}; install it and try again.`,
    )
  }
  return node
}

// ── system packages ─────────────────────────────────────────────────────────────────────────────────────────

/** @param {string[]} args */
async function systemPackages(args) {
  // scripts/setup is silent when nothing is missing, and says what to install when it may not.
  const status = await run('/bin/sh', [join(ROOT, 'scripts/setup'), ...args])
  if (status !== 0) process.exit(1)
}

// ── pages ───────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesIn(path) : [path]
  })
}

/** Everything that can change the built pages, as one digest. */
function pagesDigest() {
  const digest = createHash('sha256')
  const sources = ['src/web', 'src/contract', 'src/domain', '.config'].map((folder) => join(ROOT, folder))
  const files = [
    ...sources.filter((folder) => existsSync(folder)).flatMap(filesIn),
    join(ROOT, 'package-lock.json'),
  ]
  for (const file of files.sort()) {
    digest
      .update(relative(ROOT, file))
      .update('\0')
      .update(createHash('sha256').update(readFileSync(file)).digest())
  }
  return digest.digest('hex')
}

/** @param {string} node */
async function buildPages(node) {
  const digest = pagesDigest()
  const stamp = join(DIST, '.stamp')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  for (const [page, entry] of Object.entries(PAGES)) {
    if (!existsSync(join(ROOT, 'src/web', page, entry)))
      stop(`The pages cannot be built: src/web/${page}/${entry} is missing.`)
  }
  // Built beside and renamed: a server that is running never sees half a page.
  const fresh = join(DIST, `.fresh-${process.pid}`)
  mkdirSync(fresh, { recursive: true })
  await timed('Building pages', async () => {
    for (const page of Object.keys(PAGES)) {
      const args = [join(MODULES, 'vite/bin/vite.js'), 'build', '--logLevel', 'warn']
      args.push(
        '--config',
        join(ROOT, `.config/vite.${page}.ts`),
        '--outDir',
        join(fresh, page),
        '--emptyOutDir',
      )
      if ((await run(node, args)) !== 0) {
        rmSync(fresh, { recursive: true, force: true })
        stop(`The pages could not be built (${page}); the reason stands above.`)
      }
    }
    rmSync(stamp, { force: true })
    for (const page of Object.keys(PAGES)) {
      rmSync(join(DIST, page), { recursive: true, force: true })
      renameSync(join(fresh, page), join(DIST, page))
    }
    rmSync(fresh, { recursive: true, force: true })
    writeFileSync(stamp, digest)
  })
}

// ── the verbs ───────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Makes ready what runs, and gives the Node to run it with. With `setup`, system packages too.
 * @param {string[]} [setup]
 */
async function prepare(setup) {
  await installPackages()
  const node = projectNode()
  if (setup !== undefined) await systemPackages(setup)
  await buildPages(node)
  return node
}

/**
 * Runs `node …args` with our own input and output, and ends as it ends.
 * @param {string} node
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
async function become(node, args, env = process.env) {
  process.umask(callersMask)
  patienceMs = STOP_PATIENCE_MS
  process.exit(await run(node, args, { env, stdio: 'inherit' }))
}

const [verb, ...rest] = process.argv.slice(2)
// The server's roles run as users of their own, and have to read what is installed and built here.
const callersMask = process.umask(0o022)
switch (verb) {
  case 'install':
    await alone(installPackages)
    projectNode()
    break
  case 'build':
    await alone(() => prepare())
    break
  case 'start': {
    const node = await alone(() => prepare([]))
    await become(node, [join(ROOT, 'src/cli.ts'), 'serve', ...rest])
    break
  }
  case 'test': {
    const node = await alone(() => prepare(['--tests']))
    // Whatever a test starts as `node` is the project's own.
    const path = [join(MODULES, '.bin'), process.env.PATH ?? ''].join(delimiter)
    const whole = rest.length === 0 ? '1' : '0'
    const args = [
      join(MODULES, 'vitest/vitest.mjs'),
      'run',
      '--config',
      join(ROOT, '.config/vitest.config.ts'),
    ]
    await become(node, [...args, ...rest], { ...process.env, PATH: path, WHOLE_TEST_RUN: whole })
    break
  }
  default:
    say('usage: node scripts/launch.mjs start|test|install|build [ARGUMENT…]')
    process.exit(2)
}
