/** What crosses the wire between a contributor's page (or `footbridge send`) and intake. */
import { z } from 'zod'

/** POST /api/session: opens a session with a code, for scripts and API clients. */
export const openSessionSchema = z.strictObject({ code: z.string().min(1).max(400) })
/** Its answer; browsers have the cookie, API clients send `token` as a bearer. */
export const openedSessionSchema = z.object({ token: z.string() })

/** The only keys of Upload-Metadata that are read; anything else is ignored and never kept. */
export const UPLOAD_METADATA_KEYS = ['filetype', 'key'] as const
/** A hint from an allow-list, not a file name. */
export const TYPE_HINTS = ['video', 'image', 'audio'] as const
export type TypeHint = (typeof TYPE_HINTS)[number]

/**
 * Where an upload stands, in the contributor's words. `receiving`; `arrived`: all bytes durable, not yet verified by
 * the worker; `sealed`: verified and sealed; `damaged`: what arrived does not verify, send again.
 */
export const uploadStatusSchema = z.object({
  id: z.string(),
  state: z.enum(['receiving', 'arrived', 'sealed', 'damaged']),
  offset: z.int().nonnegative(),
  length: z.int().nonnegative().nullable(),
  /** Did the phone's own block digest equal ours? Null: not compared. */
  matched: z.boolean().nullable(),
})
export type UploadStatus = z.infer<typeof uploadStatusSchema>
/** GET /api/uploads: the caller's unfinished uploads, oldest day first. Finished ones are never listed. */
export const uploadListSchema = z.object({ uploads: z.array(uploadStatusSchema) })
export type UploadList = z.infer<typeof uploadListSchema>

/** POST /api/uploads/:id/digest: the phone's own block digest, compared in constant time. */
export const claimDigestSchema = z.strictObject({ blockDigest: z.string().regex(/^[0-9a-f]{64}$/) })
