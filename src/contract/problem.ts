/** The one body of every error, RFC 9457 with our code. */
import { z } from 'zod'

/** application/problem+json as both apps write it. */
export const problemSchema = z.object({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  remedy: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  requestId: z.string().optional(),
})
export type Problem = z.infer<typeof problemSchema>
