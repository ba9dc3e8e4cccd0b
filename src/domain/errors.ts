/**
 * The register of everything that can go wrong, in our vocabulary.
 *
 * An error knows what happened (`code`), what sort of thing it is (`kind`), what the caller
 * may see (`details`) and whether trying again could help. It does not know HTTP.
 */

export type ErrorKind = 'invalid' | 'unauthenticated' | 'forbidden' | 'not_found' | 'conflict' | 'gone' | 'too_large' | 'unsupported' | 'rate_limited' | 'full' | 'unavailable' | 'internal'

type Entry = { readonly kind: ErrorKind; readonly title: string; readonly remedy: string }

/** Every code with its kind, a title for people and what to do about it. `docs/http-api.md` lists the same. */
export const ERRORS = {
  // asking
  invalid_request: { kind: 'invalid', title: 'The request is not well formed', remedy: 'Correct the fields named in details and send it again.' },
  not_found: { kind: 'not_found', title: 'There is nothing here', remedy: 'Check the address. What you may not see is answered like this too.' },
  method_not_allowed: { kind: 'invalid', title: 'This address does not do that', remedy: 'Use one of the methods named in the Allow header.' },
  range_not_satisfiable: { kind: 'invalid', title: 'That part lies outside the file', remedy: 'Ask for a range inside it; Content-Range says how long it is.' },
  body_too_large: { kind: 'too_large', title: 'The request is too long', remedy: 'Send less at once.' },
  rate_limited: { kind: 'rate_limited', title: 'Too many attempts', remedy: 'Wait as long as Retry-After says.' },
  internal: { kind: 'internal', title: 'Something went wrong on our side', remedy: 'Try again; if it stays, tell an administrator the request id.' },
  busy: { kind: 'unavailable', title: 'Busy', remedy: 'Wait as long as Retry-After says and try again.' },
  // access
  not_signed_in: { kind: 'unauthenticated', title: 'Not signed in', remedy: 'Sign in and try again.' },
  wrong_credentials: { kind: 'unauthenticated', title: 'That did not match', remedy: 'Check what you typed and try again.' },
  forbidden: { kind: 'forbidden', title: 'Not allowed for your role', remedy: 'Ask an administrator.' },
  cross_site_request: { kind: 'forbidden', title: 'The request came from another site', remedy: 'Use the page itself.' },
  invitation_not_valid: { kind: 'gone', title: 'This link is used up or too old', remedy: 'Ask an administrator for a new one.' },
  password_too_short: { kind: 'invalid', title: 'The password is too short', remedy: 'Use at least 15 characters.' },
  login_taken: { kind: 'conflict', title: 'That sign-in name is taken', remedy: 'Choose another one.' },
  alias_taken: { kind: 'conflict', title: 'That alias is taken', remedy: 'Choose another one.' },
  vault_already_set: { kind: 'conflict', title: 'A vault key is already set', remedy: 'Keep using it. Changing the key of a running installation is not possible yet.' },
  last_administrator: { kind: 'conflict', title: 'This is the last administrator', remedy: 'Invite another administrator first.' },
  // intake
  intake_closed: { kind: 'unavailable', title: 'Not open for uploads', remedy: 'Try later. Nothing that was sent is lost.' },
  upload_too_large: { kind: 'too_large', title: 'The file is too large', remedy: 'Send a shorter clip, or ask the desk for a larger limit.' },
  upload_empty: { kind: 'invalid', title: 'The file is empty', remedy: 'Choose the clip again.' },
  quota_exceeded: { kind: 'too_large', title: 'The limit for this code is used up', remedy: 'Ask the desk for more room.' },
  too_many_uploads: { kind: 'rate_limited', title: 'Too many unfinished uploads', remedy: 'Finish or remove one first.' },
  disk_full: { kind: 'full', title: 'No room on the server', remedy: 'Wait and go on; what has arrived is kept.' },
  creation_key_reused: { kind: 'conflict', title: 'That key belongs to another upload', remedy: 'Make a new key for each file.' },
  upload_version: { kind: 'invalid', title: 'This upload protocol is not spoken here', remedy: 'Use the version named in the Tus-Version header.' },
  upload_body_type: { kind: 'unsupported', title: 'An upload is sent as bare bytes', remedy: 'Use the content type application/offset+octet-stream, without an encoding.' },
  offset_mismatch: { kind: 'conflict', title: 'The upload goes on at another place', remedy: 'Ask for the offset and continue there.' },
  upload_locked: { kind: 'unavailable', title: 'Another request holds this upload', remedy: 'Wait as long as Retry-After says.' },
  upload_finished: { kind: 'forbidden', title: 'This upload is finished', remedy: 'Nothing more to send.' },
  upload_gone: { kind: 'gone', title: 'This upload is no longer kept', remedy: 'Start again.' },
  digest_mismatch: { kind: 'conflict', title: 'What arrived differs from what was sent', remedy: 'Send the clip again.' },
  // media: refusals
  container_not_accepted: { kind: 'unsupported', title: 'This kind of file is not accepted', remedy: 'See the list of accepted formats.' },
  codec_not_accepted: { kind: 'unsupported', title: 'This picture or sound format is not accepted', remedy: 'See the list of accepted formats.' },
  media_damaged: { kind: 'unsupported', title: 'The file is damaged beyond reading', remedy: 'Send the clip again from the phone it was filmed on.' },
  media_empty: { kind: 'unsupported', title: 'There is no picture or sound in the file', remedy: 'Choose another file.' },
  media_too_big: { kind: 'unsupported', title: 'Picture, length or number of tracks is over the limit', remedy: 'Send a smaller clip.' },
  external_reference: { kind: 'unsupported', title: 'The file points at other files', remedy: 'Send a self-contained clip.' },
  hidden_content: { kind: 'unsupported', title: 'The file is two kinds of file at once', remedy: 'Send the clip as the camera wrote it.' },
  not_proven_clean: { kind: 'unsupported', title: 'The clean copy could not be proven clean', remedy: 'The original stays sealed; a key holder can look at it.' },
  raw_not_accepted: { kind: 'unsupported', title: 'Camera raw files cannot be cleaned', remedy: 'Send the picture as JPEG.' },
  original_corrupt: { kind: 'unsupported', title: 'The sealed segments do not verify', remedy: 'Ask the contributor to send the clip again.' },
  // tools and machines
  tool_failed: { kind: 'internal', title: 'A media program failed', remedy: 'It is tried again by itself; after that an administrator sees it.' },
  tool_timeout: { kind: 'internal', title: 'A media program took too long', remedy: 'It is tried again by itself; after that an administrator sees it.' },
  tool_missing: { kind: 'unavailable', title: 'A program that is needed is not installed', remedy: 'Run scripts/setup.' },
  sandbox_unproven: { kind: 'unavailable', title: 'The sandbox did not prove itself', remedy: 'See docs/operations.md, "Sandbox".' },
  storage_failed: { kind: 'internal', title: 'The storage did not keep what it was given', remedy: 'An administrator must look at the disk.' },
  storage_in_use: { kind: 'conflict', title: 'Another server uses this storage', remedy: 'Stop the other one first: two would clear away what the other is working on.' },
  original_locked: { kind: 'internal', title: 'The server can no longer open this original', remedy: 'A holder of the vault key can open it and send it in again.' },
  blob_damaged: { kind: 'internal', title: 'A stored object does not match its digest', remedy: 'Restore it from the backup.' },
  // review
  not_ready: { kind: 'conflict', title: 'Not ready yet', remedy: 'Wait until the clip is published.' },
  clip_not_cleared: { kind: 'forbidden', title: 'This clip is held', remedy: 'Somebody with the right to do so must clear it first.' },
  bin_name_taken: { kind: 'conflict', title: 'There is a bin of that name', remedy: 'Choose another name.' },
  nothing_to_cut: { kind: 'conflict', title: 'The bin holds nothing that a cut list can name', remedy: 'Add clips with picture or sound that are published.' },
  edl_too_long: { kind: 'conflict', title: 'The bin is too long for one edit list', remedy: 'Split it: a list holds 999 events and less than 24 hours.' },
  // sending from a laptop
  file_unreadable: { kind: 'invalid', title: 'The file cannot be read', remedy: 'Check its path and rights; a file must not change while it is sent.' },
  server_not_trusted: { kind: 'forbidden', title: 'The server is not the one that was expected', remedy: 'Compare the fingerprint with the one that the server printed at its start.' },
  // set-up
  config_invalid: { kind: 'invalid', title: 'The configuration is not sound', remedy: 'Correct the variable named in the message.' },
  vault_missing: { kind: 'unavailable', title: 'There is no vault key yet', remedy: 'Finish the set-up page, or run footbridge vault create.' },
} as const satisfies Record<string, Entry>

export type ErrorCode = keyof typeof ERRORS

type Options = {
  /** Only what the caller may see. Never a value from a file, a name, an address or a secret. */
  readonly details?: Readonly<Record<string, string | number | boolean>>
  /** Could the very same call succeed later? */
  readonly retryable?: boolean
  readonly cause?: unknown
}

/** The one error class that travels between folders; anything else is a bug. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly kind: ErrorKind
  readonly details: Readonly<Record<string, string | number | boolean>>
  readonly retryable: boolean

  constructor(code: ErrorCode, options: Options = {}) {
    super(ERRORS[code].title, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.kind = ERRORS[code].kind
    this.details = options.details ?? {}
    this.retryable = options.retryable ?? (this.kind === 'unavailable' || this.kind === 'full')
  }
}

/** Is this a refusal that the media earned, so that trying again cannot help and the original stays sealed? */
export function isRefusal(error: unknown): error is AppError {
  return error instanceof AppError && error.kind === 'unsupported'
}
