/** Every call the page makes, typed and read by the contract. Errors of all of them: `CallError`. */
import type { z } from 'zod'
import {
  contributorInvitedSchema,
  joinOfferSchema,
  peopleSchema,
  translatorsSchema,
  serverStateSchema,
  sessionSchema,
  signedInSchema,
  staffInvitedSchema,
} from '../../contract/access.ts'
import type {
  ContributorInvited,
  JoinComplete,
  JoinOffer,
  Person,
  Translator,
  ServerState,
  Session,
  SignIn,
  StaffInvited,
  changePersonSchema,
  inviteContributorSchema,
  inviteStaffSchema,
} from '../../contract/access.ts'
import {
  binSchema,
  binsSchema,
  clipDetailSchema,
  clipPageSchema,
  commentSchema,
  selectSchema,
  waveformSchema,
} from '../../contract/clips.ts'
import type {
  Bin,
  ChangeClip,
  ClipDetail,
  ClipPage,
  ClipQuery,
  Comment,
  Select,
  Waveform,
} from '../../contract/clips.ts'
import { call, callFor } from './call.ts'
import { CallError } from './problem.ts'

/** Who is signed in; null when nobody is. */
export async function findSession(signal?: AbortSignal): Promise<Session | null> {
  try {
    return await call(sessionSchema, 'GET', '/api/session', undefined, signal)
  } catch (error) {
    if (error instanceof CallError && error.status === 401) return null
    throw error
  }
}

/** Opens a session; the browser keeps the cookie, the token in the answer is for other clients. */
export async function signIn(credentials: SignIn): Promise<Session> {
  return (await call(signedInSchema, 'POST', '/api/sign-in', credentials)).session
}

/** Ends the session on the server and asks the browser to forget everything. */
export function signOut(): Promise<void> {
  return callFor('POST', '/api/sign-out')
}

/** Opens a set-up link or an invitation. */
export function beginJoin(token: string): Promise<JoinOffer> {
  return call(joinOfferSchema, 'POST', '/api/join/begin', { token })
}

/** Uses the link up and signs the new colleague in. */
export async function completeJoin(answer: JoinComplete): Promise<Session> {
  return (await call(signedInSchema, 'POST', '/api/join/complete', answer)).session
}

/** Gives the server the vault's public key; intake opens with it. */
export function setVault(recipient: string): Promise<void> {
  return callFor('PUT', '/api/vault', { recipient })
}

/** What the board filters by. */
export type ClipFilter = Pick<ClipQuery, 'q' | 'tag' | 'rating' | 'state' | 'release'>

/** One page of the board. */
export function listClips(
  filter: ClipFilter,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<ClipPage> {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filter)) query.set(name, String(value))
  if (cursor !== undefined) query.set('cursor', cursor)
  query.set('limit', '200')
  return call(clipPageSchema, 'GET', `/api/clips?${query.toString()}`, undefined, signal)
}

const clipPath = (id: string): string => `/api/clips/${encodeURIComponent(id)}`

/** Addresses of what is derived from a clip; the browser fetches them by range. */
export const media = {
  proxy: (id: string): string => `${clipPath(id)}/proxy`,
  poster: (id: string): string => `${clipPath(id)}/poster`,
  filmstrip: (id: string): string => `${clipPath(id)}/filmstrip`,
  master: (id: string): string => `${clipPath(id)}/master`,
}

/** Everything said about one clip. */
export function getClip(id: string, signal?: AbortSignal): Promise<ClipDetail> {
  return call(clipDetailSchema, 'GET', clipPath(id), undefined, signal)
}

/** Changes only what is given. */
export function changeClip(id: string, change: ChangeClip): Promise<void> {
  return callFor('PATCH', clipPath(id), change)
}

/** Peaks for the scrubber. */
export function getWaveform(id: string, signal: AbortSignal): Promise<Waveform> {
  return call(waveformSchema, 'GET', `${clipPath(id)}/waveform`, undefined, signal)
}

