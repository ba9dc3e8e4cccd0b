/**
 * The cleaner of the sanitize benchmark, a process of its own so that its memory can be told:
 * `sanitize-program.ts IN OUT SCRATCH` prints `{ seconds, verifyMs, rssMB }`.
 */
import { createMediaTools } from '../adapters/tools/media-tools.ts'
import { inspectMedia } from '../process/inspect/inspect.ts'
import { verifyClean } from '../process/sanitize/verify-clean.ts'
import { sanitizeFile } from '../process/standalone.ts'

/** What it prints. `rssMB` is the peak of the process itself, without the programs it starts. */
export type Cleaning = { readonly seconds: number; readonly verifyMs: number; readonly rssMB: number }

const [input = '', output = '', scratchRoot = ''] = process.argv.slice(2)
const tools = createMediaTools({ scratchRoot })

let began = performance.now()
await sanitizeFile(input, output, tools)
const seconds = (performance.now() - began) / 1000

const verifyMs = await tools.withScratch(async (folder) => {
  const sourceTags = await tools.tags(await tools.readable(input, folder))
  const masterPath = await tools.readable(output, folder)
  const made = await inspectMedia(masterPath, tools)
  if (made.kind !== 'video') throw new Error('the benchmark cleans video')
  const { width, height, rotation, hdr, frames } = made.video
  const common = { durationMs: made.durationMs, soundTracks: made.audio.length, exact: true }
  began = performance.now()
  await verifyClean({
    ...{ masterPath, sourceTags, tools },
    expected: { kind: 'video', ...common, width, height, rotation, hdr, rate: undefined, packets: frames },
  })
  return performance.now() - began
})
const cleaning: Cleaning = { seconds, verifyMs, rssMB: process.resourceUsage().maxRSS / 1000 }
process.stdout.write(JSON.stringify(cleaning))
