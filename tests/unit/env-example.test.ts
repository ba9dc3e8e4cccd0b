import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { readEnvironment, VARIABLES } from '../../src/config/env.ts'

const example = await readFile(new URL('../../.env.example', import.meta.url), 'utf8')
const settings = [...example.matchAll(/^#(FOOTBRIDGE_[A-Z_]+)=(.*)$/gm)].map((match) => ({
  name: match[1] ?? '',
  value: match[2] ?? '',
}))

test('the example names every variable that is read, and none that is not', () => {
  expect(settings.map((setting) => setting.name).toSorted()).toEqual(VARIABLES.toSorted())
})

test('the example is safe to use as it is: every setting is commented out', () => {
  const live = example.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  expect(live).toEqual([])
})

test('every variable is explained, with its default, right above where it stands', () => {
  const blocks = example.split('\n\n')
  for (const { name } of settings) {
    const block = blocks.find((text) => new RegExp(`^#${name}=`, 'm').test(text)) ?? ''
    expect(block, name).toMatch(/^# \S.*Default: /ms)
  }
})

test('the values shown are accepted together', () => {
  const source = Object.fromEntries(settings.map(({ name, value }) => [name, value]))
  const { environment, unknown } = readEnvironment(source)
  expect(loadConfig(environment, unknown).intake.transport.kind).toBe('certificate')
})

test('the defaults the example states are those that hold without any setting', () => {
  const config = loadConfig({})
  const stated = (name: string): string =>
    new RegExp(`Default: ([^\\s,]+?)[.,]?\\s[^\\n]*\\n(?:#[^\\n]*\\n)*#${name}=`).exec(`${example}\n`)?.[1] ??
    ''
  expect(`${config.intake.host}:${String(config.intake.port)}`).toBe('127.0.0.1:4800')
  expect(example).toContain(`Default: ${config.intake.host}:${String(config.intake.port)}`)
  expect(example).toContain(`Default: ${config.desk.host}:${String(config.desk.port)}`)
  expect(stated('FOOTBRIDGE_MAX_UPLOAD')).toBe(`${String(config.maxUploadBytes / 1024 ** 3)}GiB`)
  expect(stated('FOOTBRIDGE_RESERVE')).toBe(`${String(config.reserveBytes / 1024 ** 3)}GiB`)
  expect(example).toContain(`Default: ${String(config.processingWindowDays)}.`)
  expect(example).toContain(`Default: ${config.pageTitle}.`)
})
