import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import type { WaveformFile } from '../../src/process/derive/waveform.ts'
import { deriveFile } from '../../src/process/standalone.ts'
import { hostFfmpeg, hostProbe, makeClip, makePhoto, mediaBench, secretsIn } from '../support/media.ts'

const bench = mediaBench('derive')
const at = (name: string): string => join(bench.root, name)
afterAll(() => {
  bench.remove()
})

describe('what editors look at', () => {
  it('is made of a clip: a proxy with a key frame a second, a poster, a filmstrip and a waveform', async () => {
    await makeClip(at('clip.mp4'), { seconds: 4, size: '1920x1080', rate: '30000/1001' })
    const { media, files, filmstrip } = await deriveFile(at('clip.mp4'), at('clip'), bench.tools)
    expect(media).toMatchObject({
      ...{ kind: 'video', container: 'mp4', audio: { codec: 'aac', sampleRate: 48_000 } },
      video: {
        codec: 'h264',
        width: 1280,
        height: 720,
        frameRate: { num: 30000, den: 1001 },
        variableFrameRate: false,
        frames: 120,
        hdr: false,
      },
    })

    const proxy = await readFile(files.proxy ?? '')
    expect(proxy.indexOf('moov')).toBeLessThan(proxy.indexOf('mdat'))
    const keys = (
      await hostProbe(
        files.proxy ?? '',
        '-select_streams',
        'v',
        '-skip_frame',
        'nokey',
        '-show_entries',
        'frame=pts_time',
      )
    )['frames'] as { pts_time: string }[]
    const stamps = keys.map((one) => Number(one.pts_time))
    for (let n = 1; n < stamps.length; n++) expect((stamps[n] ?? 0) - (stamps[n - 1] ?? 0)).toBeLessThan(1.05)
    expect(stamps.length).toBeGreaterThanOrEqual(4)

    const poster = await sharp(files.poster).metadata()
    expect([poster.width, poster.height]).toEqual([640, 360])
    const strip = await sharp(files.filmstrip).metadata()
    expect(filmstrip).toMatchObject({ tileWidth: 160, tileHeight: 90, columns: 4, rows: 1, count: 4 })
    expect([strip.width, strip.height]).toEqual([640, 90])

    const waveform = JSON.parse(await readFile(files.waveform ?? '', 'utf8')) as WaveformFile
    expect(waveform).toMatchObject({ version: 1, windowMs: 20, channels: 1 })
    expect(Math.abs(waveform.windows - 200)).toBeLessThan(4)
    const peaks = Buffer.from(waveform.peaks, 'base64')
    expect(peaks.length).toBe(waveform.windows * 2)
    expect(Math.max(...peaks.subarray(0, 200).map((byte) => (byte > 127 ? 0 : byte)))).toBeGreaterThan(10)

    for (const path of Object.values(files)) expect(secretsIn(await readFile(path))).toEqual([])
  })

  it('is the same, byte for byte, made twice', async () => {
    await makeClip(at('twice.mp4'), { seconds: 2 })
    const first = await deriveFile(at('twice.mp4'), at('twice-1'), bench.tools)
    const second = await deriveFile(at('twice.mp4'), at('twice-2'), bench.tools)
    for (const kind of ['proxy', 'poster', 'filmstrip', 'waveform'] as const) {
      expect(
        (await readFile(second.files[kind] ?? '')).equals(await readFile(first.files[kind] ?? '')),
        kind,
      ).toBe(true)
    }
  })

  it('stands upright, with every frame of a clip whose rate varies', async () => {
    await hostFfmpeg(
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=320x180:rate=30:duration=3',
        '-vf',
        'select=not(eq(mod(n\\,7)\\,3))',
      ],
      ...['-fps_mode', 'vfr', '-c:v', 'libx264', '-preset', 'ultrafast', at('vary-flat.mp4')],
    )
    await hostFfmpeg('-i', at('vary-flat.mp4'), '-c', 'copy', '-metadata:s:v:0', 'rotate=90', at('vary.mp4'))
    const { media, files } = await deriveFile(at('vary.mp4'), at('vary'), bench.tools)
    expect(media.video).toMatchObject({
      width: 180,
      height: 320,
      rotation: 0,
      variableFrameRate: true,
      frames: 77,
    })
    expect(files.waveform).toBeUndefined()
    const poster = await sharp(files.poster).metadata()
    expect([poster.width, poster.height]).toEqual([180, 320])
  })

  it('shows high dynamic range on an ordinary screen', async () => {
    await hostFfmpeg(
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=640x360:rate=25:duration=0.4',
        '-pix_fmt',
        'yuv420p10le',
        '-c:v',
        'libx265',
      ],
      ...[
        '-preset',
        'ultrafast',
        '-x265-params',
        'log-level=error:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc',
        '-tag:v',
        'hvc1',
        at('hlg.mp4'),
      ],
    )
    const { media, files } = await deriveFile(at('hlg.mp4'), at('hlg'), bench.tools)
    expect(media.video).toMatchObject({
      hdr: false,
      colorTransfer: 'bt709',
      pixelFormat: 'yuv420p',
      frames: 10,
    })
    const { channels } = await sharp(files.poster).stats()
    expect(channels[0]?.mean).toBeGreaterThan(20)
  })

  it('is made of a photo', async () => {
    await makePhoto(at('photo.jpg'), { orientation: 6 })
    const { media, files } = await deriveFile(at('photo.jpg'), at('photo'), bench.tools)
    expect(media.kind).toBe('still')
    expect(media.video).toMatchObject({ width: 200, height: 320 })
    expect(Object.keys(files).sort()).toEqual(['poster', 'proxy'])
    for (const path of Object.values(files)) expect(secretsIn(await readFile(path))).toEqual([])
  })

  it('is made of a recording', async () => {
    await hostFfmpeg('-f', 'lavfi', '-i', 'sine=frequency=500:duration=2', at('memo.wav'))
    const { media, files } = await deriveFile(at('memo.wav'), at('memo'), bench.tools)
    expect(media).toMatchObject({ kind: 'audio', audio: { codec: 'aac', channels: 1 } })
    expect(Object.keys(files).sort()).toEqual(['proxy', 'waveform'])
  })
})
