/*
 * Who may import whom, executable. The first table is that of the folders, the second names the rooms
 * that have the key to a package or a platform module. Type-only imports count.
 */

/**
 * A folder may import itself and what is listed here. The top (`src/*.ts`, `src/cli/`) imports anything but the
 * pages.
 */
const MAY = {
  domain: [],
  contract: ['domain'],
  config: ['domain'],
  adapters: ['domain'],
  'adapters/blobs': ['domain', 'adapters/logger'],
  'adapters/database': ['domain', 'adapters/logger'],
  'adapters/tools': ['domain', 'adapters/logger'],
  http: ['domain', 'contract', 'adapters/logger', 'access/policy'],
  catalog: ['domain', 'adapters/database', 'adapters/ids', 'adapters/logger'],
  jobs: ['domain', 'adapters/database', 'adapters/ids', 'adapters/logger'],
  access: [
    'domain',
    'contract',
    'http',
    'adapters/database',
    'adapters/ids',
    'adapters/logger',
    'adapters/sealing',
  ],
  intake: ['domain', 'contract', 'http', 'adapters', 'access/policy'],
  process: ['domain', 'adapters', 'catalog', 'jobs/queue'],
  review: ['domain', 'contract', 'http', 'adapters', 'catalog', 'access/policy'],
  bench: ['domain', 'contract', 'config', 'adapters', 'process'],
  web: ['domain', 'contract'],
  'web/contribute': ['domain', 'contract'],
  'web/desk': ['domain', 'contract'],
}

const esc = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
const folder = (name) => `^src/${esc(name)}(/|\\.ts$)`
const TOP = '^src/[^/]+\\.ts$'

const layers = Object.entries(MAY).map(([name, allowed]) => ({
  name: `layer-${name.replace('/', '-')}`,
  severity: 'error',
  comment: `${name} may import: ${[name, ...allowed].join(', ')}.`,
  from: { path: `^src/${esc(name)}/` },
  to: { path: '^src/', pathNot: [name, ...allowed].map(folder) },
}))

/** A package by its name, wherever it and its types are found. */
const pkg = (...names) =>
  names.map((name) => {
    const types = name.replace(/^@(.+)\/(.+)$/, '$1__$2')
    return `(^|/)node_modules/(${esc(name)}|@types/${esc(types)})/|^${esc(name)}(/|$)`
  })
const core = (...names) => names.map((name) => `^(node:)?${esc(name)}$`)

const door = (name, what, ...rooms) => ({
  name: `door-${name}`,
  severity: 'error',
  comment: `Only ${rooms.join(', ')} may import this.`,
  from: { path: '^src/', pathNot: rooms },
  to: { path: what },
})

const doors = [
  // platform
  // Benchmarks start our own servers and their peers; what strangers sent goes through run-tool like everywhere.
  door(
    'programs',
    core('child_process'),
    '^src/adapters/tools/run-tool\\.ts$',
    '^src/main\\.ts$',
    '^src/bench/',
  ),
  door('disk', core('fs', 'fs/promises'), '^src/adapters/', '^src/config/', '^src/main\\.ts$', '^src/bench/'),
  // our own
  door('steps', '^src/process/steps/', '^src/process/pipeline\\.ts$', '^src/process/steps/'),
  // packages
  door('tus-server', pkg('@tus/server', '@tus/utils'), '^src/intake/', '^src/bench/stock-'),
  door('tus-file-store', pkg('@tus/file-store'), '^src/bench/stock-'),
  door('multer', pkg('multer'), '^src/intake/'),
  door(
    'express',
    pkg('express', 'express-rate-limit', 'helmet'),
    '^src/http/',
    '^src/access/',
    '^src/intake/',
    '^src/review/',
    '^src/(intake|desk)-app\\.ts$',
  ),
  door('kysely', pkg('kysely'), '^src/adapters/database/', '^src/catalog/', '^src/jobs/', '^src/access/'),
  door('sqlite', pkg('better-sqlite3-multiple-ciphers', 'better-sqlite3'), '^src/adapters/database/'),
  door('age', pkg('age-encryption'), '^src/adapters/sealing\\.ts$', '^src/web/desk/'),
  door('zod', pkg('zod'), '^src/contract/', '^src/config/', '^src/web/desk/'),
  door('stills', pkg('sharp', 'heic-decode'), '^src/adapters/tools/'),
  door('ffmpeg', pkg('fluent-ffmpeg'), '^src/adapters/tools/ffmpeg\\.ts$'),
  door('exiftool', pkg('exiftool-vendored.pl'), '^src/adapters/tools/'),
  door('log', pkg('pino'), '^src/adapters/logger\\.ts$'),
  door('argon2', pkg('@node-rs/argon2'), '^src/access/'),
  door('totp', pkg('otplib'), '^src/access/'),
  door('tus-client', pkg('tus-js-client'), '^src/web/contribute/', '^src/(cli|bench)/'),
]

