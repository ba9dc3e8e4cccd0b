/** Tags that a clean master may show to exiftool; any other name is a finding. Pure. */

import type { Tag } from '../../../adapters/tools/exiftool.ts'
import { isBlank } from '../tag-classes.ts'

/** Groups that describe the reading, not the file. */
const ABOUT_READING = ['', 'ExifTool', 'System', 'Composite']

/** Structure of a picture or a container: sizes, tables, formats. Track numbers are left out of the names. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  File: [
    ...[
      'FileType',
      'FileTypeExtension',
      'MIMEType',
      'ImageWidth',
      'ImageHeight',
      'EncodingProcess',
      'BitsPerSample',
    ],
    ...['ColorComponents', 'YCbCrSubSampling'],
  ],
  JFIF: ['JFIFVersion', 'ResolutionUnit', 'XResolution', 'YResolution'],
  PNG: [
    ...[
      'ImageWidth',
      'ImageHeight',
      'BitDepth',
      'ColorType',
      'Compression',
      'Filter',
      'Interlace',
      'Palette',
    ],
    ...['Transparency', 'BackgroundColor'],
  ],
  'PNG-pHYs': ['PixelsPerUnitX', 'PixelsPerUnitY', 'PixelUnits'],
  RIFF: [
    'VP8Version',
    'ImageWidth',
    'HorizontalScale',
    'ImageHeight',
    'VerticalScale',
    'WebP_Flags',
    'AlphaIsUsed',
    // Of an animation; the walk compares the colour with the one that we write.
    ...['BackgroundColor', 'AnimationLoopCount', 'Duration'],
  ],
  GIF: [
    ...['GIFVersion', 'ImageWidth', 'ImageHeight', 'HasColorMap', 'ColorResolutionDepth', 'BitsPerPixel'],
    ...['BackgroundColor', 'AnimationIterations', 'FrameCount', 'Duration', 'TransparentColor'],
  ],
  QuickTime: [
    ...[
      'MajorBrand',
      'MinorVersion',
      'CompatibleBrands',
      'MovieHeaderVersion',
      'TimeScale',
      'Duration',
      'PreferredRate',
    ],
    ...[
      'PreferredVolume',
      'MatrixStructure',
      'PreviewTime',
      'PreviewDuration',
      'PosterTime',
      'SelectionTime',
    ],
    ...['SelectionDuration', 'CurrentTime', 'NextTrackID', 'MediaDataSize', 'MediaDataOffset', 'MediaData'],
  ],
  Track: [
    ...[
      'TrackHeaderVersion',
      'TrackID',
      'TrackDuration',
      'TrackLayer',
      'TrackVolume',
      'MatrixStructure',
      'ImageWidth',
    ],
    ...[
      'ImageHeight',
      'Unknown_edts',
      'MediaHeaderVersion',
      'MediaTimeScale',
      'MediaDuration',
      'MediaLanguageCode',
    ],
    ...[
      'HandlerType',
      'GraphicsMode',
      'OpColor',
      'CompressorID',
      'SourceImageWidth',
      'SourceImageHeight',
      'XResolution',
    ],
    ...[
      'YResolution',
      'BitDepth',
      'Unknown_hvcC',
      'Unknown_vpcC',
      'Unknown_av1C',
      'AVCConfiguration',
      'HEVCConfiguration',
    ],
    ...[
      'VideoFieldOrder',
      'ColorProfiles',
      'ColorPrimaries',
      'TransferCharacteristics',
      'MatrixCoefficients',
    ],
    ...[
      'VideoFullRangeFlag',
      'PixelAspectRatio',
      'VideoFrameRate',
      'SyncSampleTable',
      'CompositionTimeToSample',
    ],
    ...[
      'SampleToChunk',
      'SampleSizes',
      'ChunkOffset',
      'ChunkOffset64',
      'Balance',
      'AudioFormat',
      'AudioChannels',
    ],
    ...[
      'AudioBitsPerSample',
      'AudioSampleRate',
      'Unknown_esds',
      'TimeToSampleTable',
      'SampleGroupDescription',
    ],
    ...['SampleToGroup', 'ContentLightLevel', 'MasteringDisplayColorVolume'],
    ...['TimecodeTrack', 'PlaybackFrameRate'],
  ],
}

/** Times that every MP4 has; allowed where they are zero. */
const ZERO_TIMES = [
  'CreateDate',
  'ModifyDate',
  'TrackCreateDate',
  'TrackModifyDate',
  'MediaCreateDate',
  'MediaModifyDate',
]

/** How the timecode track would be drawn; allowed where it is what we write. */
const CONSTANT: Readonly<Record<string, string>> = {
  ...{ OtherFormat: 'tmcd', GenMediaVersion: '0', GenFlags: '0 0 0', GenGraphicsMode: 'ditherCopy' },
  ...{ GenOpColor: '32768 32768 32768', GenBalance: '0', TextFont: 'System', TextFace: 'Plain' },
  ...{ TextSize: '0', TextColor: '0 0 0', BackgroundColor: '0 0 0', FontName: '' },
}

/** Returns `Group:Name` of the first tag that is not allowed; undefined when all are. */
export function strangerTag(tags: readonly Tag[]): string | undefined {
  for (const tag of tags) {
    if (ABOUT_READING.includes(tag.group)) continue
    const group = tag.group.replace(/^Track\d+$/, 'Track')
    if (ALLOWED[group]?.includes(tag.name) === true) continue
    if (group === 'Track' && CONSTANT[tag.name] === tag.value) continue
    if (ZERO_TIMES.includes(tag.name) && isBlank(tag.value)) continue
    return `${group}:${tag.name}`
  }
  return undefined
}
