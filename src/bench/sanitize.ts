/** Cleaning: our master with its proof, beside a plain copy of the file and beside ffmpeg doing the same without proof. */
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { median, rounded, type Benchmark } from './benchmark.ts'
import { FFMPEG, makeFootage } from './footage.ts'
import { measured } from './measured.ts'
import { beside, runProgram, runSystem } from './processes.ts'
import type { Cleaning } from './sanitize-program.ts'

const LOOP_SECONDS = 10
/** A loop of ten seconds is 21 MB: a quarter of a gigabyte, and a gigabyte. */
const SIZES = { quick: { pairs: 3, times: 12 }, full: { pairs: 3, times: 48 } } as const

/** A silent file against `cp`, one with sound against ffmpeg, pair by pair; medians. */
export const sanitizeBench: Benchmark = {
  name: 'sanitize',
  summary: 'cleaning and proving 1080p H.264, beside cp with sync and beside plain ffmpeg',
  run: async (options) => {
    const { pairs, times } = options.full ? SIZES.full : SIZES.quick
    const footage = { seconds: LOOP_SECONDS, times }
    const silent = await makeFootage(options.folder, 'silent', { ...footage, sound: false })
    const spoken = await makeFootage(options.folder, 'spoken', { ...footage, sound: true })
    // As root, the programs run as another user, and a private file would be copied first.
    for (const path of [silent, spoken]) await chmod(path, 0o644)
    const work = join(options.folder, 'work')
    await mkdir(work)
    const clean = async (input: string): Promise<Cleaning> =>
      (await runProgram(beside('sanitize-program.ts'), [
        ...[input, join(work, 'clean.mp4'), join(options.folder, 'scratch')],
      ])) as Cleaning

    const rounds: { vsCopy: number; vsSame: number; verifyMs: number; rssMB: number }[] = []
    for (let pair = 0; pair < pairs; pair++) {
      const copied = await measured(async () => {
        await runSystem('/usr/bin/cp', [silent, join(work, 'copy.mp4')])
        await runSystem('/usr/bin/sync', ['-d', join(work, 'copy.mp4')])
      })
      const ours = await clean(silent)
      const plain = await measured(() =>
        runSystem(FFMPEG, [
          ...['-nostdin', '-v', 'error', '-y', '-i', spoken, '-map', '0:v', '-map', '0:a', '-c:v', 'copy'],
          ...['-bsf:v', 'filter_units=remove_types=6', '-c:a', 'aac', '-b:a', '192k', '-map_metadata', '-1'],
          ...['-fflags', '+bitexact', join(work, 'plain.mp4')],
        ]),
      )
      const oursSpoken = await clean(spoken)
      options.note(
        `silent: ours ${ours.seconds.toFixed(1)} s, cp ${copied.seconds.toFixed(1)} s; ` +
          `with sound: ours ${oursSpoken.seconds.toFixed(1)} s, ffmpeg ${plain.seconds.toFixed(1)} s`,
      )
      rounds.push({
        vsCopy: ours.seconds / copied.seconds,
        vsSame: oursSpoken.seconds / plain.seconds,
        verifyMs: oursSpoken.verifyMs,
        rssMB: Math.max(ours.rssMB, oursSpoken.rssMB),
      })
    }
    const middle = (of: (round: (typeof rounds)[number]) => number): number => rounded(median(rounds.map(of)))
    return {
      videoVsCopy: middle((round) => round.vsCopy),
      vsSame: middle((round) => round.vsSame),
      verifyMs: middle((round) => round.verifyMs),
      rssMB: middle((round) => round.rssMB),
    }
  },
}
