/** Everything that a clip is not, called NAME.mp4: refused with the right word, leaving nothing behind, reaching for nothing. */

import { readdirSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { brotliCompressSync, deflateRawSync, gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/domain/errors.ts'
import { sanitizeFile } from '../../src/process/standalone.ts'
import { hostFfmpeg, isoBox, makeClip, mediaBench } from '../support/media.ts'

const bench = mediaBench('wrong-types')
const folder = join(bench.root, 'files')
const at = (name: string): string => join(folder, name)
let hits = 0
let port = 0
const listener = createServer((socket) => {
  hits++
  socket.destroy()
})
const url = (name: string): string => `http://127.0.0.1:${port}/${name}`

beforeAll(async () => {
  await mkdir(folder)
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
  await makeClip(at('victim.mp4'), { seconds: 1, size: '64x48' })
  await hostFfmpeg('-i', at('victim.mp4'), '-map', '0:v', '-c', 'copy', '-f', 'mpegts', at('victim.ts'))
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25:duration=0.2', '-pix_fmt', 'yuv420p']
  // Real films, in containers that nobody films in.
  for (const [format, ...codec] of [
    ['mxf', '-c:v', 'mpeg2video'],
    ['nut', '-c:v', 'mpeg4'],
    ['yuv4mpegpipe'],
    ['ivf', '-c:v', 'libvpx'],
    ['swf', '-c:v', 'flv1'],
    ['rm', '-c:v', 'rv10', '-s', '128x96'],
    ['h264', '-c:v', 'libx264', '-bsf:v', 'h264_mp4toannexb'],
    ['ffmetadata'],
  ] as const) {
    await hostFfmpeg(...picture, ...codec, '-f', format, at(`made.${format}`))
  }
  await writeFile(at('made.srt'), '1\n00:00:00,000 --> 00:00:01,000\nhello\n')
  await hostFfmpeg('-i', at('made.srt'), '-c:s', 'srt', '-f', 'matroska', at('made.subtitles'))
  await sharp({ create: { width: 8, height: 8, channels: 3, background: '#123' } })
    .jpeg()
    .toFile(at('made.jpeg'))
})
afterAll(async () => {
  await new Promise((resolve) => listener.close(resolve))
  bench.remove()
})

type Content = () => string | Buffer | Promise<Buffer>
type Wrong = readonly [name: string, content: Content, code?: ErrorCode]

const hex = (digits: string, rest = 200): Buffer =>
  Buffer.concat([Buffer.from(digits.replaceAll(' ', ''), 'hex'), Buffer.alloc(rest)])
const made =
  (format: string): Content =>
  () =>
    readFile(at(`made.${format}`))
const hls = (...lines: string[]): string =>
  ['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:1', ...lines, '#EXT-X-ENDLIST', ''].join('\n')
const segment = (where: string): string => `#EXTINF:1,\n${where}`

/** A real archive of one packed file. */
function zip(name: string): Buffer {
  const packed = deflateRawSync(Buffer.from('content of the archive'))
  const fields = Buffer.alloc(26)
  fields.writeUInt16LE(20, 0)
  fields.writeUInt16LE(8, 4)
  fields.writeUInt32LE(packed.length, 14)
  fields.writeUInt32LE(22, 18)
  fields.writeUInt16LE(name.length, 22)
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), packed])
  const central = Buffer.concat([
    Buffer.from('PK\x01\x02\x14\0'),
    fields,
    Buffer.alloc(14),
    Buffer.from(name),
  ])
  const end = Buffer.alloc(18)
  end.writeUInt16LE(1, 4)
  end.writeUInt16LE(1, 6)
  end.writeUInt32LE(central.length, 8)
  end.writeUInt32LE(local.length, 12)
  return Buffer.concat([local, central, Buffer.from('PK\x05\x06'), end])
}