/** Code of `from` uses no package but these. */
const packages = (name, from, allowed) => ({
  name: `packages-${name}`,
  severity: 'error',
  comment: allowed.length > 0 ? 'See the list in .dependency-cruiser.cjs.' : 'No package belongs here.',
  from: { path: from },
  to: {
    dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'],
    pathNot: pkg(...allowed),
  },
})

const rule = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to })

module.exports = {
  forbidden: [
    ...layers,
    ...doors,
    packages('domain', '^src/domain/', []),
    packages('contract', '^src/contract/', ['zod']),
    packages('contribute', '^src/web/contribute/', ['tus-js-client', 'hash-wasm']),
    rule(
      'production',
      'An installation without development packages must start; a benchmark runs its peers as programs of their own.',
      { path: '^src/', pathNot: ['^src/web/', '^src/bench/.+-program\\.ts$'] },
      { dependencyTypes: ['npm-dev'], pathNot: '(^|/)node_modules/@types/', dynamic: false },
    ),
    rule(
      'platform',
      'Shared code and pages have no Node.',
      { path: '^src/(domain|contract|web)/' },
      { dependencyTypes: ['core'] },
    ),
    rule(
      'web-kit',
      'React and its companions belong to the desk.',
      { path: '^src/', pathNot: '^src/web/desk/' },
      {
        path: pkg(
          'react',
          'react-dom',
          'react-aria-components',
          'react-i18next',
          'i18next',
          'media-chrome',
          'wavesurfer.js',
          '@tanstack/react-query',
          '@tanstack/react-router',
          '@tanstack/react-virtual',
        ),
      },
    ),
    rule('no-cycles', 'Break the circle.', {}, { circular: true }),
    rule(
      'no-unknown',
      'What is imported must be there, or nothing above can judge it.',
      { path: '^(src|scripts)/' },
      { couldNotResolve: true },
    ),
    rule('not-to-tests', 'Code does not lean on tests.', { path: '^(src|scripts)/' }, { path: '^tests/' }),
    rule(
      'not-to-web',
      'The server reads the built pages, not their source.',
      { path: '^src/', pathNot: '^src/web/' },
      { path: '^src/web/' },
    ),
    rule(
      'not-to-top',
      'A stage declares what it needs; the context hands it over.',
      { path: '^src/.+/', pathNot: '^src/cli/' },
      { path: TOP },
    ),
    rule(
      'not-to-cli',
      'The command line is on top: it calls, and is called by nobody; the benchmarks are its own.',
      { path: '^src/', pathNot: '^src/(cli|bench)(/|\\.ts$)' },
      { path: '^src/(cli|bench)(/|\\.ts$)' },
    ),
    rule(
      'no-barrels',
      'Import from the file that defines a thing.',
      { path: '^src/' },
      { path: '^src/.+/index\\.tsx?$', pathNot: '^src/adapters/database/migrations/index\\.ts$' },
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'src/tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.json', '.d.ts'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
