import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { VARIABLES } from '../../src/config/env.ts'
import { CLIP_STATES } from '../../src/domain/clip.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const pages = [
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
  ...['README.md', 'storage/README.md'].filter((name) => existsSync(join(root, name))),
].toSorted()

/** What a page without code blocks says: examples in them are not promises about files. */
const prose = (path: string): string => read(path).replace(/^ *```[\s\S]*?^ *```/gm, '')

/** GitHub's name of a heading: lower case, no punctuation, dashes for spaces. */
const anchors = (path: string): readonly string[] =>
  [...read(path).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  )

describe.each(pages)('%s', (page) => {
  test('every link leads somewhere', () => {
    const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
    const dead = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page : join(dirname(page), path)
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && !anchors(target).includes(anchor)
    })
    expect(dead).toEqual([])
  })

  test('every path it names is there', () => {
    const paths = [...prose(page).matchAll(/`((?:src|tests|docs|scripts|\.ci|\.config)\/[\w./-]+)`/g)].map(
      (match) => match[1] ?? '',
    )
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  test('every setting it names is one that is read', () => {
    const known: readonly string[] = VARIABLES
    const named = [...read(page).matchAll(/\bFOOTBRIDGE_[A-Z]+(?:_[A-Z]+)*\b/g)].map((match) => match[0])
    expect(named.filter((name) => !known.includes(name))).toEqual([])
  })

  test('it does not promise what nobody can keep', () => {
    // In the threat model these words stand only where it says that we do not use them.
    const words = /\b(?:untraceable|undetectable|forensic-proof|military.grade|unbreakable)\b/i
    const sentences = read(page).split(/(?<=[.:])\s/)
    expect(sentences.filter((text) => words.test(text) && !/\bnot\b/.test(text))).toEqual([])
  })
})

test('the pages that a reader is told to expect are all there', () => {
  const expected = [
    'architecture',
    'threat-model',
    'media-formats',
    'operations',
    'http-api',
    'contributing',
    'changelog',
    'benchmarks',
  ]
  expect(expected.filter((name) => !pages.includes(`docs/${name}.md`))).toEqual([])
})

describe('the architecture page', () => {
  const text = read('docs/architecture.md')

  test('names every folder of the code', () => {
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    )
    expect(folders.length).toBeGreaterThan(10)
    expect(
      folders.map((entry) => `src/${entry.name}`).filter((path) => !text.includes(`\`${path}\``)),
    ).toEqual([])
  })

  test('names every program on top of the folders', () => {
    const files = readdirSync(join(root, 'src')).filter((name) => name.endsWith('.ts'))
    expect(files.map((name) => `src/${name}`).filter((path) => !text.includes(`\`${path}\``))).toEqual([])
  })

  test('names every state of a clip and every step', () => {
    expect(CLIP_STATES.filter((state) => !text.includes(state))).toEqual([])
    const steps = readdirSync(join(root, 'src/process/steps')).map((name) => name.replace(/\.ts$/, ''))
    expect(steps.filter((step) => !text.includes(`\`${step}\``))).toEqual([])
  })
})

test('every decision is listed, and carries what was chosen and what was rejected', () => {
  const list = read('docs/decisions/README.md')
  const records = readdirSync(join(root, 'docs/decisions')).filter((name) => /^\d{4}-/.test(name))
  expect(records.length).toBeGreaterThan(0)
  for (const record of records) {
    expect(list, record).toContain(`(${record})`)
    const headings = [...read(join('docs/decisions', record)).matchAll(/^## (.+)$/gm)].map(
      (match) => match[1],
    )
    expect(headings, record).toEqual(['Context', 'Choice', 'Consequences', 'Rejected'])
  }
})

test('every variable that an operator may set is in the operations page', () => {
  const text = read('docs/operations.md')
  expect(VARIABLES.filter((name) => !text.includes(name))).toEqual([])
})

test('every line that the log can hold is explained in the operations page', () => {
  const text = read('docs/operations.md')
  const lines = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [
      ...read(join('src', name)).matchAll(/\b\w*[lL]ogger(?:\([^)]*\))?\.(?:info|warn|error)\(\s*'([^']+)'/g),
    ])
    .map((match) => match[1] ?? '')
  expect(lines.length).toBeGreaterThan(10)
  expect(lines.filter((line) => !text.includes(`\`${line}\``))).toEqual([])
})