function tiff(tag: number, value: number): Buffer {
  const directory = Buffer.alloc(26)
  directory.write('II*\0', 0, 'latin1')
  directory.writeUInt32LE(8, 4)
  directory.writeUInt16LE(1, 8)
  directory.writeUInt16LE(tag, 10)
  directory.writeUInt16LE(3, 12)
  directory.writeUInt32LE(1, 14)
  directory.writeUInt32LE(value, 18)
  return directory
}

/** What would make a media program open something else: files beside it, files of the machine, addresses. */
const REACHING: readonly Wrong[] = [
  ['hls-address', () => hls(segment(url('x.ts')))],
  ['hls-neighbour', () => hls(segment('victim.ts'))],
  ['hls-neighbour-mp4', () => hls(segment('victim.mp4'))],
  ['hls-path', () => hls(segment(at('victim.ts')))],
  ['hls-file-address', () => hls(segment(`file://${at('victim.ts')}`))],
  ['hls-climbing', () => hls(segment('../files/victim.ts'))],
  ['hls-environment', () => hls(segment('file:///proc/self/environ'))],
  ['hls-key', () => hls(`#EXT-X-KEY:METHOD=AES-128,URI="${url('key')}"`, segment('victim.ts'))],
  ['hls-map', () => hls('#EXT-X-MAP:URI="victim.mp4"', segment('victim.mp4'))],
  ['hls-master', () => `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${url('list.m3u8')}\n`],
  ['hls-behind-a-mark', () => `\ufeff${hls(segment('victim.ts'))}`],
  ['hls-behind-blanks', () => `\r\n \t${hls(segment('victim.ts'))}`],
  ['hls-subfile', () => hls(segment(`subfile,,start,0,end,0,,:${at('victim.ts')}`))],
  ['hls-crypto', () => hls(segment(`crypto:${at('victim.ts')}`))],
  ['m3u', () => `#EXTM3U\n#EXTINF:1,title\n${url('x.mp3')}\n`],
  ['m3u-bare', () => `${url('x.mp3')}\n`],
  ['ffconcat-neighbour', () => 'ffconcat version 1.0\nfile victim.mp4\n'],
  ['ffconcat-path', () => `ffconcat version 1.0\nfile '${at('victim.mp4')}'\n`],
  ['ffconcat-address', () => `ffconcat version 1.0\nfile '${url('x.mp4')}'\n`],
  ['concat-bare', () => 'file victim.mp4\nfile victim.mp4\n'],
  ['concat-protocol', () => `concat:${at('victim.ts')}|${at('victim.ts')}\n`],
  ['dash', () => `<?xml version="1.0"?><MPD><Period><BaseURL>${url('')}</BaseURL></Period></MPD>`],
  ['dash-bare', () => `<MPD type="static"><BaseURL>${url('')}</BaseURL></MPD>`],
  [
    'smooth',
    () =>
      `<?xml version="1.0"?><SmoothStreamingMedia><StreamIndex Url="${url('q')}"/></SmoothStreamingMedia>`,
  ],
  ['sdp', () => `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video ${port} RTP/AVP 96\n`],
  ['rtsp', () => `RTSPtext\nrtsp://127.0.0.1:${port}/x\n`],
  ['smil', () => `<smil><body><video src="${url('x.mp4')}"/></body></smil>`],
  ['asx', () => `<ASX version="3.0"><Entry><Ref href="${url('x.wmv')}"/></Entry></ASX>`],
  ['asf-reference', () => `[Reference]\nRef1=${url('x.asf')}\n`],
  ['pls', () => `[playlist]\nFile1=${url('x.mp3')}\nNumberOfEntries=1\n`],
  [
    'xspf',
    () =>
      `<?xml version="1.0"?><playlist><trackList><track><location>${url('x')}</location></track></trackList></playlist>`,
  ],
  ['cue', () => 'FILE "victim.mp4" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n'],
  ['shortcut', () => `[InternetShortcut]\nURL=${url('')}\n`],
  ['svg', () => `<svg xmlns="http://www.w3.org/2000/svg"><image href="${url('x.png')}"/></svg>`],
  [
    'svg-xml',
    () => `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg>&e;</svg>`,
  ],
  ['html', () => `<html><body><video src="${url('x.mp4')}"></video></body></html>`],
  ['html-doctype', () => `<!DOCTYPE html>\n<script src="${url('x.js')}"></script>`],
  ['fcpxml', () => `<?xml version="1.0"?><fcpxml><asset src="file://${at('victim.mp4')}"/></fcpxml>`],
  ['imf', () => '<?xml version="1.0"?><CompositionPlaylist><Id>urn:uuid:0</Id></CompositionPlaylist>'],
  [
    'reference-movie',
    () => {
      const address = Buffer.from(`\0\0\0\0url \0\0\0\x20${url('x.mov')}\0`, 'latin1')
      return isoBox('moov', isoBox('rmra', isoBox('rmda', isoBox('rdrf', address))))
    },
    'external_reference',
  ],
]

