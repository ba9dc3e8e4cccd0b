/** Server certificates: the operator's, or a self-signed pair made once, whose fingerprint people can compare. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { AppError } from '../domain/errors.ts'
import { writePrivately } from './key-files.ts'

export type TlsMaterial = {
  readonly cert: string
  readonly key: string
  /** SHA-256, pairs of upper-case hex with colons, as browsers show it. */
  readonly fingerprint: string
}

const YEARS = 2

/** Reads the operator's PEM files. Errors: `config_invalid` when they are missing or don't parse. */
export async function readCertificate(certPath: string, keyPath: string): Promise<TlsMaterial> {
  try {
    const [cert, key] = await Promise.all([readFile(certPath, 'utf8'), readFile(keyPath, 'utf8')])
    return { cert, key, fingerprint: fingerprintOf(cert) }
  } catch (cause) {
    throw new AppError('config_invalid', {
      cause,
      details: {
        variable: 'FOOTBRIDGE_TLS_CERT',
        problem: 'the files can not be read as certificate and key',
      },
    })
  }
}

/**
 * Returns the self-signed pair `name` kept in `folder`, making it when it is missing or about to end.
 *
 * The certificate names `host` and nothing else: no product, no organisation, no machine.
 */
export async function selfSignedCertificate(
  folder: string,
  name: string,
  host: string,
): Promise<TlsMaterial> {
  const certPath = join(folder, `${name}.crt`)
  const keyPath = join(folder, `${name}.key`)
  const kept = await readPair(certPath, keyPath)
  if (kept !== undefined && isGood(kept.cert, host)) return kept
  const notAfterDate = new Date()
  notAfterDate.setUTCFullYear(notAfterDate.getUTCFullYear() + YEARS)
  const isAddress = /^[0-9.]+$|:/.test(host)
  const pair = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames: [isAddress ? { type: 7, ip: host } : { type: 2, value: host }] },
    ],
  })
  await writePrivately(keyPath, pair.private)
  await writePrivately(certPath, pair.cert)
  return { cert: pair.cert, key: pair.private, fingerprint: fingerprintOf(pair.cert) }
}

async function readPair(certPath: string, keyPath: string): Promise<TlsMaterial | undefined> {
  try {
    const [cert, key] = await Promise.all([readFile(certPath, 'utf8'), readFile(keyPath, 'utf8')])
    return { cert, key, fingerprint: fingerprintOf(cert) }
  } catch {
    return undefined
  }
}

function isGood(cert: string, host: string): boolean {
  const parsed = new X509Certificate(cert)
  const monthMs = 30 * 86_400_000
  const names = /^[0-9.]+$|:/.test(host) ? parsed.checkIP(host) : parsed.checkHost(host)
  return names !== undefined && new Date(parsed.validTo).getTime() > Date.now() + monthMs
}

function fingerprintOf(cert: string): string {
  return new X509Certificate(cert).fingerprint256
}
