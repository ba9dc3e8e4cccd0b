/** Two seconds of picture and sound with a secret in them, made once for a whole test file. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** Stands where a phone writes the place; must be found nowhere afterwards. */
export const PLANTED_PLACE = '+33.5138+036.2765/'
/** Stands where a phone writes its model. */
export const PLANTED_MODEL = 'SecretPhone 12'

/** Makes a small MP4 as a phone would, with `seconds` of picture and sound. */
export function smallClip(seconds = 2): Buffer {
  const folder = mkdtempSync(`${tmpdir()}/small-clip-`)
  try {
    execFileSync('/usr/bin/ffmpeg', [
      ...['-v', 'error', '-nostdin', '-f', 'lavfi', '-i', `testsrc2=s=320x180:r=30:d=${seconds}`],
      ...['-f', 'lavfi', '-i', `sine=f=440:d=${seconds}`, '-c:v', 'libx264', '-preset', 'ultrafast'],
      ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-movflags', 'use_metadata_tags'],
      ...[
        '-metadata',
        `location=${PLANTED_PLACE}`,
        '-metadata',
        `com.apple.quicktime.model=${PLANTED_MODEL}`,
      ],
      `${folder}/clip.mp4`,
    ])
    return readFileSync(`${folder}/clip.mp4`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
