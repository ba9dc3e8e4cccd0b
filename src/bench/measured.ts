/** What a piece of work costs, with every program it starts. */
import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { readProcess } from './processes.ts'

export type Measured = {
  /** By the clock on the wall. */
  readonly seconds: number
  /** Of this process and of all programs below it. */
  readonly cpuSeconds: number
}

/** A program's last tenth of a second may go uncounted; a sandbox hides its children's time from us in any other way. */
const LOOK_EVERY_MS = 50

/** Does `work` alone in this process, and says what it took. */
export async function measured(work: () => Promise<unknown>): Promise<Measured> {
  const watching = new AbortController()
  const below = watchBelow(String(process.pid), watching.signal)
  const before = process.cpuUsage()
  const began = performance.now()
  try {
    await work()
  } finally {
    watching.abort()
  }
  const seconds = (performance.now() - began) / 1000
  const own = process.cpuUsage(before)
  return { seconds, cpuSeconds: (own.user + own.system) / 1e6 + (await below) }
}

/** Adds up the processor time of everything below `root` until told to stop: the most that was seen of each process. */
async function watchBelow(root: string, signal: AbortSignal): Promise<number> {
  const most = new Map<string, number>()
  while (!signal.aborted) {
    const now = await readAll()
    for (const [pid, found] of now) {
      if (pid !== root && isBelow(pid, root, now))
        most.set(pid, Math.max(most.get(pid) ?? 0, found.user + found.system))
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
  return [...most.values()].reduce((sum, one) => sum + one, 0)
}

type Processes = ReadonlyMap<string, Awaited<ReturnType<typeof readProcess>>>

async function readAll(): Promise<Processes> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    // One that has ended since it was listed is no longer of interest.
    pids.map(async (pid) =>
      readProcess(pid).then(
        (facts) => [[pid, facts]] as const,
        () => [],
      ),
    ),
  )
  return new Map(found.flat())
}

function isBelow(pid: string, root: string, all: Processes): boolean {
  for (let at = all.get(pid)?.parent; at !== undefined && at !== '0'; at = all.get(at)?.parent) {
    if (at === root) return true
  }
  return false
}
