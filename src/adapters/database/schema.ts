/**
 * Row types of every table, one interface a database.
 *
 * Three databases and no transaction across two: *intake* is all that the public process may
 * touch, *keyring* holds what opens an original while it is being worked on, *catalogue* is the desk's.
 * On the contributor's side times are UTC dates (`…_day`, `YYYY-MM-DD`), never finer; on the staff's side
 * they are UTC milliseconds (`…_at`). Booleans are 0 or 1. Sizes are bytes.
 */
import type { Generated } from 'kysely'
import type {
  BinId,
  CareFlag,
  ClipId,
  ClipState,
  CommentId,
  ContributorId,
  JobId,
  ProjectId,
  ReleaseState,
  SelectId,
  StaffId,
  StaffRole,
  UploadId,
} from '../../domain/clip.ts'

export type ContributorState = 'invited' | 'active' | 'paused' | 'revoked'
/** `receiving` → `complete` (last byte durable) → `sealed` (the worker verified and sealed it); or an end. */
export type UploadState = 'receiving' | 'complete' | 'sealed' | 'removed' | 'expired' | 'corrupt'

export type IntakeDatabase = {
  /** Public facts that intake needs: vault_recipient, processing_recipient, kdf_salt, intake_open. */
  settings: { key: string; value: string }
  contributors: {
    id: ContributorId
    project_id: ProjectId
    /** HMAC of the stretched code under the pepper: finds the row without storing the code. */
    lookup: Uint8Array
    state: ContributorState
    /** Last UTC day on which the code may be used for the first time; null once it was. */
    first_use_by_day: string | null
    /** The contributor's own key, sealed under a key that only the code gives. */
    wrapped_key: Uint8Array
    quota_bytes: number
    used_bytes: number
    last_seen_day: string | null
  }
  contributor_sessions: {
    /** SHA-256 of the token. */
    token_hash: Uint8Array
    contributor_id: ContributorId
    /** The contributor's own key, sealed under a key that only the token gives. */
    wrapped_key: Uint8Array
    /** Idle and absolute limits are kept in memory; after a restart the day alone bounds a session. */
    created_day: string
  }
  uploads: {
    id: UploadId
    clip_id: ClipId
    contributor_id: ContributorId
    project_id: ProjectId
    state: UploadState
    via: 'tus' | 'form'
    /** Null while the length is deferred. */
    length_bytes: number | null
    /** Durable and acknowledged; what a HEAD answers. */
    offset_bytes: number
    /** From an allow-list (`video`, `image`, `audio`), never a file name. */
    type_hint: string | null
    /** State of the block digest at `offset_bytes`, sealed under the contributor's own key. */
    digest_state: Uint8Array | null
    /** SHA-256 of the client-made creation key; makes a repeated creation find the same upload. */
    creation_key: Uint8Array | null
    /** 1 when the phone's block digest equalled ours, 0 when it differed, null when not compared. */
    phone_matched: number | null
    /** 1 where the sender went away before the end and what came is kept as it is. */
    truncated: number
    last_active_day: string
  }
  segments: {
    upload_id: UploadId
    part: number
    seq: number
    plain_offset: number
    plain_bytes: number
    /** Where the segment, an age file of its own, lies in the upload's quarantine object. */
    file_offset: number
    file_bytes: number
  }
  /** What intake tells the worker; written in the transaction of the fact itself. */
  outbox: { id: string; kind: 'upload_complete'; upload_id: UploadId; done: number }
}

export type KeyringDatabase = {
  /**
   * The original's file key, sealed to the worker's processing key; the row goes, the server can't open it.
   * A row belongs to one stored object: two workers that seal the same clip never replace each other's key.
   */
  processing_wraps: {
    clip_id: ClipId
    blob_key: string
    wrapped_file_key: Uint8Array
    drop_after_day: string | null
  }
}

