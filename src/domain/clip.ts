/** A clip's ids, its states and the moves that are lawful. */

export type Id<Prefix extends string> = `${Prefix}_${string}`
export type ProjectId = Id<'proj'>
export type ClipId = Id<'clip'>
export type ContributorId = Id<'contrib'>
export type StaffId = Id<'staff'>
export type JobId = Id<'job'>
export type SelectId = Id<'select'>
export type CommentId = Id<'comment'>
export type BinId = Id<'bin'>
/** 32 lower-case hex digits; an identifier, never a capability. */
export type UploadId = string & { readonly __upload: unique symbol }

const UPLOAD_ID = /^[0-9a-f]{32}$/

/** Returns the id when `text` has the form of one, else undefined. The only way to make an `UploadId`. */
export function parseUploadId(text: string): UploadId | undefined {
  return UPLOAD_ID.test(text) ? (text as UploadId) : undefined
}

/** Returns the id when `text` is `prefix_` and 32 hex digits, else undefined. */
export function parseId<P extends string>(prefix: P, text: string): Id<P> | undefined {
  return text.startsWith(`${prefix}_`) && UPLOAD_ID.test(text.slice(prefix.length + 1))
    ? (text as Id<P>)
    : undefined
}

/**
 * Where a clip is on its way. `quarantined` to `derived` name the last finished step;
 * the last four are ends from which only an administrator moves it on.
 */
export const CLIP_STATES = [
  'receiving',
  'quarantined',
  'sealed',
  'inspected',
  'sanitized',
  'derived',
  'published',
  'incomplete',
  'corrupt',
  'refused',
  'stuck',
] as const
export type ClipState = (typeof CLIP_STATES)[number]

const FORWARD: Readonly<Partial<Record<ClipState, ClipState>>> = {
  receiving: 'quarantined',
  quarantined: 'sealed',
  sealed: 'inspected',
  inspected: 'sanitized',
  sanitized: 'derived',
  derived: 'published',
}
const ENDS: readonly ClipState[] = ['published', 'incomplete', 'corrupt', 'refused']

/** Where the pipeline goes from `state`; undefined where it is at an end or waits for an administrator. */
export function nextState(state: ClipState): ClipState | undefined {
  return FORWARD[state]
}

/** May a clip move from one state to the other? Retrying moves `stuck` and `refused` back to a step's state. */
export function isLawfulMove(from: ClipState, to: ClipState): boolean {
  if (FORWARD[from] === to) return true
  if (from === 'stuck' || from === 'refused') return to in FORWARD && to !== 'receiving'
  if (ENDS.includes(from)) return false
  return to === 'incomplete' || to === 'corrupt' || to === 'refused' || to === 'stuck'
}

/** May material of this clip leave the desk? Set by people, `held` until somebody decides. */
export const RELEASE_STATES = ['held', 'cleared', 'never'] as const
export type ReleaseState = (typeof RELEASE_STATES)[number]

/** What whoever touches the clip must know about the people in it. `graphic` blurs the poster and starts muted. */
export const CARE_FLAGS = [
  'child',
  'patient',
  'dead_or_dying',
  'detained',
  'face_or_voice_at_risk',
  'readable_text',
  'site_recognisable',
  'family_not_told',
  'wait_until',
  'graphic',
] as const
export type CareFlag = (typeof CARE_FLAGS)[number]

export const ROLES = ['contributor', 'editor', 'translator', 'admin'] as const
export type Role = (typeof ROLES)[number]
export type StaffRole = Exclude<Role, 'contributor'>
