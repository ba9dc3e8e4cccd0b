/** Who is asking. Made by the sign-in of one front, read by its routes; nothing else says who somebody is. */
import type { ContributorId, ProjectId, StaffId, StaffRole } from './clip.ts'

export type Anonymous = { readonly kind: 'anonymous' }

export type Contributor = {
  readonly kind: 'contributor'
  readonly contributorId: ContributorId
  readonly projectId: ProjectId
  /** A paused contributor's clips are received and sealed, and held unseen. */
  readonly paused: boolean
  readonly quotaBytes: number
  /** 32 bytes, in memory for the length of a request: seals this contributor's rows. */
  readonly key: Uint8Array
}

export type Staff = {
  readonly kind: 'staff'
  readonly staffId: StaffId
  readonly projectId: ProjectId
  readonly role: StaffRole
  readonly name: string
}

export type Principal = Anonymous | Contributor | Staff
