/** A role's process, alone: which signals end it, and how. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { prepareInstallation } from '../../src/context.ts'
import { freePort } from '../../src/bench/processes.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footbridge-role-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('a role leaves Ctrl-C and a closed terminal to its supervisor, and ends in order when that says so', async () => {
  await prepareInstallation(loadConfig({ FOOTBRIDGE_STORAGE: folder }), undefined, false)
  const role = spawn(process.execPath, [MAIN, '--role', 'desk'], {
    env: { FOOTBRIDGE_STORAGE: folder, FOOTBRIDGE_DESK_LISTEN: `127.0.0.1:${String(await freePort())}` },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const gone = once(role, 'exit')
  try {
    expect((await once(role, 'message'))[0]).toMatchObject({ role: 'desk' })
    for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) role.kill(signal)
    expect(await gone).toEqual([0, null])
  } finally {
    role.kill('SIGKILL')
  }
})
