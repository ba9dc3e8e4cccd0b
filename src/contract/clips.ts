/** Clips, what is said about them, bins and exports, as they cross the wire between desk page and desk. */
import { z } from 'zod'
import { CARE_FLAGS, CLIP_STATES, RELEASE_STATES } from '../domain/clip.ts'

const rational = z.object({ num: z.int().positive(), den: z.int().positive() })

/** `MediaInfo` of the domain, on the wire. */
export const mediaInfoSchema = z.object({
  kind: z.enum(['video', 'still', 'audio']),
  container: z.string(),
  durationMs: z.number().nonnegative(),
  sizeBytes: z.int().nonnegative(),
  video: z
    .object({
      codec: z.string(),
      profile: z.string().optional(),
      width: z.int(),
      height: z.int(),
      rotation: z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]),
      frameRate: rational,
      variableFrameRate: z.boolean(),
      frames: z.int().optional(),
      pixelFormat: z.string().optional(),
      colorTransfer: z.string().optional(),
      hdr: z.boolean(),
    })
    .optional(),
  audio: z.object({ codec: z.string(), channels: z.int(), sampleRate: z.int() }).optional(),
})

/** `Certificate` of the domain, on the wire. */
export const certificateSchema = z.object({
  version: z.literal(1),
  tier: z.enum(['A', 'B']),
  removed: z.record(z.string(), z.int()),
  proven: z.array(z.string()),
  tools: z.record(z.string(), z.string()),
  originalSha256: z.string(),
  masterSha256: z.string(),
})

/** One row of the board. */
export const clipSummarySchema = z.object({
  id: z.string(),
  reel: z.string(),
  title: z.string(),
  state: z.enum(CLIP_STATES),
  /** Registered error code, when the state is refused, stuck or corrupt. */
  reason: z.string().nullable(),
  reasonTitle: z.string().nullable(),
  reasonDetail: z.string().nullable(),
  alias: z.string(),
  receivedDay: z.string(),
  originalBytes: z.int(),
  partial: z.boolean(),
  rating: z.int().min(0).max(5),
  tags: z.array(z.string()),
  release: z.enum(RELEASE_STATES),
  care: z.array(z.enum(CARE_FLAGS)),
  media: mediaInfoSchema.nullable(),
  hasProxy: z.boolean(),
  revision: z.int(),
})
export type ClipSummary = z.infer<typeof clipSummarySchema>

/** GET /api/clips?q=&tag=&rating=&state=&release=&cursor=&limit= ; newest day first, random inside a day. */
export const clipQuerySchema = z.object({
  q: z.string().max(200).optional(),
  tag: z.string().max(60).optional(),
  rating: z.coerce.number().int().min(1).max(5).optional(),
  state: z.enum(['working', 'published', 'failed']).optional(),
  release: z.enum(RELEASE_STATES).optional(),
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})
export type ClipQuery = z.infer<typeof clipQuerySchema>
export const clipPageSchema = z.object({
  clips: z.array(clipSummarySchema),
  next: z.string().nullable(),
  /** Every tag in use with its count, for the filter. */
  tags: z.array(z.object({ tag: z.string(), count: z.int() })),
})
export type ClipPage = z.infer<typeof clipPageSchema>

export const selectSchema = z.object({
  id: z.string(),
  clipId: z.string(),
  inFrame: z.int().nonnegative(),
  /** Exclusive. */
  outFrame: z.int().positive(),
  label: z.string(),
  by: z.string(),
})
export type Select = z.infer<typeof selectSchema>

export const commentSchema = z.object({
  id: z.string(),
  clipId: z.string(),
  frame: z.int().nonnegative(),
  text: z.string(),
  by: z.string(),
  at: z.iso.datetime(),
})
export type Comment = z.infer<typeof commentSchema>

/** GET /api/clips/:id. */
export const clipDetailSchema = clipSummarySchema.extend({
  note: z.string(),
  certificate: certificateSchema.nullable(),
  selects: z.array(selectSchema),
  comments: z.array(commentSchema),
  /** Tiles of the filmstrip sprite: `count` pictures in `columns` columns, one every `everyMs`. */
  filmstrip: z
    .object({
      count: z.int(),
      columns: z.int(),
      everyMs: z.number(),
      tileWidth: z.int(),
      tileHeight: z.int(),
    })
    .nullable(),
  hasWaveform: z.boolean(),
  mayDownloadMaster: z.boolean(),
  /** Staff ids of translators who may stream the clip; administrators and editors see it. */
  assigned: z.array(z.string()),
})
export type ClipDetail = z.infer<typeof clipDetailSchema>

/** PATCH /api/clips/:id: only what is sent changes. */
export const changeClipSchema = z.strictObject({
  title: z.string().trim().max(200).optional(),
  note: z.string().trim().max(8000).optional(),
  rating: z.int().min(0).max(5).optional(),
  tags: z.array(z.string().trim().min(1).max(60)).max(50).optional(),
  release: z.enum(RELEASE_STATES).optional(),
  care: z.array(z.enum(CARE_FLAGS)).optional(),
  assigned: z.array(z.string()).max(100).optional(),
})
export type ChangeClip = z.infer<typeof changeClipSchema>

/** POST /api/clips/:id/selects. */
export const newSelectSchema = z
  .strictObject({
    inFrame: z.int().min(0),
    outFrame: z.int().min(1),
    label: z.string().trim().max(200).default(''),
  })
  .refine((range) => range.outFrame > range.inFrame, { path: ['outFrame'] })
/** POST /api/clips/:id/comments. */
export const newCommentSchema = z.strictObject({
  frame: z.int().min(0),
  text: z.string().trim().min(1).max(4000),
})

const binItemSchema = z.object({
  position: z.int(),
  clipId: z.string(),
  reel: z.string(),
  title: z.string(),
  select: selectSchema.nullable(),
})
export const binSchema = z.object({ id: z.string(), name: z.string(), items: z.array(binItemSchema) })
export type Bin = z.infer<typeof binSchema>
/** GET /api/bins. */
export const binsSchema = z.object({ bins: z.array(binSchema) })
/** POST /api/bins. */
export const newBinSchema = z.strictObject({ name: z.string().trim().min(1).max(80) })
/** POST /api/bins/:id/items. */
export const newBinItemSchema = z.strictObject({ clipId: z.string(), selectId: z.string().optional() })

/** GET /api/clips/events starts with the present revision in a `ready` event; each `clip` event is a `ClipSummary`. */
export const readyEventSchema = z.object({ revision: z.int() })

/** GET /api/clips/:id/waveform: peaks as pairs of int8, one pair every `windowMs`, mixed to one channel. */
export const waveformSchema = z.object({ windowMs: z.int(), peaks: z.array(z.int().min(-128).max(127)) })
export type Waveform = z.infer<typeof waveformSchema>
