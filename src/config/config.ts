/**
 * Strings → one typed description of this installation that can't be half right.
 *
 * Doubt stops the start: every refusal is `config_invalid` and names the variable. Defaults carry their reason.
 */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '../domain/errors.ts'
import type { Environment, Variable } from './env.ts'

/** How a front speaks: plain HTTP is for loopback and onion addresses only. */
export type Transport =
  | { readonly kind: 'plain' }
  | { readonly kind: 'self_signed' }
  | { readonly kind: 'certificate'; readonly certPath: string; readonly keyPath: string }

export type FrontConfig = {
  readonly host: string
  readonly port: number
  /** What people type, without a trailing slash. */
  readonly publicUrl: string
  readonly transport: Transport
}

export type Config = {
  /** Absolute path of the checkout: where `dist`, `scripts` and `node_modules` are. */
  readonly projectRoot: string
  /** Absolute path of the folder that holds all data. */
  readonly storageRoot: string
  readonly intake: FrontConfig
  readonly desk: FrontConfig
  readonly maxUploadBytes: number
  /** Free space below which no new upload is let in. */
  readonly reserveBytes: number
  /** Whole days after *published* or *refused* for which the worker may still open the original. */
  readonly processingWindowDays: number
  /** Title of the contributors' page; says nothing about its purpose. */
  readonly pageTitle: string
  readonly logLevel: 'info' | 'warn' | 'error'
}

const GIB = 1024 ** 3

/** Builds the configuration. Errors: `config_invalid` with `details.variable` and `details.problem`. */
export function loadConfig(environment: Environment, unknown: readonly string[] = []): Config {
  const stranger = unknown[0]
  if (stranger !== undefined) throw refuse(stranger, 'there is no such variable')
  const projectRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
  const certPath = environment.FOOTBRIDGE_TLS_CERT
  const keyPath = environment.FOOTBRIDGE_TLS_KEY
  if (certPath !== undefined && keyPath === undefined)
    throw refuse('FOOTBRIDGE_TLS_KEY', 'is needed with FOOTBRIDGE_TLS_CERT')
  if (keyPath !== undefined && certPath === undefined)
    throw refuse('FOOTBRIDGE_TLS_CERT', 'is needed with FOOTBRIDGE_TLS_KEY')
  const certificate =
    certPath !== undefined && keyPath !== undefined
      ? { certPath: resolve(certPath), keyPath: resolve(keyPath) }
      : undefined

  const intake = front(
    environment,
    'FOOTBRIDGE_INTAKE_LISTEN',
    'FOOTBRIDGE_INTAKE_URL',
    '127.0.0.1:4800',
    'localhost',
    certificate,
  )
  const desk = front(
    environment,
    'FOOTBRIDGE_DESK_LISTEN',
    'FOOTBRIDGE_DESK_URL',
    '127.0.0.1:4801',
    '127.0.0.1',
    certificate,
  )
  if (intake.port === desk.port) {
    throw refuse(
      'FOOTBRIDGE_DESK_LISTEN',
      'has the port of FOOTBRIDGE_INTAKE_LISTEN; the fronts need one each',
    )
  }
  if (new URL(intake.publicUrl).hostname === new URL(desk.publicUrl).hostname) {
    throw refuse(
      'FOOTBRIDGE_DESK_URL',
      'has the host name of FOOTBRIDGE_INTAKE_URL; cookies of the two must not meet',
    )
  }
  return {
    projectRoot,
    storageRoot: resolve(environment.FOOTBRIDGE_STORAGE ?? `${projectRoot}/storage`),
    intake,
    desk,
    // An hour of 4K at 60 Mbit/s is 27 GB.
    maxUploadBytes: size(environment, 'FOOTBRIDGE_MAX_UPLOAD', 64 * GIB, 1_000_000),
    // Room to finish the clip in work, and for databases and logs, when uploads have filled the rest.
    reserveBytes: size(environment, 'FOOTBRIDGE_RESERVE', 2 * GIB, 0),
    // Looking at a refused clip again takes the vault key after that; two whole days more are 72 h, the promise's limit.
    processingWindowDays: whole(environment, 'FOOTBRIDGE_PROCESSING_WINDOW', 1, 0, 2),
    pageTitle: title(environment),
    logLevel: level(environment),
  }
}