export type CatalogDatabase = {
  /** What the worker and the supervisor say about themselves, for the administrators' page: sandbox, separated. */
  server_facts: { key: string; value: string }
  projects: { id: ProjectId; name: string; created_at: number }
  staff: {
    id: StaffId
    project_id: ProjectId
    role: StaffRole
    /** Lower-case sign-in name, unique in the installation. */
    login: string
    /** What colleagues see beside comments. */
    name: string
    password_hash: string
    /** TOTP secret sealed under the desk's secret. */
    totp_sealed: Uint8Array
    /** Last time step that was used: a code works once. */
    totp_last_step: number
    state: 'active' | 'revoked'
    created_at: number
    last_seen_day: string | null
  }
  staff_sessions: {
    token_hash: Uint8Array
    staff_id: StaffId
    created_at: number
    last_used_at: number
  }
  /** One-time links: the first administrator's set-up link and invitations of staff. */
  invitations: {
    token_hash: Uint8Array
    project_id: ProjectId
    role: StaffRole
    name: string
    /** TOTP secret offered when the link was opened, sealed under the desk's secret. */
    totp_sealed: Uint8Array | null
    expires_at: number
    used: number
  }
  /** The desk's view of a contributor: the alias. The code's row is in intake's database. */
  contributors: {
    id: ContributorId
    project_id: ProjectId
    alias: string
    state: ContributorState
    created_at: number
  }
  clips: {
    id: ClipId
    project_id: ProjectId
    contributor_id: ContributorId
    upload_id: UploadId
    /** Generated, unique in the project, speakable: what an edit suite calls the reel. */
    reel: string
    title: string
    note: string
    rating: number
    state: ClipState
    /** Registered error code where the state is refused, stuck or corrupt. */
    reason: string | null
    /** More about the reason, safe to show: names of tags or checks, never values. */
    reason_detail: string | null
    received_day: string
    original_bytes: number
    original_sha256: string | null
    /** 1 where the upload broke off and what arrived was processed. */
    partial: number
    release: ReleaseState
    /** JSON of `MediaInfo` of the proxy. */
    media: string | null
    /** JSON of `Certificate`. */
    certificate: string | null
    /** Grows with every visible change in the installation; the desk's live events are rows above a number. */
    revision: number
  }
  clip_blobs: {
    clip_id: ClipId
    kind: BlobKind
    area: 'sealed' | 'clean' | 'derived'
    blob_key: string
    content_type: string
    size_bytes: number
    sha256: string
    /** JSON of what a reader of the blob must know; for a filmstrip its tiles (`filmstrip` in contract/clips.ts). */
    facts: string | null
  }
  clip_care: { clip_id: ClipId; flag: CareFlag }
  clip_tags: { clip_id: ClipId; tag: string }
  clip_assignments: { clip_id: ClipId; staff_id: StaffId }
  selects: {
    id: SelectId
    clip_id: ClipId
    /** Frames of the proxy; in is inclusive, out exclusive. */
    in_frame: number
    out_frame: number
    label: string
    staff_id: StaffId
    created_at: number
  }
  comments: {
    id: CommentId
    clip_id: ClipId
    frame: number
    text: string
    staff_id: StaffId
    created_at: number
  }
  bins: { id: BinId; project_id: ProjectId; name: string; created_at: number }
  bin_items: { bin_id: BinId; position: number; clip_id: ClipId; select_id: SelectId | null }
  /** Who did what to which object, staff only: releases, downloads, revocations, invitations. */
  acts: {
    id: Generated<number>
    project_id: ProjectId
    at: number
    staff_id: StaffId | null
    verb: string
    object_id: string
    detail: string
  }
  jobs: {
    id: JobId
    /** What the job is about; one unfinished job a kind and subject. */
    kind: string
    subject: string
    /** Whose turn it is: lanes are served in turn, so that a long backlog of one never holds up another. */
    lane: string
    /** A finished job is deleted. */
    state: 'ready' | 'leased' | 'set_aside'
    attempts: number
    /** UTC ms before which it is not claimed. */
    run_after: number
    leased_until: number | null
    /** Fencing token: grows with each claim; settling with an old one does nothing. */
    token: number
    reason: string | null
  }
  /** One row: the source of `clips.revision`. */
  revision_counter: { id: 1; value: number }
}

export type BlobKind = 'original' | 'master' | 'proxy' | 'poster' | 'filmstrip' | 'waveform'
