/**
 * Sandboxes that outlived a killed worker. bubblewrap asks to die with its parent only some milliseconds after its
 * fork; a worker that is killed in that moment leaves a process that waits for ever with the input still mounted.
 */
import { readdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

/**
 * Ends every bubblewrap that was given something below `scratchRoot`, and returns how many. For the start of the one
 * worker that uses this folder, before it starts any of its own.
 */
export async function endStrays(scratchRoot: string): Promise<number> {
  const below = `${resolve(scratchRoot)}/`
  let ended = 0
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const [program = '', ...args] = await argumentsOf(name)
    if (!program.endsWith('/bwrap') || !args.some((argument) => argument.startsWith(below))) continue
    try {
      process.kill(Number(name), 'SIGKILL')
      ended++
    } catch {
      // Gone in between, or another user's: not ours to end.
    }
  }
  return ended
}

async function argumentsOf(pid: string): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
  } catch {
    return []
  }
}
