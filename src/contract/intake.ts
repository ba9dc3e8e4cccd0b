/** What crosses the wire between a contributor's page (or `footbridge send`) and intake. */
import { z } from 'zod'

/** POST /api/session: opens a session with a code, for scripts and API clients. */
export const openSessionSchema = z.strictObject({ code: z.string().min(1).max(400) })
/** Its answer; browsers have the cookie, API clients send `token` as a bearer. */
export const openedSessionSchema = z.object({ token: z.string() })

/** Where tus uploads are created; each then has an address of its own below. */
export const UPLOADS_PATH = '/files'

/** The only keys of Upload-Metadata that are read; anything else is ignored and never kept. */
export const UPLOAD_METADATA_KEYS = ['filetype', 'key'] as const
/** A hint from an allow-list, not a file name. */
export const TYPE_HINTS = ['video', 'image', 'audio'] as const
export type TypeHint = (typeof TYPE_HINTS)[number]

/** Header of HEAD and PATCH answers: lower-case hex of the block digest of everything durable so far. */
export const BLOCK_DIGEST_HEADER = 'Upload-Block-Digest'
/** The block digest is SHA-256 over the SHA-256s of a file's 1 MiB blocks. */
export const DIGEST_BLOCK_BYTES = 1_048_576

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

/** POST /api/uploads/:id/digest: the phone's own block digest, compared in constant time. */
export const claimDigestSchema = z.strictObject({ blockDigest: z.string().regex(/^[0-9a-f]{64}$/) })
