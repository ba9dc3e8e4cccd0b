/** What the editor's side needs from the context, and the questions each of its routes begins with. */
import type { Request } from 'express'
import { asStaff, seesOnlyAssigned } from '../access/policy.ts'
import type { BlobStore } from '../adapters/blobs/blob-store.ts'
import type { CatalogDb } from '../adapters/database/database.ts'
import type { Logger } from '../adapters/logger.ts'
import type { Author } from '../catalog/acts.ts'
import { findClipInScope, type ClipScope } from '../catalog/clip-list.ts'
import type { ClipView } from '../catalog/clip-views.ts'
import { parseId, type Id, type StaffId } from '../domain/clip.ts'
import type { Clock } from '../domain/clock.ts'
import { AppError } from '../domain/errors.ts'
import type { Principal } from '../domain/people.ts'

export type ReviewDeps = {
  readonly catalogDb: CatalogDb
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly logger: Logger
  /** Says who is asking now without counting as use of the session: a stream that lasts asks again while it runs. */
  readonly look: (req: Request) => Promise<Principal>
  /** Is this colleague still one? */
  readonly isActive: (staffId: StaffId) => Promise<boolean>
  /** Aborted when the desk closes: ends streams that would last for ever. */
  readonly closing?: AbortSignal
}

/** What `who` may see: the project, or for a translator the clips assigned to them. Errors: `not_signed_in`. */
export function scopeOf(who: Principal): ClipScope {
  const staff = asStaff(who)
  return seesOnlyAssigned(who)
    ? { projectId: staff.projectId, assignedTo: staff.staffId }
    : { projectId: staff.projectId }
}

/**
 * The clip that an address names, within what `who` may see. Errors: `not_found`, the same whether it exists or not;
 * the log tells who asked for what.
 */
export async function clipFor(deps: ReviewDeps, who: Principal, id: string | undefined): Promise<ClipView> {
  const clipId = idIn('clip', id)
  const view = await findClipInScope(deps.catalogDb, scopeOf(who), clipId)
  if (view === undefined) {
    deps.logger.info('clip outside what may be seen', { clip: clipId, staff: asStaff(who).staffId })
    throw new AppError('not_found')
  }
  return view
}

/** An id in an address. Errors: `not_found` for anything that is not one. */
export function idIn<P extends string>(prefix: P, text: string | undefined): Id<P> {
  const id = parseId(prefix, text ?? '')
  if (id === undefined) throw new AppError('not_found')
  return id
}

/** Somebody of the desk, acting now. */
export function authorOf(deps: ReviewDeps, who: Principal): Author {
  const staff = asStaff(who)
  return { staffId: staff.staffId, projectId: staff.projectId, at: deps.clock.now() }
}
