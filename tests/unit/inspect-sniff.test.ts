import { describe, expect, it } from 'vitest'
import { AppError } from '../../src/domain/errors.ts'
import { sniff } from '../../src/process/inspect/sniff.ts'

function codeOf(data: Buffer): string {
  try {
    const found = sniff(data.subarray(0, 65536), data.subarray(-65536), data.length)
    return found.family === 'still' ? found.format : found.container
  } catch (error) {
    return error instanceof AppError ? error.code : 'bug'
  }
}

const pad = (start: Buffer | string): Buffer =>
  Buffer.concat([typeof start === 'string' ? Buffer.from(start, 'latin1') : start, Buffer.alloc(4096, 0x11)])
const hex = (text: string): Buffer => pad(Buffer.from(text, 'hex'))

const WRONG: Record<string, Buffer> = {
  'HLS playlist': pad('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'),
  'HLS with byte order mark': pad('\xef\xbb\xbf#EXTM3U\n'),
  'HLS with leading space': pad('\n\n #EXTM3U\n'),
  ffconcat: pad('ffconcat version 1.0\nfile victim.mp4\n'),
  XML: pad('<?xml version="1.0"?><a/>'),
  'DASH manifest': pad('<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">'),
  SVG: pad('<svg xmlns="http://www.w3.org/2000/svg">'),
  SMIL: pad('<smil>'),
  ASX: pad('<asx version="3.0">'),
  PLS: pad('[playlist]\nFile1=http://x\n'),
  SDP: pad('v=0\no=- 0 0 IN IP4 127.0.0.1\n'),
  HTML: pad('<!DOCTYPE html><html>'),
  'HTML without type': pad('<html><body>'),
  PDF: pad('%PDF-1.7\n'),
  PostScript: pad('%!PS-Adobe-3.0\n'),
  ZIP: pad('PK\x03\x04'),
  RAR: pad('Rar!\x1a\x07\x00'),
  '7z': hex('377abcaf271c'),
  gzip: hex('1f8b0800'),
  xz: hex('fd377a585a00'),
  bzip2: pad('BZh91AY&SY'),
  zstd: hex('28b52ffd'),
  tar: pad('ustar'),
  ELF: hex('7f454c46'),
  'Windows program': pad('MZ'),
  'Mach-O': hex('feedfacf'),
  'Java class': hex('cafebabe00000034'),
  WebAssembly: hex('0061736d01000000'),
  'shell script': pad('#!/bin/sh\necho'),
  'Python script': pad('#!/usr/bin/env python3\n'),
  PHP: pad('<?php echo 1;'),
  JSON: pad('{"a":1}'),
  text: pad('just some words'),
  'UTF-16 text': hex('fffe68006500'),
  RTF: pad('{\\rtf1'),
  'Word 97': hex('d0cf11e0a1b11ae1'),
  SQLite: pad('SQLite format 3\0'),
  DjVu: pad('AT&TFORM\0\0\0\0DJVM'),
  'Flash, plain': pad('FWS\x09'),
  'Flash, packed': pad('CWS\x09'),
  'Flash, LZMA': pad('ZWS\x0d'),
  'Real Media': pad('.RMF\0\0'),
  MIDI: pad('MThd\0\0\0\x06'),
  BMP: pad('BM\x36\x00\x00\x00'),
  ICO: hex('00000100'),
  PSD: pad('8BPS\0\x01'),
  XCF: pad('gimp xcf v011'),
  'JPEG 2000': pad('\0\0\0\x0cjP  \r\n\x87\n'),
  'JPEG XL stream': hex('ff0a00'),
  'JPEG XL boxes': pad('\0\0\0\x0cJXL \r\n\x87\n'),
  OpenEXR: hex('762f3101'),
  Radiance: pad('#?RADIANCE\n'),
  DDS: pad('DDS |\0\0\0'),
  FITS: pad('SIMPLE  =                    T'),
  NUT: pad('nut/multimedia container\0'),
  MXF: hex('060e2b34020501010d0102'),
  Matlab: pad('MATLAB 5.0'),
  TTF: hex('0001000000'),
  WOFF2: pad('wOF2'),
  'age file': pad('age-encryption.org/v1\n'),
  'PGP message': pad('-----BEGIN PGP MESSAGE-----'),
  zeros: Buffer.alloc(4096),
  'RIFF of palette': pad('RIFF\x10\0\0\0PAL data'),
  CUE: pad('FILE "x.wav" WAVE\n'),
}

