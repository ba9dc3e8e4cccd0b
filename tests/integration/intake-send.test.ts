import { spawn } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendFiles, type SendProgress } from '../../src/cli/send.ts'
import { MIB, startIntake, type Sender, type TestIntake } from '../support/intake.ts'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
let intake: TestIntake
let sender: Sender
beforeAll(async () => {
  intake = await startIntake()
  sender = await intake.addSender()
})
afterAll(() => intake.close())

const file = async (name: string, bytes: Uint8Array): Promise<string> => {
  const path = join(intake.folder, name)
  await writeFile(path, bytes)
  return path
}

describe('footbridge send', () => {
  it('comes through two restarts of the server and says of each file what became of it', async () => {
    const files = [
      await file('one.bin', randomBytes(40 * MIB + 3)),
      await file('empty.bin', new Uint8Array(0)),
      await file('small.bin', randomBytes(17)),
    ]
    let restarts = 0
    let restarting: Promise<void> = Promise.resolve()
    const onProgress = ({ file: index, state, sentBytes }: SendProgress): void => {
      if (index !== 0 || state !== 'sending' || restarts >= 2 || sentBytes < (restarts + 1) * 12 * MIB) return
      restarts++
      restarting = intake.restart()
    }
    const outcomes = await sendFiles({
      files,
      code: sender.code,
      baseUrl: intake.url,
      onProgress,
      sealWaitMs: 0,
    })
    await restarting
    expect(restarts).toBe(2)
    expect(outcomes.map(({ result, code }) => [result, code])).toEqual([
      ['arrived', undefined],
      ['failed', 'upload_empty'],
      ['arrived', undefined],
    ])
    const rows = await intake.db
      .selectFrom('uploads')
      .select(['state', 'length_bytes', 'phone_matched'])
      .execute()
    expect(rows.map((row) => [row.state, row.length_bytes, row.phone_matched]).sort()).toEqual([
      ['complete', 17, 1],
      ['complete', 40 * MIB + 3, 1],
    ])
  })

  it('goes on with what an earlier run had begun, and not with another file of the same size', async () => {
    const bytes = randomBytes(24 * MIB)
    const path = await file('two.bin', bytes)
    const stop = new AbortController()
    const started = sendFiles({
      files: [path],
      code: sender.code,
      baseUrl: intake.url,
      signal: stop.signal,
      onProgress: ({ sentBytes }) => {
        if (sentBytes >= 8 * MIB) stop.abort()
      },
    })
    await expect(started).rejects.toThrow()
    const begun = await intake.db
      .selectFrom('uploads')
      .selectAll()
      .where('state', '=', 'receiving')
      .executeTakeFirstOrThrow()
    expect(begun.offset_bytes).toBeGreaterThan(0)

    const other = await file('other.bin', randomBytes(24 * MIB))
    const [of] = await sendFiles({ files: [other], code: sender.code, baseUrl: intake.url, sealWaitMs: 0 })
    expect(of?.result).toBe('arrived')
    expect(of?.uploadId).not.toBe(begun.id)

    const states = new Set<string>()
    const [outcome] = await sendFiles({
      files: [path],
      code: sender.code,
      baseUrl: intake.url,
      sealWaitMs: 0,
      onProgress: ({ state }) => states.add(state),
    })
    expect(outcome).toMatchObject({ result: 'arrived', uploadId: begun.id })
    expect(states).toContain('comparing')
  })

  it('takes the code from standard input, where nobody else on the machine sees it', async () => {
    const who = await intake.addSender()
    const path = await file('by-stdin.bin', randomBytes(1_000))
    const child = spawn(process.execPath, [CLI, 'send', path, '--code', '-', '--url', intake.url], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    try {
      // Left open, as a terminal would be.
      child.stdin.write(`${who.code}\n`)
      const states = async (): Promise<string[]> => {
        const rows = await intake.db
          .selectFrom('uploads')
          .select('state')
          .where('contributor_id', '=', who.id)
          .execute()
        return rows.map((row) => row.state)
      }
      await expect.poll(states, { timeout: 20_000 }).toEqual(['complete'])
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('trusts a self-signed server by its fingerprint, and no other', async () => {
    const pair = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' })
    const server = createServer({ cert: pair.cert, key: pair.private }, intake.intake.app)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const baseUrl = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`
    const files = [await file('tls.bin', randomBytes(3 * MIB))]
    const caFingerprint = new X509Certificate(pair.cert).fingerprint256
    const send = (more: { caFingerprint?: string }) =>
      sendFiles({ files, code: sender.code, baseUrl, sealWaitMs: 0, ...more })
    await expect(send({})).rejects.toMatchObject({ code: 'server_not_trusted' })
    await expect(send({ caFingerprint: 'ab'.repeat(32) })).rejects.toMatchObject({
      code: 'server_not_trusted',
    })
    expect(await send({ caFingerprint })).toMatchObject([{ result: 'arrived' }])
    expect(await send({ caFingerprint: caFingerprint.replaceAll(':', '').toLowerCase() })).toMatchObject([
      { result: 'arrived' },
    ])
    server.closeAllConnections()
    server.close()
  })

  it('reports a file that shrinks under its hands, and a wrong code', async () => {
    const path = await file('shrinks.bin', randomBytes(30 * MIB))
    let cut: Promise<void> = Promise.resolve()
    const [outcome] = await sendFiles({
      files: [path],
      code: sender.code,
      baseUrl: intake.url,
      sealWaitMs: 0,
      onProgress: ({ sentBytes }) => {
        if (sentBytes > 0 && sentBytes < MIB) cut = truncate(path, 2 * MIB)
      },
    })
    await cut
    expect(outcome).toMatchObject({ result: 'failed', code: 'file_unreadable' })
    await expect(sendFiles({ files: [path], code: '11111', baseUrl: intake.url })).rejects.toMatchObject({
      code: 'wrong_credentials',
    })
  })
})
