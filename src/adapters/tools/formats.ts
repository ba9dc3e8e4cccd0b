/** Which demuxers and decoders untrusted bytes may reach; everything else is refused by name. */

/** Our word for a container, and ffmpeg's name of the one demuxer that may read it. */
export const DEMUXERS = {
  mp4: 'mov',
  matroska: 'matroska',
  mpegts: 'mpegts',
  avi: 'avi',
  flv: 'flv',
  asf: 'asf',
  mpegps: 'mpeg',
  mp3: 'mp3',
  aac: 'aac',
  wav: 'wav',
  aiff: 'aiff',
  flac: 'flac',
  ogg: 'ogg',
  amr: 'amr',
  caf: 'caf',
} as const
export type AvContainer = keyof typeof DEMUXERS

/** Names that ffprobe gives to codecs whose pictures we read. */
export const VIDEO_CODECS: readonly string[] = [
  'h264',
  'hevc',
  'vp8',
  'vp9',
  'av1',
  'mpeg4',
  'h263',
  'mjpeg',
  'mpeg1video',
  'mpeg2video',
  'prores',
  'msmpeg4v2',
  'msmpeg4v3',
  'flv1',
  'wmv1',
  'wmv2',
  'wmv3',
  'vc1',
]

/** Names that ffprobe gives to codecs whose sound we read. */
export const AUDIO_CODECS: readonly string[] = [
  'aac',
  'mp3',
  'mp2',
  'opus',
  'vorbis',
  'flac',
  'alac',
  'amr_nb',
  'amr_wb',
  'ac3',
  'eac3',
  'wmav1',
  'wmav2',
  'adpcm_ms',
  'adpcm_ima_wav',
  'adpcm_ima_qt',
  'qcelp',
  'speex',
  'pcm_alaw',
  'pcm_mulaw',
  'pcm_u8',
  'pcm_s8',
  'pcm_s16le',
  'pcm_s16be',
  'pcm_s24le',
  'pcm_s24be',
  'pcm_s32le',
  'pcm_s32be',
  'pcm_f32le',
  'pcm_f32be',
  'pcm_f64le',
  'pcm_f64be',
]

/** Decoders that are called otherwise than their codec. `-codec_whitelist` wants the decoder's name. */
const OTHER_DECODERS = ['libdav1d', 'mp3float', 'mp2float', 'amrnb', 'amrwb', 'libopus', 'libspeex']

/** Value of ffmpeg's `-codec_whitelist` for untrusted input. */
const CODEC_WHITELIST = [...VIDEO_CODECS, ...AUDIO_CODECS, ...OTHER_DECODERS].join(',')

/** ffprobe opens a decoder for every stream it lists, also for those that are dropped: covers and captions. */
const LISTED_ONLY = [
  'png',
  'bmp',
  'mov_text',
  'srt',
  'subrip',
  'text',
  'ass',
  'ssa',
  'webvtt',
  'dvbsub',
  'dvdsub',
  'pgssub',
]

/** Limits that hold before anything is decoded. */
export const MAX_STREAMS = 32
export const MAX_PIXELS = 50_000_000
export const MAX_DURATION_MS = 12 * 3600 * 1000

/**
 * Options before `-i` for a file that somebody else made: one demuxer, listed codecs, files only,
 * and ceilings. Source: `-protocol_whitelist file` alone does not stop a playlist from opening
 * other files; naming the demuxer does.
 */
export function untrustedInput(container: AvContainer, purpose: 'list' | 'decode' = 'decode'): string[] {
  const demuxer = DEMUXERS[container]
  const codecs = purpose === 'list' ? [CODEC_WHITELIST, ...LISTED_ONLY].join(',') : CODEC_WHITELIST
  return [
    ...['-protocol_whitelist', 'file', '-format_whitelist', demuxer, '-codec_whitelist', codecs],
    ...['-max_streams', String(MAX_STREAMS), '-probesize', '20000000', '-analyzeduration', '10000000'],
    ...['-f', demuxer],
  ]
}
