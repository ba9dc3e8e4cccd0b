/** Signing in, people and invitations, as they cross the wire between desk page and desk. */
import { z } from 'zod'

const staffRole = z.enum(['editor', 'translator', 'admin'])

/** GET /api/session; also what signing in answers. */
export const sessionSchema = z.object({
  staffId: z.string(),
  name: z.string(),
  role: staffRole,
  project: z.object({ id: z.string(), name: z.string() }),
  /** False until the vault's public key is set; intake stays closed until then. */
  vaultReady: z.boolean(),
})
export type Session = z.infer<typeof sessionSchema>

/** POST /api/sign-in. */
export const signInSchema = z.strictObject({
  login: z.string().min(1).max(100),
  password: z.string().min(1).max(200),
  totp: z.string().regex(/^\d{6}$/),
})
export type SignIn = z.infer<typeof signInSchema>

/** Answer of POST /api/sign-in and /api/join/complete: API clients send `token` as a bearer, browsers have the cookie. */
export const signedInSchema = z.object({ token: z.string(), session: sessionSchema })
export type SignedIn = z.infer<typeof signedInSchema>

/** POST /api/join/begin: opens a set-up link or an invitation. The token stood in the link's fragment. */
export const joinBeginSchema = z.strictObject({ token: z.string().min(20).max(100) })
/** Its answer: what the new colleague needs to enrol the second factor. */
export const joinOfferSchema = z.object({
  role: staffRole,
  name: z.string(),
  projectName: z.string(),
  /** True on the first administrator's link: the page then also names the project and makes the vault key. */
  firstAdministrator: z.boolean(),
  totpSecret: z.string(),
  totpUri: z.string(),
})
export type JoinOffer = z.infer<typeof joinOfferSchema>

/** POST /api/join/complete. */
export const joinCompleteSchema = z.strictObject({
  token: z.string().min(20).max(100),
  login: z
    .string()
    .trim()
    .toLowerCase()
    .regex(/^[a-z0-9][a-z0-9._-]{1,38}$/),
  name: z.string().trim().min(1).max(60),
  password: z.string().min(15).max(200),
  totp: z.string().regex(/^\d{6}$/),
  projectName: z.string().trim().min(1).max(80).optional(),
})
export type JoinComplete = z.infer<typeof joinCompleteSchema>

/** PUT /api/vault: the public key whose secret half was made in the administrator's browser and never sent. */
export const vaultSchema = z.strictObject({ recipient: z.string().regex(/^age1[a-z0-9]{50,4000}$/) })

/** One row of the people page. */
export const personSchema = z.object({
  id: z.string(),
  kind: z.enum(['contributor', 'staff']),
  /** Alias of a contributor, name of a colleague. */
  name: z.string(),
  role: z.enum(['contributor', 'editor', 'translator', 'admin']),
  state: z.enum(['invited', 'active', 'paused', 'revoked']),
  /** UTC date, never finer. */
  lastSeenDay: z.string().nullable(),
  clips: z.int(),
  usedBytes: z.int(),
  quotaBytes: z.int().nullable(),
})
export type Person = z.infer<typeof personSchema>
/** GET /api/people. */
export const peopleSchema = z.object({ people: z.array(personSchema) })

/** GET /api/translators: those whom an editor may assign clips to, by name. */
export const translatorsSchema = z.object({
  translators: z.array(z.object({ id: z.string(), name: z.string() })),
})
export type Translator = z.infer<typeof translatorsSchema>['translators'][number]

/** POST /api/people/contributors. */
export const inviteContributorSchema = z.strictObject({
  alias: z.string().trim().min(1).max(60).optional(),
  expiresHours: z
    .int()
    .min(1)
    .max(24 * 90)
    .default(72),
  quotaBytes: z
    .int()
    .min(1_000_000)
    .max(10 ** 13)
    .default(20 * 1024 ** 3),
  form: z.enum(['digits', 'words']).default('digits'),
})
/** Its answer; the code is shown this once and is in no database. */
export const contributorInvitedSchema = z.object({
  id: z.string(),
  alias: z.string(),
  /** 25 digits in five groups, or seven words. */
  code: z.string(),
  firstUseByDay: z.string(),
  /** For the separate sheet. */
  intakeAddress: z.string(),
  /** An SVG of the address as a QR code; the code is never in a QR. */
  addressQrSvg: z.string(),
})
export type ContributorInvited = z.infer<typeof contributorInvitedSchema>

/** POST /api/people/staff. */
export const inviteStaffSchema = z.strictObject({
  role: staffRole,
  name: z.string().trim().min(1).max(60),
  expiresHours: z
    .int()
    .min(1)
    .max(24 * 14)
    .default(72),
})
/** Its answer: a link that works once. */
export const staffInvitedSchema = z.object({ link: z.string(), expiresAt: z.iso.datetime() })
export type StaffInvited = z.infer<typeof staffInvitedSchema>

/** PATCH /api/people/:id. */
export const changePersonSchema = z.strictObject({
  quotaBytes: z
    .int()
    .min(0)
    .max(10 ** 13)
    .optional(),
  paused: z.boolean().optional(),
})

/** GET /api/server: figures for administrators. */
export const serverStateSchema = z.object({
  intakeOpen: z.boolean(),
  vaultReady: z.boolean(),
  sandbox: z.object({ proven: z.boolean(), failed: z.array(z.string()) }),
  /** Do intake, desk and worker run as different users? */
  separated: z.boolean(),
  storage: z.object({ freeBytes: z.int(), usedBytes: z.int() }),
  queue: z.object({ waiting: z.int(), running: z.int(), oldestWaitingSeconds: z.int() }),
  failing: z.array(
    z.object({
      jobId: z.string(),
      clipId: z.string(),
      reel: z.string(),
      state: z.string(),
      reason: z.string(),
      detail: z.string().nullable(),
      attempts: z.int(),
    }),
  ),
  versions: z.record(z.string(), z.string()),
})
export type ServerState = z.infer<typeof serverStateSchema>
/** PUT /api/server/intake: opens or closes the door for new uploads. */
export const intakeDoorSchema = z.strictObject({ open: z.boolean() })