function front(
  environment: Environment,
  listenName: Variable,
  urlName: Variable,
  fallback: string,
  /** The two local fronts go by different names: cookies do not tell ports apart. */
  localName: string,
  certificate: { certPath: string; keyPath: string } | undefined,
): FrontConfig {
  const listen = environment[listenName] ?? fallback
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(listen)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port < 1 || port > 65_535) throw refuse(listenName, 'must be HOST:PORT')
  const loopback = isLocalName(host === '::1' ? '[::1]' : host)
  const given = url(environment, urlName)
  if (given?.protocol === 'http:') {
    const reachesOutside = !loopback || !(isLocalName(given.hostname) || given.hostname.endsWith('.onion'))
    if (reachesOutside) throw refuse(urlName, 'is plain HTTP, which is for loopback and onion addresses only')
  }
  const plain = given === undefined ? loopback && certificate === undefined : given.protocol === 'http:'
  const transport: Transport = plain
    ? { kind: 'plain' }
    : certificate === undefined
      ? { kind: 'self_signed' }
      : { kind: 'certificate', ...certificate }
  const name = loopback ? localName : host.includes(':') ? `[${host}]` : host
  return {
    host,
    port,
    publicUrl: given?.origin ?? `${plain ? 'http' : 'https'}://${name}:${String(port)}`,
    transport,
  }
}

function isLocalName(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname)
}

function url(environment: Environment, name: Variable): URL | undefined {
  const text = environment[name]
  if (text === undefined) return undefined
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (
    parsed === undefined ||
    !/^https?:$/.test(parsed.protocol) ||
    parsed.pathname !== '/' ||
    parsed.search !== ''
  ) {
    throw refuse(name, 'must be https://HOST or http://HOST.onion, without a path')
  }
  return parsed
}

function size(environment: Environment, name: Variable, fallback: number, least: number): number {
  const text = environment[name]
  if (text === undefined) return fallback
  const bytes = parseSize(text)
  if (bytes === undefined || bytes < least) throw refuse(name, 'must be a size such as 500MB or 20GiB')
  return bytes
}

/** Reads `20GiB`, `500MB` or `1000000`; undefined when it is no such thing. Whole bytes. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,15})\s*(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)?$/.exec(text.trim())
  if (match === null) return undefined
  const units: Readonly<Record<string, number>> = {
    B: 1,
    kB: 1e3,
    MB: 1e6,
    GB: 1e9,
    TB: 1e12,
    KiB: 1024,
    MiB: 1024 ** 2,
    GiB: GIB,
    TiB: 1024 ** 4,
  }
  const bytes = Number(match[1]) * (units[match[2] ?? 'B'] ?? 1)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

function whole(
  environment: Environment,
  name: Variable,
  fallback: number,
  least: number,
  most: number,
): number {
  const text = environment[name]
  if (text === undefined) return fallback
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most))
    throw refuse(name, `must be a whole number from ${String(least)} to ${String(most)}`)
  return value
}

function title(environment: Environment): string {
  const text = environment.FOOTBRIDGE_PAGE_TITLE ?? 'Welcome'
  if (text.length > 40 || /footbridge/i.test(text)) {
    throw refuse(
      'FOOTBRIDGE_PAGE_TITLE',
      'must be short and must not name the product: it stays in the history of phones',
    )
  }
  return text
}

function level(environment: Environment): Config['logLevel'] {
  const text = environment.FOOTBRIDGE_LOG_LEVEL ?? 'info'
  // There is no debug level: libraries' debug output quotes headers and names.
  if (text !== 'info' && text !== 'warn' && text !== 'error')
    throw refuse('FOOTBRIDGE_LOG_LEVEL', 'must be info, warn or error')
  return text
}

function refuse(variable: string, problem: string): AppError {
  return new AppError('config_invalid', { details: { variable, problem } })
}
