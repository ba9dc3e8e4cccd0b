/** Sorts tags into the classes that people understand: place, device, dates, names, programs, small pictures. Pure. */

import type { Tag } from '../../adapters/tools/exiftool.ts'

/** What a tag would tell. */
export const TAG_CLASSES = [
  'location',
  'device',
  'dates',
  'names',
  'software',
  'thumbnails',
  'identifiers',
] as const
export type TagClass = (typeof TAG_CLASSES)[number]

/** Groups that describe the reading itself: file system facts, exiftool's own, values computed from others. */
const NOT_IN_FILE = ['', 'ExifTool', 'System', 'File', 'Composite']

/** Names that look like one of the classes and are numbers about the picture. */
const TECHNICAL =
  /^(TimeScale|MediaTimeScale|PreviewTime|PreviewDuration|PosterTime|SelectionTime|SelectionDuration|CurrentTime|TimeToSampleTable|ExposureTime|ShutterSpeed\w*|CompositionTimeToSample|SampleTime|FrameRate|TimeZone\w*Size|MatrixStructure|HandlerType|HandlerClass|ColorProfileClass|ModelType|StartTimecode.*Format|\w*ImageSize|\w*Resolution\w*|ProfileClass)$/

/** First match wins, so that `GPSDateStamp` counts as a place and `SerialNumber` as a device. */
const RULES: readonly (readonly [TagClass, RegExp])[] = [
  [
    'location',
    /GPS|Location|Latitude|Longitude|Altitude|City|Country|Province|Sub-?location|Place|Geo(tag|graph)|Landmark|CellId|AreaCode|\bMCC\b|©xyz|loci/i,
  ],
  [
    'thumbnails',
    /Thumbnail|PreviewImage|CoverArt|^Picture$|JpgFromRaw|OtherImage|DepthImage|GainMapImage|EmbeddedVideo|MotionPhoto|TrailerData|MPImage/i,
  ],
  [
    'dates',
    /Date|TimeStamp|Timecode|^Time$|(Capture|Create|Modify|Digitized|Original|Recording|Shooting|Media|Track|Run|SubSec|Offset)Time|Year$|TimeZone/i,
  ],
  [
    'identifiers',
    /UniqueID|Identifier|UUID|GUID|DocumentID|InstanceID|MediaUID|BurstID|ImageID|^Hash|SessionID|SegmentUID|TrackUID/i,
  ],
  [
    'device',
    /Make$|Model|Serial|Lens|Camera|Device|Firmware|HostComputer|Manufacturer|AndroidVersion|Hardware|BodyID|InternalSerial|Phone|Vendor(?!ID)/i,
  ],
  [
    'names',
    /Artist|Author|Creator(?!Tool)|Owner|By-?line|Copyright|Credit|Title|Caption|Description|Comment|Keyword|Subject|Person|Album|Composer|Performer|Name$|Rights|Headline|Instructions|Writer|UserID|Account/i,
  ],
  [
    'software',
    /Software|Encod|Tool|Application|Compressor|HandlerDescription|VendorID|Library|Muxing|Writing|Program|History|Producer/i,
  ],
]

/** The class of a tag; undefined for what is technical or not in the file at all. */
export function classOfTag(tag: Pick<Tag, 'group' | 'name'>): TagClass | undefined {
  if (NOT_IN_FILE.includes(tag.group) || TECHNICAL.test(tag.name)) return undefined
  return RULES.find(([, names]) => names.test(tag.name))?.[0]
}

/** Values that say nothing: empty, zero dates, placeholders. */
export function isBlank(value: string): boolean {
  return /^\s*$|^[0:\s.TZ+-]*$|^(unknown|undefined|none|n\/a|und|\(none\))$/i.test(value)
}