/** Marks a range; `outFrame` is exclusive. */
export function addSelect(
  clipId: string,
  range: { inFrame: number; outFrame: number; label: string },
): Promise<Select> {
  return call(selectSchema, 'POST', `${clipPath(clipId)}/selects`, range)
}

/** Takes a marked range away. */
export function removeSelect(clipId: string, selectId: string): Promise<void> {
  return callFor('DELETE', `${clipPath(clipId)}/selects/${encodeURIComponent(selectId)}`)
}

/** Says something about one frame. */
export function addComment(clipId: string, comment: { frame: number; text: string }): Promise<Comment> {
  return call(commentSchema, 'POST', `${clipPath(clipId)}/comments`, comment)
}

/** Takes a comment away. */
export function removeComment(clipId: string, commentId: string): Promise<void> {
  return callFor('DELETE', `${clipPath(clipId)}/comments/${encodeURIComponent(commentId)}`)
}

const binPath = (id: string): string => `/api/bins/${encodeURIComponent(id)}`

/** All bins of the project with what is in them. */
export async function listBins(signal?: AbortSignal): Promise<Bin[]> {
  return (await call(binsSchema, 'GET', '/api/bins', undefined, signal)).bins
}

/** Makes an empty bin. */
export function createBin(name: string): Promise<Bin> {
  return call(binSchema, 'POST', '/api/bins', { name })
}

/** Puts a clip, or one of its selects, at the end of a bin. */
export function addToBin(binId: string, item: { clipId: string; selectId?: string }): Promise<void> {
  return callFor('POST', `${binPath(binId)}/items`, item)
}

/** Takes one place out of a bin; the clip stays. */
export function removeFromBin(binId: string, position: number): Promise<void> {
  return callFor('DELETE', `${binPath(binId)}/items/${position}`)
}

/** Addresses of a bin's exports. */
export const exportOf = {
  csv: (binId: string): string => `${binPath(binId)}/export.csv`,
  edl: (binId: string): string => `${binPath(binId)}/export.edl`,
}

/** Whom clips can be assigned to. */
export async function listTranslators(signal?: AbortSignal): Promise<Translator[]> {
  return (await call(translatorsSchema, 'GET', '/api/translators', undefined, signal)).translators
}

/** Contributors and colleagues. */
export async function listPeople(signal?: AbortSignal): Promise<Person[]> {
  return (await call(peopleSchema, 'GET', '/api/people', undefined, signal)).people
}

/** Makes a contributor; the answer holds the code, which nobody can ask for again. */
export function inviteContributor(
  invitation: z.input<typeof inviteContributorSchema>,
): Promise<ContributorInvited> {
  return call(contributorInvitedSchema, 'POST', '/api/people/contributors', invitation)
}

/** Makes a link for a new colleague that works once. */
export function inviteStaff(invitation: z.input<typeof inviteStaffSchema>): Promise<StaffInvited> {
  return call(staffInvitedSchema, 'POST', '/api/people/staff', invitation)
}

/** Pauses somebody or sets their quota. */
export function changePerson(id: string, change: z.input<typeof changePersonSchema>): Promise<void> {
  return callFor('PATCH', `/api/people/${encodeURIComponent(id)}`, change)
}

/** Ends somebody's access for good, at once. */
export function revokePerson(id: string): Promise<void> {
  return callFor('POST', `/api/people/${encodeURIComponent(id)}/revoke`)
}

/** Figures for administrators. */
export function getServerState(signal?: AbortSignal): Promise<ServerState> {
  return call(serverStateSchema, 'GET', '/api/server', undefined, signal)
}

/** Opens or closes the door for new uploads. */
export function setIntakeDoor(open: boolean): Promise<void> {
  return callFor('PUT', '/api/server/intake', { open })
}

/** Tries a failing job again. */
export function retryJob(jobId: string): Promise<void> {
  return callFor('POST', `/api/jobs/${encodeURIComponent(jobId)}/retry`)
}
