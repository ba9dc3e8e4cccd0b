/** Off plain loopback both fronts speak TLS: a self-signed pair whose fingerprint is printed, and nothing in the clear. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../src/bench/processes.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let folder: string
let port: number
let failed = true

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footbridge-tls-'))
  port = await freePort()
  const deskPort = await freePort()
  server = await startServer({
    FOOTBRIDGE_INTAKE_LISTEN: `127.0.0.1:${port}`,
    FOOTBRIDGE_INTAKE_URL: `https://localhost:${port}`,
    FOOTBRIDGE_DESK_LISTEN: `127.0.0.1:${deskPort}`,
    FOOTBRIDGE_DESK_URL: `https://127.0.0.1:${deskPort}`,
  })
})
afterAll(async () => {
  await server.dispose(failed)
  await rm(folder, { recursive: true, force: true })
})

type Report = Record<'intake' | 'desk', { url: string; fingerprint: string }>

function peer(): Promise<{ fingerprint256: string; names: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false },
      () => {
        const certificate = socket.getPeerX509Certificate()
        resolve({
          fingerprint256: certificate?.fingerprint256 ?? '',
          names: `${String(certificate?.subject)} ${String(certificate?.issuer)} ${String(certificate?.subjectAltName)}`,
        })
        socket.destroy()
      },
    )
    socket.once('error', reject)
  })
}

describe('a front that is not plain loopback', () => {
  it('shows the certificate whose fingerprint was printed, and that names the host alone', async () => {
    const report = JSON.parse(/\{\n[\s\S]*?\n\}/.exec(server.said())?.[0] ?? '{}') as Report
    const seen = await peer()
    expect(seen.fingerprint256).toBe(report.intake.fingerprint)
    expect(report.desk.fingerprint).not.toBe(report.intake.fingerprint)
    expect(seen.names).toContain('localhost')
    expect(seen.names).not.toMatch(/footbridge/i)
    // The same pair after a restart: people have compared it once.
    await server.stop()
    await server.start()
    expect((await peer()).fingerprint256).toBe(seen.fingerprint256)
  })

  it('answers nothing to plain HTTP', async () => {
    const answer = new Promise<unknown>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/' }, resolve).once('error', reject).end()
    })
    await expect(answer).rejects.toThrow()
  })

  it('takes an upload from a client that was told the fingerprint, and none from one that was told another', async () => {
    await server.cli('vault', 'create', '--out', join(folder, 'vault-key'))
    const { code } = JSON.parse((await server.cli('invite', '--role', 'contributor', '--json')).stdout) as {
      code: string
    }
    const file = join(folder, 'note.txt')
    await writeFile(file, 'no clip, but it is sealed like one')
    const { fingerprint256 } = await peer()
    const wrong = await server.cli(
      'send',
      file,
      '--code',
      code,
      '--fingerprint',
      fingerprint256.replace(/^../, 'ZZ'),
    )
    expect(wrong.status).not.toBe(0)
    expect(wrong.stderr).toContain('server_not_trusted')
    const right = await server.cli('send', file, '--code', code, '--fingerprint', fingerprint256)
    expect([right.status, right.stdout]).toEqual([0, expect.stringContaining('sealed')])
    failed = false
  })
})