/** Documents, archives, programs, pictures and films of other kinds. */
const OTHERS: readonly Wrong[] = [
  ['empty', () => '', 'media_empty'],
  ['zeros', () => Buffer.alloc(4096)],
  ['text', () => 'They are at the second door of the bakery cellar.\n'],
  ['json', () => '{"clip":"x"}'],
  ['csv', () => 'name,phone\nA,1\n'],
  ['mail', () => 'From: a@example.org\nTo: b@example.org\nSubject: x\n\nhello\n'],
  ['script', () => '#!/bin/sh\ntouch /tmp/owned\n'],
  ['pdf', () => '%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n'],
  ['postscript', () => '%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n'],
  ['rtf', () => '{\\rtf1\\ansi hello}'],
  ['djvu', () => Buffer.concat([Buffer.from('AT&TFORM\0\0\0\x20DJVUINFO', 'latin1'), Buffer.alloc(60)])],
  ['ole', () => hex('d0cf11e0 a1b11ae1')],
  ['zip', () => zip('a.txt')],
  ['docx', () => zip('word/document.xml')],
  ['epub', () => zip('mimetype')],
  ['jar', () => zip('META-INF/MANIFEST.MF')],
  ['gzip', () => gzipSync('hello')],
  ['brotli', () => brotliCompressSync('hello')],
  ['bzip2', () => hex('425a6839 314159265359')],
  ['xz', () => hex('fd377a585a00 0004')],
  ['zstd', () => hex('28b52ffd')],
  ['seven-zip', () => hex('377abcaf271c')],
  ['rar', () => hex('526172211a0701 00')],
  ['cab', () => hex('4d534346 00000000')],
  ['tar', () => Buffer.concat([Buffer.from('a.txt'.padEnd(257, '\0') + 'ustar\x0000'), Buffer.alloc(800)])],
  ['deb', () => '!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n'],
  ['elf', async () => (await readFile('/usr/bin/true')).subarray(0, 65_536)],
  ['exe', () => hex('4d5a9000 03000000')],
  ['mach-o', () => hex('cffaedfe 07000001')],
  ['class', () => hex('cafebabe 00000034')],
  ['wasm', () => hex('0061736d 01000000')],
  ['dex', () => hex('6465780a 30333500')],
  ['sqlite', () => Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(84)])],
  ['age', () => 'age-encryption.org/v1\n-> X25519 x\nx\n--- x\n'],
  ['pgp', () => '-----BEGIN PGP MESSAGE-----\n\nxxxx\n-----END PGP MESSAGE-----\n'],
  ['pcap', () => hex('d4c3b2a1 02000400')],
  ['font', () => hex('4f54544f 000a0080')],
  ['woff2', () => hex('774f4632 00010000')],
  ['torrent', () => 'd8:announce20:http://127.0.0.1/xxxe'],
  ['midi', () => hex('4d546864 00000006 0001 0001 0060')],
  ['cursor', () => Buffer.concat([Buffer.from('RIFF\x20\0\0\0ACON', 'latin1'), Buffer.alloc(40)])],
  ['bmp', () => hex('424d 9a000000 00000000 7a000000')],
  ['ico', () => hex('00000100 0100 1010')],
  ['psd', () => hex('38425053 0001')],
  ['exr', () => hex('762f3101 02000000')],
  ['jpeg-2000', () => hex('0000000c 6a502020 0d0a870a 00000014 66747970 6a703220')],
  ['jpeg-xl', () => hex('0000000c 4a584c20 0d0a870a')],
  ['dng', () => tiff(0xc612, 1), 'raw_not_accepted'],
  ['mosaic', () => tiff(0x0106, 32_803), 'raw_not_accepted'],
  ['cr2', () => Buffer.from('II*\0\x10\0\0\0CR\x02\0\0\0\0\0', 'latin1'), 'raw_not_accepted'],
  ['cr3', () => isoBox('ftyp', Buffer.from('crx \0\0\0\x01crx isom')), 'raw_not_accepted'],
  ['raf', () => Buffer.from('FUJIFILMCCD-RAW 0201'), 'raw_not_accepted'],
  ['subtitles', () => '1\n00:00:00,000 --> 00:00:01,000\nhello\n'],
  ['webvtt', () => 'WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n'],
  ['ssa', () => '[Script Info]\nScriptType: v4.00+\n'],
  ['subtitles-in-matroska', made('subtitles'), 'media_empty'],
  ['ffmetadata', made('ffmetadata')],
  ['mxf', made('mxf')],
  ['nut', made('nut')],
  ['y4m', made('yuv4mpegpipe')],
  ['ivf', made('ivf')],
  ['swf', made('swf')],
  ['swf-packed', () => hex('435753 0a 40000000')],
  ['realmedia', made('rm')],
  ['annex-b', made('h264')],
  ['half-an-mp4', async () => (await readFile(at('victim.mp4'))).subarray(0, 2000), 'media_damaged'],
  ['head-of-an-mp4', () => isoBox('ftyp', Buffer.from('isom\0\0\0\0isom')), 'media_damaged'],
  ['head-of-a-matroska', () => hex('1a45dfa3 a3 4286 81 01'), 'media_damaged'],
  ['head-of-a-wav', () => Buffer.from('RIFF\x24\0\0\0WAVE', 'latin1'), 'media_damaged'],
  [
    'clip-and-archive',
    async () => Buffer.concat([await readFile(at('victim.mp4')), zip('a')]),
    'hidden_content',
  ],
  [
    'photo-and-document',
    async () => Buffer.concat([await readFile(at('made.jpeg')), Buffer.from('%PDF-1.7')]),
    'hidden_content',
  ],
  [
    'photo-and-page',
    async () => Buffer.concat([await readFile(at('made.jpeg')), Buffer.from('<script >')]),
    'hidden_content',
  ],
  [
    'clip-and-playlist',
    async () => Buffer.concat([await readFile(at('victim.mp4')), Buffer.from(hls('x'))]),
    'hidden_content',
  ],
]

const named = (all: readonly Wrong[]) => all.map((wrong) => [wrong[0], wrong] as const)

async function refusedAs([name, content]: Wrong): Promise<string> {
  const input = at(`${name}.mp4`)
  await writeFile(input, await content())
  const before = readdirSync(folder).sort()
  const told = await sanitizeFile(input, at(`${name}.out`), bench.tools).then(
    () => 'accepted',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  )
  // Neither the output nor half of it, and no working copy.
  expect(readdirSync(folder).sort(), name).toEqual(before)
  expect(readdirSync(bench.tools.scratchRoot), name).toEqual([])
  return told
}

describe('wrong files with the name of a clip', () => {
  it('are of more than sixty kinds', () => {
    const names = [...REACHING, ...OTHERS].map(([name]) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThanOrEqual(60)
  })

  it.each(named(REACHING))('are refused and reach for nothing: %s', async (_name, wrong) => {
    expect(await refusedAs(wrong)).toBe(wrong[2] ?? 'container_not_accepted')
    expect(hits).toBe(0)
  })

  it.each(named(OTHERS))('are refused: %s', async (_name, wrong) => {
    expect(await refusedAs(wrong)).toBe(wrong[2] ?? 'container_not_accepted')
    expect(hits).toBe(0)
  })
})
