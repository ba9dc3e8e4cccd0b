import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deriveFile, sanitizeFile } from '../../src/process/standalone.ts'
import { hostFfmpeg, isoBox, makeClip, makePhoto, mediaBench } from '../support/media.ts'

const bench = mediaBench('hostile')
const at = (name: string): string => join(bench.root, name)
let hits = 0
const listener = createServer((socket) => {
  hits++
  socket.destroy()
})
let port = 0

beforeAll(async () => {
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
  await makeClip(at('victim.mp4'))
  await hostFfmpeg('-i', at('victim.mp4'), '-c', 'copy', '-f', 'mpegts', at('victim.ts'))
})
afterAll(async () => {
  await new Promise((resolve) => listener.close(resolve))
  bench.remove()
})

async function refusal(name: string): Promise<string> {
  const out = at(`${name}.out`)
  try {
    await sanitizeFile(at(name), out, bench.tools)
  } catch (error) {
    expect(existsSync(out)).toBe(false)
    return (error as { code?: string }).code ?? String(error)
  }
  return 'accepted'
}

describe('files that reach for other files', () => {
  it.each([
    [
      'a playlist with an address',
      () => `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:${port}/x.ts\n#EXT-X-ENDLIST\n`,
    ],
    [
      'a playlist with a path',
      () => `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://${at('victim.ts')}\n#EXT-X-ENDLIST\n`,
    ],
    [
      'a playlist with a neighbour',
      () => '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nvictim.mp4\n#EXT-X-ENDLIST\n',
    ],
    ['a list of files', () => 'ffconcat version 1.0\nfile victim.mp4\n'],
    ['a DASH manifest', () => `<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1:${port}/</BaseURL></MPD>`],
    ['a session description', () => `v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video ${port} RTP/AVP 96\n`],
    [
      'a drawing with a link',
      () => `<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:${port}/"/></svg>`,
    ],
  ])('are refused: %s', async (what, text) => {
    const name = `${what.replaceAll(' ', '-')}.mp4`
    await writeFile(at(name), text())
    expect(await refusal(name)).toBe('container_not_accepted')
    expect(hits).toBe(0)
  })

  it.each(['mov', 'avi', 'matroska'] as const)(
    'are stopped by the argument list alone when a %s is asked of a playlist',
    async (demuxer) => {
      const name = 'layer.mp4'
      await writeFile(at(name), '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nvictim.ts\n#EXT-X-ENDLIST\n')
      const container = demuxer === 'mov' ? 'mp4' : demuxer
      await expect(bench.tools.probe(at(name), container)).rejects.toMatchObject({ code: 'media_damaged' })
    },
  )

  it('are refused: a movie whose media lies elsewhere', async () => {
    const data = await readFile(at('victim.mp4'))
    const where = data.indexOf('url ', 0, 'latin1')
    data[where + 7] = 0 // no longer self-contained
    await writeFile(at('elsewhere.mp4'), data)
    expect(await refusal('elsewhere.mp4')).toBe('external_reference')
  })
})

describe('files that want more than their share', () => {
  it('are quick or refused: two frames hours apart', async () => {
    await hostFfmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=1:duration=2', '-vf', 'setpts=N*39600/TB'],
      ...['-c:v', 'libx264', '-fps_mode', 'vfr', at('gap.mp4')],
    )
    const started = performance.now()
    const { media } = await deriveFile(at('gap.mp4'), at('gap'), bench.tools)
    expect(media.video?.frames).toBe(2)
    expect(media.durationMs).toBeGreaterThan(39_000_000)
    expect(performance.now() - started).toBeLessThan(20_000)

    await hostFfmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=1:duration=2', '-vf', 'setpts=N*72000/TB'],
      ...['-c:v', 'libx264', '-fps_mode', 'vfr', at('gap20.mp4')],
    )
    expect(await refusal('gap20.mp4')).toBe('media_too_big')
  })

  it('are refused: a picture of a hundred megapixels', async () => {
    await hostFfmpeg(
      '-f',
      'lavfi',
      '-i',
      'color=size=10000x10000:duration=1:rate=1',
      '-frames:v',
      '1',
      at('huge.png'),
    )
    expect(await refusal('huge.png')).toBe('media_too_big')
  })

  it('are refused: more tracks than a clip has', async () => {
    const inputs = Array.from({ length: 40 }, () => ['-f', 'lavfi', '-i', 'sine=duration=0.2']).flat()
    const maps = Array.from({ length: 40 }, (_, n) => ['-map', String(n)]).flat()
    await hostFfmpeg(...inputs, ...maps, '-c:a', 'aac', at('tracks.mp4'))
    expect(['media_too_big', 'media_damaged']).toContain(await refusal('tracks.mp4'))
  })

  it('are refused: an index that promises a thousand million samples', async () => {
    const clip = await readFile(at('victim.mp4'))
    const where = clip.indexOf('stsz', 0, 'latin1')
    clip.writeUInt32BE(1, where + 8) // one size for all
    clip.writeUInt32BE(1_000_000_000, where + 12)
    await writeFile(at('samples.mp4'), clip)
    const started = performance.now()
    expect(await refusal('samples.mp4')).not.toBe('accepted')
    expect(performance.now() - started).toBeLessThan(30_000)
  })

  it('are refused: boxes in boxes in boxes', async () => {
    let inner = isoBox('free', Buffer.alloc(0))
    for (let depth = 0; depth < 2000; depth++) inner = isoBox('trak', inner)
    await writeFile(
      at('nested.mp4'),
      Buffer.concat([isoBox('ftyp', Buffer.from('isom\0\0\0\0isom')), isoBox('moov', inner)]),
    )
    expect(await refusal('nested.mp4')).toBe('media_too_big')
  })
})

