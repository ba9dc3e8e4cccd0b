import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import { walkStill } from '../../src/process/sanitize/verify/still-walk.ts'
import { sanitizeFile } from '../../src/process/standalone.ts'
import {
  hostExiftool,
  hostFfmpeg,
  hostProbe,
  makeClip,
  makePhoto,
  makePng,
  mediaBench,
  packetDigests,
  plantBoxes,
  SECRETS,
  secretsIn,
  type ClipOptions,
} from '../support/media.ts'

const bench = mediaBench('sanitize')
afterAll(() => {
  bench.remove()
})

async function clean(name: string) {
  const input = join(bench.root, name)
  const output = join(bench.root, `${name}.clean`)
  const told = await sanitizeFile(input, output, bench.tools)
  return { input, output, told, before: await readFile(input), after: await readFile(output) }
}

type Stream = {
  codec_type: string
  codec_name: string
  width?: number
  tags?: object
  side_data_list?: { rotation?: number }[]
}
const streamsOf = async (path: string): Promise<Stream[]> =>
  (await hostProbe(path, '-show_streams'))['streams'] as Stream[]

const CLIPS: [string, ClipOptions, 'A' | 'B', (keyof typeof SECRETS)[]][] = [
  ['phone.mp4', {}, 'B', ['location', 'make', 'model', 'title', 'artist', 'handler', 'sei', 'date']],
  [
    'phone.mov',
    { container: 'mov', turned: 90 },
    'B',
    ['location', 'make', 'model', 'title', 'handler', 'sei'],
  ],
  [
    'index-first.mp4',
    { extra: ['-movflags', '+use_metadata_tags+faststart'] },
    'B',
    ['location', 'model', 'sei'],
  ],
  [
    'pieces.mp4',
    { extra: ['-movflags', '+use_metadata_tags+frag_keyframe+empty_moov'] },
    'B',
    ['location', 'model', 'sei'],
  ],
  ['clip.mkv', { container: 'matroska' }, 'B', ['location', 'make', 'title', 'artist', 'sei']],
  ['camera.ts', { container: 'mpegts' }, 'B', ['sei', 'title']],
  ['old.avi', { container: 'avi', codec: ['-c:v', 'mpeg4', '-vtag', 'xvid'] }, 'A', ['title', 'artist']],
  [
    'motion.mov',
    { container: 'mov', codec: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'] },
    'A',
    ['location', 'title'],
  ],
  [
    'web.webm',
    {
      container: 'webm',
      codec: ['-c:v', 'libvpx', '-b:v', '200k', '-cpu-used', '8', '-deadline', 'realtime'],
    },
    'A',
    ['location', 'title'],
  ],
  [
    'deep.mp4',
    {
      codec: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', '-tag:v', 'hvc1'],
    },
    'B',
    ['location', 'title'],
  ],
]

describe('cleaning a clip with a secret in every place', () => {
  it.each(CLIPS)('leaves nothing of it in %s', async (name, options, tier, planted) => {
    await makeClip(join(bench.root, name), options)
    if (name === 'phone.mp4') await plantBoxes(join(bench.root, name))
    const { before, after, told, output } = await clean(name)

    // The test itself is only worth something while the source holds what it looks for.
    expect(secretsIn(before)).toEqual(expect.arrayContaining(planted))
    expect(secretsIn(after)).toEqual([])
    expect(told.certificate.tier).toBe(tier)
    expect(told.recovered).toBe(false)
    for (const mark of ['Lavf', 'Lavc', 'x264', 'x265', 'Lavc58', 'VideoHandler'])
      expect(after.includes(mark)).toBe(false)

    const streams = await streamsOf(output)
    expect(streams.map((one) => one.codec_type)).toEqual(['video', 'audio'])
    const tags = await hostExiftool('-a', '-G1', '-s', '-ee', '-u', '-time:all', output)
    expect(
      tags
        .split('\n')
        .filter(
          (line) => line.includes('Date') && !line.includes('[System]') && !line.includes('0000:00:00'),
        ),
    ).toEqual([])
  })

  it('keeps every picture bit for bit where it copies', async () => {
    const input = join(bench.root, 'exact.mp4')
    await makeClip(input, { seconds: 3 })
    const { output } = await clean('exact.mp4')
    expect(await packetDigests(output, 'v:0')).toEqual(await packetDigests(input, 'v:0'))
  })

  it('says what it took away, by class and number', async () => {
    const input = join(bench.root, 'told.mp4')
    await makeClip(input)
    await plantBoxes(input)
    const { told } = await clean('told.mp4')
    const { removed, proven } = told.certificate
    for (const kind of [
      'location',
      'device',
      'dates',
      'names',
      'data_track',
      'user_data_box',
      'unknown_box',
      'bitstream_user_data',
    ]) {
      expect(removed[kind] ?? 0, kind).toBeGreaterThan(0)
    }
    expect(proven).toEqual(
      expect.arrayContaining([
        'tags_allow_listed',
        'no_source_value',
        'no_bitstream_user_data',
        'times_zero',
        'same_clip',
      ]),
    )
    expect(secretsIn(Buffer.from(JSON.stringify(told)))).toEqual([])
  })

  it('claims less where embedded tags were too many to read', async () => {
    const input = join(bench.root, 'bomb.mp4')
    await makeClip(input)
    const file = await readFile(input)
    // The timecode track, now said to be one of positions with a hundred million samples of four bytes each.
    const handler = file.indexOf(`hdlr${'\0'.repeat(8)}tmcd`, 0, 'latin1')
    file.write('meta', handler + 12, 'latin1')
    const sizes = file.indexOf('stsz', handler, 'latin1')
    expect(file.readUInt32BE(sizes + 8)).toBe(4)
    file.writeUInt32BE(100_000_000, sizes + 12)
    await writeFile(input, file)
    const { told, before, after } = await clean('bomb.mp4')
    expect(secretsIn(before)).toContain('location')
    expect(secretsIn(after)).toEqual([])
    expect(told.certificate.proven).toContain('no_source_value_of_outer_tags')
    expect(told.certificate.proven).not.toContain('no_source_value')
  })

  it.each([90, 180, 270] as const)('shows a clip turned by %d degrees as its phone did', async (turned) => {
    const name = `turned-${turned}.mp4`
    await makeClip(join(bench.root, name), { turned, seconds: 1 })
    const { output, input, told } = await clean(name)
    const rotation = async (path: string) =>
      (await streamsOf(path)).find((one) => one.codec_type === 'video')?.side_data_list?.[0]?.rotation
    const before = await rotation(input)
    expect(Math.abs(before ?? 0)).toBe(turned === 180 ? 180 : 90)
    expect(await rotation(output)).toBe(before)
    const sideways = turned !== 180
    // ffprobe counts anticlockwise, we count clockwise.
    const clockwise = (360 - (before ?? 0)) % 360
    expect(told.mediaInfo.video).toMatchObject({
      width: sideways ? 180 : 320,
      height: sideways ? 320 : 180,
      rotation: clockwise,
    })
  })

  it('gives the same bytes for the same clip, encoded or copied', async () => {
    await makeClip(join(bench.root, 'twice.mp4'))
    await makeClip(join(bench.root, 'twice.avi'), { container: 'avi', codec: ['-c:v', 'mpeg4'] })
    for (const name of ['twice.mp4', 'twice.avi']) {
      const first = await clean(name)
      const second = await clean(name)
      expect(second.after.equals(first.after)).toBe(true)
    }
  })

  it('drops the cover of a recording, its tags and its encoder, and keeps its length', async () => {
    const cover = join(bench.root, 'cover.jpg')
    await makePhoto(cover)
    const input = join(bench.root, 'memo.mp3')
    await hostFfmpeg(
      ...[
        '-f',
        'lavfi',
        '-i',
        'sine=frequency=330:duration=3',
        '-i',
        cover,
        '-map',
        '0',
        '-map',
        '1',
        '-c:v',
        'copy',
      ],
      ...[
        '-metadata',
        `title=${SECRETS.title}`,
        '-metadata',
        `artist=${SECRETS.artist}`,
        '-id3v2_version',
        '3',
        input,
      ],
    )
    const { before, after, told, output } = await clean('memo.mp3')
    expect(secretsIn(before)).toEqual(expect.arrayContaining(['model', 'artist']))
    expect(secretsIn(after)).toEqual([])
    expect(told).toMatchObject({ extension: 'm4a', contentType: 'audio/mp4' })
    expect(told.certificate.removed['thumbnail']).toBe(1)
    expect(Math.abs(told.mediaInfo.durationMs - 3000)).toBeLessThan(120)
    expect((await streamsOf(output)).map((one) => one.codec_name)).toEqual(['aac'])
  })

  it('keeps both microphones of a clip with two sound tracks', async () => {
    const input = join(bench.root, 'two.mov')
    await hostFfmpeg(
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=160x90:rate=25:duration=1',
        '-f',
        'lavfi',
        '-i',
        'sine=300:duration=1',
      ],
      ...[
        '-f',
        'lavfi',
        '-i',
        'sine=600:duration=1',
        '-map',
        '0',
        '-map',
        '1',
        '-map',
        '2',
        '-c:v',
        'libx264',
        '-c:a',
        'aac',
        input,
      ],
    )
    const { output } = await clean('two.mov')
    expect((await streamsOf(output)).map((one) => one.codec_type)).toEqual(['video', 'audio', 'audio'])
  })

  it('does not count a film with an edit list short, and does not show what it hides', async () => {
    const whole = join(bench.root, 'whole.mp4')
    await makeClip(whole, { seconds: 3, sound: false })
    await hostFfmpeg('-ss', '0.7', '-i', whole, '-c', 'copy', join(bench.root, 'cut.mp4'))
    const { told } = await clean('cut.mp4')
    expect(told.certificate.tier).toBe('A')
    expect(Math.abs(told.mediaInfo.durationMs - 2300)).toBeLessThan(80)
  })
})