describe('recognising a file by its content', () => {
  it.each(Object.entries(WRONG))('refuses %s whatever its name says', (_name, data) => {
    expect(codeOf(data)).toBe('container_not_accepted')
  })

  it('has more than sixty wrong kinds to try', () => {
    expect(Object.keys(WRONG).length).toBeGreaterThanOrEqual(60)
  })

  it.each([
    ['ISO media', '\0\0\0\x18ftypmp42\0\0\0\0isommp42', 'mp4'],
    ['old QuickTime', '\0\0\0\x08wide\0\0\0\0mdat', 'mp4'],
    ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'heic'],
    ['AVIF', '\0\0\0\x18ftypavif\0\0\0\0mif1avif', 'avif'],
    ['Matroska', '\x1a\x45\xdf\xa3', 'matroska'],
    ['AVI', 'RIFF\0\0\0\0AVI LIST', 'avi'],
    ['WAV', 'RIFF\0\0\0\0WAVEfmt ', 'wav'],
    ['WebP', 'RIFF\0\0\0\0WEBPVP8 ', 'webp'],
    ['AMR', '#!AMR\n', 'amr'],
    ['Ogg', 'OggS\0', 'ogg'],
    ['FLAC', 'fLaC\0', 'flac'],
    ['FLAC behind ID3', 'ID3\x04\0\0\0\0\0\x02xxfLaC', 'flac'],
    ['AAC behind ID3', 'ID3\x04\0\0\0\0\0\x02xx\xff\xf1\x50\x80', 'aac'],
    ['MP3', '\xff\xfb\x90\x64', 'mp3'],
    ['JPEG', '\xff\xd8\xff\xe0', 'jpeg'],
    ['GIF', 'GIF89a', 'gif'],
  ])('knows %s', (_name, start, kind) => {
    expect(codeOf(pad(start))).toBe(kind)
  })

  it.each([
    ['DNG', '49492a0008000000' + '0100' + '12c6' + '0100' + '04000000' + '01040000'],
    [
      'a mosaic in a sub-directory',
      '49492a0008000000' +
        '0100' +
        '4a01' +
        '0400' +
        '01000000' +
        '1a000000' +
        '00000000' +
        '0100' +
        '0601' +
        '0300' +
        '01000000' +
        '23800000',
    ],
    ['Canon raw', '49492a0010000000' + '43520200'],
  ])('refuses camera raw: %s', (_name, bytes) => {
    expect(codeOf(hex(bytes))).toBe('raw_not_accepted')
  })

  it('refuses Canon raw in ISO boxes', () => {
    expect(codeOf(pad('\0\0\0\x18ftypcrx \0\0\0\x01crx isom'))).toBe('raw_not_accepted')
  })

  it('takes an ordinary TIFF', () => {
    expect(codeOf(hex('49492a0008000000' + '0100' + '0601' + '0300' + '01000000' + '02000000'))).toBe('tiff')
  })

  it('refuses an empty file', () => {
    expect(codeOf(Buffer.alloc(0))).toBe('media_empty')
  })

  it.each([
    ['an archive behind a clip', Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(18)])],
    ['a document behind a clip', Buffer.from('\n%PDF-1.4\n')],
    ['a page behind a clip', Buffer.from('<script>fetch(1)</script>')],
    ['a playlist behind a clip', Buffer.from('\n#EXTM3U\n')],
  ])('refuses %s', (_name, tail) => {
    const clip = pad('\0\0\0\x18ftypmp42\0\0\0\0isommp42')
    expect(codeOf(Buffer.concat([clip, tail]))).toBe('hidden_content')
  })
})
