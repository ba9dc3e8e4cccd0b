/**
 * A worker as a process of its own, to be killed: `node worker-process.ts STORAGE PLACE LEASE_MS`. Where PLACE is the
 * name of a checkpoint the process ends itself there by SIGKILL, as abruptly as a power cut; `-` never does.
 */
import { createLogger } from '../../src/adapters/logger.ts'
import { startWorkerApp } from '../../src/worker-app.ts'
import { openWorkerStorage } from './worker-storage.ts'

const [root = '', place = '-', leaseMs = '1500'] = process.argv.slice(2)
const storage = await openWorkerStorage(root)
const worker = await startWorkerApp({
  ...storage,
  clock: { now: () => Date.now() },
  logger: createLogger('worker'),
  sandboxProven: true,
  leaseMs: Number(leaseMs),
  pollMs: 50,
  checkpoint: (reached) => {
    if (reached === place) process.kill(process.pid, 'SIGKILL')
  },
})
process.once('SIGTERM', () => {
  void worker
    .stop()
    .then(() => storage.close())
    .then(() => process.exit(0))
})
process.stdout.write('ready\n')
