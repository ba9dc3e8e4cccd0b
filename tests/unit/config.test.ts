import { describe, expect, test } from 'vitest'
import { loadConfig, parseSize } from '../../src/config/config.ts'
import { readEnvironment, type Environment } from '../../src/config/env.ts'
import { AppError } from '../../src/domain/errors.ts'

/** The variable that a refused configuration names. */
function refusedFor(environment: Environment, unknown: readonly string[] = []): string {
  try {
    loadConfig(environment, unknown)
  } catch (error) {
    if (error instanceof AppError && error.code === 'config_invalid') {
      expect(String(error.details['problem'])).not.toBe('')
      return String(error.details['variable'])
    }
    throw error
  }
  return 'nothing'
}

describe('without any setting', () => {
  const config = loadConfig({})

  test('both fronts listen on this machine only, and therefore in the clear', () => {
    expect(config.intake).toMatchObject({ host: '127.0.0.1', transport: { kind: 'plain' } })
    expect(config.desk).toMatchObject({ host: '127.0.0.1', transport: { kind: 'plain' } })
    expect(config.intake.port).not.toBe(config.desk.port)
  })

  test('data lies below the code, in a folder with an absolute path', () => {
    expect(config.storageRoot).toBe(`${config.projectRoot}/storage`)
  })

  test("the contributors' page has a title that says nothing", () => {
    expect(config.pageTitle.toLowerCase()).not.toContain('footbridge')
  })
})

describe('doubt stops the start and names the variable', () => {
  test.each<[string, Environment, string]>([
    [
      'a listening address without a port',
      { FOOTBRIDGE_INTAKE_LISTEN: '0.0.0.0' },
      'FOOTBRIDGE_INTAKE_LISTEN',
    ],
    ['a port that does not exist', { FOOTBRIDGE_DESK_LISTEN: '127.0.0.1:70000' }, 'FOOTBRIDGE_DESK_LISTEN'],
    [
      'two fronts on one port',
      { FOOTBRIDGE_INTAKE_LISTEN: '127.0.0.1:5000', FOOTBRIDGE_DESK_LISTEN: '127.0.0.1:5000' },
      'FOOTBRIDGE_DESK_LISTEN',
    ],
    [
      'two fronts on one host name, whose cookies would meet',
      { FOOTBRIDGE_INTAKE_URL: 'https://x.example', FOOTBRIDGE_DESK_URL: 'https://x.example:8443' },
      'FOOTBRIDGE_DESK_URL',
    ],
    [
      'plain HTTP on a public address',
      { FOOTBRIDGE_INTAKE_LISTEN: '0.0.0.0:80', FOOTBRIDGE_INTAKE_URL: 'http://intake.example' },
      'FOOTBRIDGE_INTAKE_URL',
    ],
    [
      'plain HTTP under a public name, even when a loopback address listens',
      { FOOTBRIDGE_DESK_URL: 'http://desk.example' },
      'FOOTBRIDGE_DESK_URL',
    ],
    [
      'a plain onion that listens for the whole network',
      { FOOTBRIDGE_INTAKE_LISTEN: '0.0.0.0:80', FOOTBRIDGE_INTAKE_URL: 'http://abcdefgh.onion' },
      'FOOTBRIDGE_INTAKE_URL',
    ],
    ['an address with a path', { FOOTBRIDGE_DESK_URL: 'https://desk.example/desk' }, 'FOOTBRIDGE_DESK_URL'],
    ['an address of another kind', { FOOTBRIDGE_DESK_URL: 'ftp://desk.example' }, 'FOOTBRIDGE_DESK_URL'],
    ['a certificate without its key', { FOOTBRIDGE_TLS_CERT: '/x.pem' }, 'FOOTBRIDGE_TLS_KEY'],
    ['a key without its certificate', { FOOTBRIDGE_TLS_KEY: '/x.pem' }, 'FOOTBRIDGE_TLS_CERT'],
    ['a size that is none', { FOOTBRIDGE_MAX_UPLOAD: 'lots' }, 'FOOTBRIDGE_MAX_UPLOAD'],
    ['a size too small for any clip', { FOOTBRIDGE_MAX_UPLOAD: '10kB' }, 'FOOTBRIDGE_MAX_UPLOAD'],
    [
      'a window longer than we promise',
      { FOOTBRIDGE_PROCESSING_WINDOW: '3' },
      'FOOTBRIDGE_PROCESSING_WINDOW',
    ],
    ['a window that is not whole', { FOOTBRIDGE_PROCESSING_WINDOW: '1.5' }, 'FOOTBRIDGE_PROCESSING_WINDOW'],
    ['a title that names the product', { FOOTBRIDGE_PAGE_TITLE: 'My FootBridge' }, 'FOOTBRIDGE_PAGE_TITLE'],
    ['a log level that would quote headers', { FOOTBRIDGE_LOG_LEVEL: 'debug' }, 'FOOTBRIDGE_LOG_LEVEL'],
  ])('%s', (_what, environment, variable) => {
    expect(refusedFor(environment)).toBe(variable)
  })

  test('a variable that looks like ours and is not, because a misspelt setting is a setting that is missing', () => {
    const { environment, unknown } = readEnvironment({ FOOTBRIDGE_STORGE: '/data', PATH: '/bin' })
    expect(refusedFor(environment, unknown)).toBe('FOOTBRIDGE_STORGE')
  })
})

describe('how a front speaks', () => {
  test.each<[string, Environment, string]>([
    ['off loopback it encrypts by itself', { FOOTBRIDGE_INTAKE_LISTEN: '0.0.0.0:443' }, 'self_signed'],
    [
      "with the operator's certificate where there is one",
      {
        FOOTBRIDGE_INTAKE_LISTEN: '0.0.0.0:443',
        FOOTBRIDGE_TLS_CERT: '/etc/x.crt',
        FOOTBRIDGE_TLS_KEY: '/etc/x.key',
      },
      'certificate',
    ],
    ['an onion reaches loopback in the clear', { FOOTBRIDGE_INTAKE_URL: 'http://abcdefgh.onion' }, 'plain'],
    [
      'a public https address is never answered in the clear',
      { FOOTBRIDGE_INTAKE_URL: 'https://x.example' },
      'self_signed',
    ],
    ['a bracketed IPv6 loopback is loopback', { FOOTBRIDGE_INTAKE_LISTEN: '[::1]:4800' }, 'plain'],
  ])('%s', (_what, environment, kind) => {
    expect(loadConfig(environment).intake.transport.kind).toBe(kind)
  })
})

test('an empty value is no value', () => {
  const { environment } = readEnvironment({ FOOTBRIDGE_STORAGE: '', FOOTBRIDGE_LOG_LEVEL: 'warn' })
  expect(environment).toEqual({ FOOTBRIDGE_LOG_LEVEL: 'warn' })
})

test('only our own variables are handed on', () => {
  const { environment, unknown } = readEnvironment({ HOME: '/root', FOOTBRIDGE_RESERVE: '1GiB' })
  expect(environment).toEqual({ FOOTBRIDGE_RESERVE: '1GiB' })
  expect(unknown).toEqual([])
})

test.each<[string, number | undefined]>([
  ['1000000', 1_000_000],
  ['500MB', 500_000_000],
  ['20GiB', 20 * 1024 ** 3],
  ['1 TiB', 1024 ** 4],
  ['0B', 0],
  ['-1', undefined],
  ['1.5GB', undefined],
  ['5gb', undefined],
  ['', undefined],
  ['99999999999TiB', undefined],
])('the size %j is read as %j bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes)
})
