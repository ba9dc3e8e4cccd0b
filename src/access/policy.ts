/**
 * Who may do what: one table, pure, checked in each route.
 *
 * Everybody is refused until the table says otherwise. A role is a word of one project; what belongs to another
 * project is answered as if it were not there (`assertOwn`).
 */
import type { ProjectId, Role } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'
import type { Contributor, Principal, Staff } from '../domain/people.ts'

/** Everybody who can ask: the roles, and who has not said who they are. */
export const ASKERS = ['anonymous', 'contributor', 'editor', 'translator', 'admin'] as const
export type Asker = (typeof ASKERS)[number]

const EVERYBODY = ASKERS
const CONTRIBUTOR = ['contributor'] as const
const STAFF = ['editor', 'translator', 'admin'] as const
const DESK = ['editor', 'admin'] as const
const ADMIN = ['admin'] as const

/**
 * The table: action → who may.
 *
 * A translator sees assigned clips only (`seesOnlyAssigned`). Editors may clear a held clip as administrators may;
 * each such act is logged with its author.
 */
export const ACTIONS = {
  // anybody: pages, and what leads in and out
  'health.read': EVERYBODY,
  'page.read': EVERYBODY,
  'page.act': EVERYBODY,
  'session.open': EVERYBODY,
  'session.close': EVERYBODY,
  'join.use': EVERYBODY,
  // contributors
  'uploads.list': CONTRIBUTOR,
  'uploads.read': CONTRIBUTOR,
  'uploads.write': CONTRIBUTOR,
  // the desk
  'session.read': STAFF,
  'clips.list': STAFF,
  'clips.read': STAFF,
  'clips.play': STAFF,
  'clips.change': DESK,
  'clips.assign': DESK,
  'clips.release': DESK,
  'clips.download': DESK,
  'selects.write': DESK,
  'comments.write': STAFF,
  'bins.read': DESK,
  'bins.write': DESK,
  'exports.read': DESK,
  // administrators
  'people.read': ADMIN,
  'people.invite': ADMIN,
  'people.change': ADMIN,
  'people.revoke': ADMIN,
  'server.read': ADMIN,
  'server.change': ADMIN,
  'vault.set': ADMIN,
  'jobs.retry': ADMIN,
} as const satisfies Record<string, readonly Asker[]>
export type Action = keyof typeof ACTIONS

/** The role somebody asks in. */
export function roleOf(who: Principal): Asker {
  switch (who.kind) {
    case 'anonymous':
      return 'anonymous'
    case 'contributor':
      return 'contributor' satisfies Role
    case 'staff':
      return who.role
  }
}

/** Does the table allow `action` to `asker`? */
export function may(asker: Asker, action: Action): boolean {
  const allowed: readonly Asker[] = ACTIONS[action]
  return allowed.includes(asker)
}

/** Lets `who` pass or throws `not_signed_in` (nobody known) or `forbidden` (somebody, in the wrong role). */
export function assertMay(who: Principal, action: Action): void {
  if (may(roleOf(who), action)) return
  throw new AppError(who.kind === 'anonymous' ? 'not_signed_in' : 'forbidden')
}

/**
 * Lets `thing` pass when it is there and of the caller's project.
 *
 * Errors: `not_found`, the same for what does not exist and what belongs to others.
 */
export function assertOwn<Thing extends { readonly project_id: ProjectId }>(
  who: Principal,
  thing: Thing | undefined,
): asserts thing is Thing {
  if (thing === undefined || who.kind === 'anonymous' || thing.project_id !== who.projectId) {
    throw new AppError('not_found')
  }
}

/** Must what `who` sees be narrowed to the clips assigned to them? */
export function seesOnlyAssigned(who: Principal): boolean {
  return who.kind === 'staff' && who.role === 'translator'
}

/** Narrows to a colleague. Errors: `not_signed_in`. */
export function asStaff(who: Principal): Staff {
  if (who.kind !== 'staff') throw new AppError('not_signed_in')
  return who
}

/** Narrows to a contributor. Errors: `not_signed_in`. */
export function asContributor(who: Principal): Contributor {
  if (who.kind !== 'contributor') throw new AppError('not_signed_in')
  return who
}
