/** Timecode of masters and proxies: what an edit suite finds the frames of a cut list by. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { clipTimecode } from '../../src/domain/timecode.ts'
import { deriveFile, sanitizeFile } from '../../src/process/standalone.ts'
import { launchBrowser } from '../support/browser.ts'
import { hostFfmpeg, hostProbe, makeClip, mediaBench, packetDigests } from '../support/media.ts'

const bench = mediaBench('timecode')
const at = (name: string): string => join(bench.root, name)
afterAll(() => {
  bench.remove()
})

type Stream = { codec_type: string; codec_tag_string: string; tags?: { timecode?: string } }

/** What an independent reader says of each timecode track, and of the pictures that refer to it. */
async function timecodes(
  path: string,
): Promise<{ tracks: (string | undefined)[]; pictures?: string | undefined }> {
  const streams = (await hostProbe(path, '-show_streams'))['streams'] as Stream[]
  return {
    tracks: streams.filter((one) => one.codec_tag_string === 'tmcd').map((one) => one.tags?.timecode),
    pictures: streams.find((one) => one.codec_type === 'video')?.tags?.timecode,
  }
}

/** The content of the timecode track but for its length, and its sample. */
async function timecodeBytes(path: string): Promise<string> {
  const file = await readFile(path)
  const entry = file.indexOf('stsd', file.lastIndexOf('trak', undefined, 'latin1'), 'latin1')
  return Buffer.concat([file.subarray(entry, entry + 46), file.subarray(-4)]).toString('hex')
}

describe('the timecode of a clip', () => {
  it.each([
    ['24000/1001', '01:00:00:00'],
    ['25', '01:00:00:00'],
    ['30000/1001', '01:00:00;00'],
    ['60000/1001', '01:00:00;00'],
    ['120', '01:00:00:000'],
  ])(
    'starts at one o’clock in master and proxy, as in every export, at %s a second',
    async (rate, wanted) => {
      const name = `rate-${rate.replace('/', '-')}`
      // The source says seven minutes past six; no copy of it may.
      await makeClip(at(`${name}.mp4`), { rate, seconds: 1, size: '160x90' })
      const before = (await timecodes(at(`${name}.mp4`))).tracks[0] ?? ''
      expect(before).toMatch(/^06:07:08/)
      const { certificate } = await sanitizeFile(at(`${name}.mp4`), at(`${name}.master.mp4`), bench.tools, {
        timecode: true,
      })
      expect(certificate).toMatchObject({
        tier: 'B',
        proven: expect.arrayContaining(['timecode_constant']) as unknown,
      })
      const { files, media } = await deriveFile(at(`${name}.master.mp4`), at(name), bench.tools, {
        timecode: true,
      })
      const exported = clipTimecode(0, media.video?.frameRate ?? { num: 1, den: 1 })
      expect(exported).toBe(wanted)
      for (const path of [at(`${name}.master.mp4`), files.proxy ?? '']) {
        expect(await timecodes(path)).toEqual({ tracks: [wanted], pictures: wanted })
      }
      expect(await timecodeBytes(files.proxy ?? '')).toBe(await timecodeBytes(at(`${name}.master.mp4`)))
      expect(await packetDigests(at(`${name}.master.mp4`), 'v:0')).toEqual(
        await packetDigests(at(`${name}.mp4`), 'v:0'),
      )
    },
  )

  it('is the same for every clip of a rate, whatever its length, tier and source', async () => {
    await makeClip(at('short.mp4'), { seconds: 1, size: '160x90', rate: '25' })
    await makeClip(at('long.avi'), {
      ...{ seconds: 3, size: '320x180', rate: '25', sound: false },
      ...{ container: 'avi', codec: ['-c:v', 'mpeg4'] },
    })
    const made: string[] = []
    for (const name of ['short.mp4', 'long.avi']) {
      await sanitizeFile(at(name), at(`${name}.master`), bench.tools, { timecode: true })
      made.push(await timecodeBytes(at(`${name}.master`)))
    }
    expect(made[1]).toBe(made[0])
  })

  it('counts a clip of varying rate at its nominal one, the same in master, proxy and exports', async () => {
    await hostFfmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=30:duration=2'],
      ...['-vf', 'select=not(eq(mod(n\\,7)\\,3))', '-fps_mode', 'vfr', '-c:v', 'libx264', at('vary.mp4')],
    )
    await sanitizeFile(at('vary.mp4'), at('vary.master.mp4'), bench.tools, { timecode: true })
    const { files, media } = await deriveFile(at('vary.master.mp4'), at('vary'), bench.tools, {
      timecode: true,
    })
    expect(media.video).toMatchObject({ variableFrameRate: true, frameRate: { num: 30, den: 1 } })
    expect(await timecodeBytes(files.proxy ?? '')).toBe(await timecodeBytes(at('vary.master.mp4')))
    expect((await timecodes(files.proxy ?? '')).tracks).toEqual(['01:00:00:00'])
  })

  it('is not there in sound alone, nor at a rate that a timecode track cannot say', async () => {
    await hostFfmpeg('-f', 'lavfi', '-i', 'sine=duration=1', at('memo.wav'))
    await hostFfmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=480:duration=1', at('slow.mp4'))
    for (const name of ['memo.wav', 'slow.mp4']) {
      await sanitizeFile(at(name), at(`${name}.master`), bench.tools, { timecode: true })
      expect((await timecodes(at(`${name}.master`))).tracks).toEqual([])
    }
  })

  it('does not keep a browser from playing the proxy', async () => {
    await makeClip(at('play.mp4'), { seconds: 2 })
    const { files } = await deriveFile(at('play.mp4'), at('play'), bench.tools, { timecode: true })
    expect((await timecodes(files.proxy ?? '')).tracks).toHaveLength(1)
    const browser = await launchBrowser()
    try {
      const page = await browser.newPage()
      await page.goto(pathToFileURL(files.proxy ?? '').href)
      await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0.5)
      const facts = await page.evaluate(() => {
        const video = document.querySelector('video')
        return { width: video?.videoWidth, seconds: video?.duration, error: video?.error?.code }
      })
      expect(facts).toMatchObject({ width: 320 })
      expect(facts.error).toBeUndefined()
      expect(facts.seconds).toBeCloseTo(2, 1)
    } finally {
      await browser.close()
    }
  })
})
