/**
 * Footage to measure with: made here, so that every machine measures the same.
 *
 * A moving test picture under fresh noise, at the data rate of a phone; its 720p proxy comes to 2.5 Mbit/s, as that
 * of clips from real phones does. It carries what a phone writes, so that there is something to remove.
 */
import { join } from 'node:path'
import { runSystem } from './processes.ts'

export const FFMPEG = '/usr/bin/ffmpeg'

export type Footage = {
  readonly seconds: number
  readonly sound: boolean
  /** Repeats the picture without encoding it again, for large files made quickly. */
  readonly times?: number
}

const PHONE_BITS_PER_SECOND = 17_000_000

/** Makes an MP4 of 1920 × 1080 at 30 frames a second below `folder` and returns its path. */
export async function makeFootage(folder: string, name: string, footage: Footage): Promise<string> {
  const path = join(folder, `${name}.mp4`)
  const { seconds, sound, times = 1 } = footage
  const one = times === 1 ? path : join(folder, `${name}-once.mp4`)
  await runSystem(FFMPEG, [
    ...[
      '-nostdin',
      '-v',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=1920x1080:rate=30,noise=alls=10:allf=t',
    ],
    ...(sound ? ['-f', 'lavfi', '-i', 'anoisesrc=sample_rate=48000:amplitude=0.2'] : []),
    ...['-t', String(seconds), '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '30'],
    ...['-b:v', String(PHONE_BITS_PER_SECOND), '-maxrate', String(PHONE_BITS_PER_SECOND)],
    ...['-bufsize', String(PHONE_BITS_PER_SECOND), ...(sound ? ['-c:a', 'aac', '-b:a', '128k'] : [])],
    ...['-movflags', 'use_metadata_tags', '-metadata', 'location=+12.3456+098.7654/'],
    ...['-metadata', 'com.apple.quicktime.model=Bench Phone', one],
  ])
  if (times > 1) {
    const loop = ['-stream_loop', String(times - 1), '-i', one, '-c', 'copy', '-map', '0', path]
    await runSystem(FFMPEG, ['-nostdin', '-v', 'error', '-y', ...loop])
  }
  return path
}