describe('files for decoders that nobody needs', () => {
  it.each([
    ['magicyuv', 'avi'],
    ['ffv1', 'matroska'],
    ['huffyuv', 'avi'],
    ['rawvideo', 'avi'],
    ['gif', 'matroska'],
    ['dvvideo', 'matroska'],
  ])('are refused by name: %s', async (codec, format) => {
    const size = codec === 'dvvideo' ? ['-s', '720x576', '-r', '25', '-pix_fmt', 'yuv420p'] : []
    const name = `${codec}.${format}`
    await hostFfmpeg(
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=64x64:rate=25:duration=0.2',
      '-c:v',
      codec,
      ...size,
      '-f',
      format,
      at(name),
    )
    expect(await refusal(name)).toBe('codec_not_accepted')
  })
})

describe('files that are torn, empty or two things at once', () => {
  it('are refused when empty', async () => {
    await writeFile(at('empty.mp4'), '')
    expect(await refusal('empty.mp4')).toBe('media_empty')
  })

  it('are refused when the index is missing', async () => {
    const clip = await readFile(at('victim.mp4'))
    await writeFile(at('torn.mp4'), clip.subarray(0, Math.floor(clip.length / 2)))
    expect(await refusal('torn.mp4')).toBe('media_damaged')
  })

  it('are saved as far as they go when the index came first, and said to be recovered', async () => {
    await hostFfmpeg(
      '-i',
      at('victim.mp4'),
      '-map',
      '0:v',
      '-map',
      '0:a',
      '-c',
      'copy',
      '-movflags',
      '+faststart',
      at('first.mp4'),
    )
    const clip = await readFile(at('first.mp4'))
    await writeFile(at('first-torn.mp4'), clip.subarray(0, Math.floor(clip.length * 0.6)))
    const told = await sanitizeFile(at('first-torn.mp4'), at('first-torn.out'), bench.tools)
    expect(told.recovered).toBe(true)
    expect(told.certificate.tier).toBe('A')
    // Its length and pictures were compared with nothing: the certificate must not say that they were.
    expect(told.certificate.proven).toContain('same_kind')
    expect(told.certificate.proven).not.toContain('same_clip')
    expect(told.mediaInfo.video?.frames).toBeGreaterThan(10)
  })

  it('are refused when an archive hangs at their end', async () => {
    await makePhoto(at('photo.jpg'))
    const photo = await readFile(at('photo.jpg'))
    await writeFile(
      at('zip.jpg'),
      Buffer.concat([photo, Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(18)]),
    )
    expect(await refusal('zip.jpg')).toBe('hidden_content')
  })

  it('are refused when they hold neither picture nor sound', async () => {
    await writeFile(at('subs.srt'), '1\n00:00:00,000 --> 00:00:01,000\nhello\n')
    await hostFfmpeg('-i', at('subs.srt'), '-c:s', 'mov_text', at('subs.mp4'))
    expect(await refusal('subs.mp4')).toBe('media_empty')
  })

  it('do not carry along what the index points to outside of the media', async () => {
    // What went wrong elsewhere: a damaged table made header bytes into samples, and copying kept them.
    const clip = await readFile(at('victim.mp4'))
    const where = clip.indexOf('stco', 0, 'latin1')
    clip.writeUInt32BE(4, where + 12)
    await writeFile(at('outside.mp4'), clip)
    const out = at('outside.out')
    await sanitizeFile(at('outside.mp4'), out, bench.tools).then(
      (told) => {
        expect(told.certificate.tier).toBe('A')
      },
      (error: unknown) => {
        expect(error).toMatchObject({ kind: 'unsupported' })
      },
    )
  })
})