describe('cleaning a picture', () => {
  it.each([1, 3, 6, 8])(
    'leaves pixels only, upright, of a photo with orientation %d',
    async (orientation) => {
      const name = `photo-${orientation}.jpg`
      await makePhoto(join(bench.root, name), { orientation })
      const { before, after, told, output } = await clean(name)
      expect(secretsIn(before)).toEqual(
        expect.arrayContaining(['make', 'model', 'artist', 'title', 'trailer', 'exifSerial']),
      )
      expect(secretsIn(after)).toEqual([])
      expect(after.includes('Exif')).toBe(false)
      const sideways = orientation >= 5
      expect(told.mediaInfo.video).toMatchObject({
        width: sideways ? 200 : 320,
        height: sideways ? 320 : 200,
      })
      expect(told.certificate.removed['location']).toBeGreaterThan(0)
      expect(await hostExiftool('-s', '-Orientation', '-GPS:all', '-EXIF:all', '-XMP:all', output)).toBe('')
    },
  )

  it('leaves pixels only of a PNG', async () => {
    await makePng(join(bench.root, 'text.png'))
    const { before, after, told } = await clean('text.png')
    expect(secretsIn(before)).toEqual(expect.arrayContaining(['title', 'artist', 'trailer']))
    expect(secretsIn(after)).toEqual([])
    expect(told.extension).toBe('png')
  })

  it('keeps a WebP animation moving, and nothing in its unused background', async () => {
    await hostFfmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=5:duration=2', '-loop', '3'],
      join(bench.root, 'plain.webp'),
    )
    const source = await readFile(join(bench.root, 'plain.webp'))
    const background = source.indexOf('ANIM', 0, 'latin1') + 8
    source.write('NOTE', background, 'latin1')
    await writeFile(join(bench.root, 'moving.webp'), source)
    const { output } = await clean('moving.webp')
    const after = await readFile(output)
    expect(after.includes('NOTE')).toBe(false)
    expect((await sharp(output, { animated: true }).metadata()).pages).toBe(10)
    // The gate itself: what a writer might have let through is found.
    after.write('NOTE', after.indexOf('ANIM', 0, 'latin1') + 8, 'latin1')
    expect(() => walkStill('webp', after)).toThrow(expect.objectContaining({ code: 'not_proven_clean' }))
  })

  it('keeps an animation moving', async () => {
    await hostFfmpeg(
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=64x48:rate=5:duration=2',
      join(bench.root, 'moving.gif'),
    )
    const { output } = await clean('moving.gif')
    const frames = (await hostProbe(output, '-count_frames', '-show_streams'))['streams'] as {
      nb_read_frames: string
    }[]
    expect(Number(frames[0]?.nb_read_frames)).toBe(10)
  })

  it('says so when the end of a photo was missing', async () => {
    const noise = { type: 'gaussian', mean: 120, sigma: 40 } as const
    const whole = await sharp({ create: { width: 400, height: 300, channels: 3, background: '#000', noise } })
      .jpeg()
      .toBuffer()
    await writeFile(join(bench.root, 'torn.jpg'), whole.subarray(0, Math.floor(whole.length * 0.7)))
    const { told } = await clean('torn.jpg')
    expect(told.recovered).toBe(true)
    expect(told.certificate.proven).toContain('same_size')
    expect(told.certificate.proven).not.toContain('same_clip')
  })
})
