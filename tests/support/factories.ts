/** Rows as the product itself would have written them, for tests that begin in the middle of a story. */
import { createHash, randomBytes } from 'node:crypto'
import { parseBlobKey, type BlobArea, type BlobStore } from '../../src/adapters/blobs/blob-store.ts'
import type { CatalogDb } from '../../src/adapters/database/database.ts'
import type { BlobKind } from '../../src/adapters/database/schema.ts'
import { newId, newUploadId } from '../../src/adapters/ids.ts'
import { addClipBlob, findClip, moveClip, recordClip, type ClipRow } from '../../src/catalog/clips.ts'
import type {
  ClipId,
  ClipState,
  ContributorId,
  ProjectId,
  StaffId,
  StaffRole,
} from '../../src/domain/clip.ts'
import { CLIP_STATES, nextState } from '../../src/domain/clip.ts'
import type { MediaInfo, Rational } from '../../src/domain/media.ts'
import type { Staff } from '../../src/domain/people.ts'

/** A film. */
export async function makeProject(db: CatalogDb, name = 'Test film'): Promise<ProjectId> {
  const id = newId('proj')
  await db.insertInto('projects').values({ id, name, created_at: 0 }).execute()
  return id
}

/** A contributor as the desk knows them. */
export async function makeContributor(
  db: CatalogDb,
  projectId: ProjectId,
  alias?: string,
): Promise<ContributorId> {
  const id = newId('contrib')
  const values = {
    id,
    project_id: projectId,
    alias: alias ?? `alias ${id.slice(-6)}`,
    state: 'active',
    created_at: 0,
  } as const
  await db.insertInto('contributors').values(values).execute()
  return id
}

/** A colleague who is signed in, and the bearer token of their session. */
export type SignedIn = Staff & { readonly token: string }

/** Makes a colleague with an open session. They cannot sign in again: the password's hash is none. */
export async function makeStaff(
  db: CatalogDb,
  projectId: ProjectId,
  role: StaffRole,
  name = `${role} ${randomBytes(3).toString('hex')}`,
): Promise<SignedIn> {
  const staffId: StaffId = newId('staff')
  const token = randomBytes(32).toString('base64url')
  await db
    .insertInto('staff')
    .values({
      id: staffId,
      project_id: projectId,
      role,
      login: staffId.slice(-16),
      name,
      password_hash: '',
      totp_sealed: new Uint8Array(0),
      totp_last_step: 0,
      state: 'active',
      created_at: 0,
      last_seen_day: null,
    })
    .execute()
  await db
    .insertInto('staff_sessions')
    .values({
      token_hash: createHash('sha256').update(token).digest(),
      staff_id: staffId,
      created_at: Date.now(),
      last_used_at: Date.now(),
    })
    .execute()
  return { kind: 'staff', staffId, projectId, role, name, token }
}

/** Facts of a made-up clip: 25 frames a second and ten seconds long unless something else is said. */
export function makeMedia(more: Partial<MediaInfo> & { rate?: Rational; frames?: number } = {}): MediaInfo {
  const { rate = { num: 25, den: 1 }, frames = 250, ...rest } = more
  return {
    kind: 'video',
    container: 'mp4',
    durationMs: (frames * 1000 * rate.den) / rate.num,
    sizeBytes: 1_000_000,
    video: {
      codec: 'h264',
      width: 1920,
      height: 1080,
      rotation: 0,
      frameRate: rate,
      variableFrameRate: false,
      frames,
      hdr: false,
    },
    audio: { codec: 'aac', channels: 2, sampleRate: 48_000 },
    ...rest,
  }
}

type NewClip = {
  readonly projectId: ProjectId
  readonly contributorId?: ContributorId
  readonly day?: string
  readonly originalBytes?: number
  /** Walks there by lawful moves. */
  readonly state?: ClipState
  readonly media?: MediaInfo
}

/** A clip that went as far as `state`, by default `published`, without any objects yet. */
export async function makeClip(db: CatalogDb, clip: NewClip): Promise<ClipRow> {
  const clipId: ClipId = newId('clip')
  const target = clip.state ?? 'published'
  await recordClip(db, {
    clipId,
    uploadId: newUploadId(),
    projectId: clip.projectId,
    contributorId: clip.contributorId ?? (await makeContributor(db, clip.projectId)),
    originalBytes: clip.originalBytes ?? 2_000_000,
    partial: false,
    day: clip.day ?? '2026-11-24',
  })
  let state: ClipState = 'quarantined'
  while (state !== target) {
    const onward: ClipState | undefined = isOnTheWay(target) ? nextState(state) : target
    if (onward === undefined) throw new Error(`no way from ${state} to ${target}`)
    const media = onward === 'inspected' ? { media: clip.media ?? makeMedia() } : {}
    await moveClip(db, clipId, state, onward, {
      ...media,
      ...(onward === 'refused' ? { reason: 'media_damaged' } : {}),
    })
    state = onward
  }
  const row = await findClip(db, clipId)
  if (row === undefined) throw new Error('the clip was not made')
  return row
}

const AREA_OF: Readonly<Record<BlobKind, BlobArea>> = {
  original: 'sealed',
  master: 'clean',
  proxy: 'derived',
  poster: 'derived',
  filmstrip: 'derived',
  waveform: 'derived',
}

/** Stores bytes as one of the clip's objects. */
export async function giveBlob(
  db: CatalogDb,
  blobs: BlobStore,
  clipId: ClipId,
  kind: BlobKind,
  bytes: Uint8Array,
  contentType: string,
  facts?: unknown,
): Promise<void> {
  const key = parseBlobKey(`${clipId}-${kind}`)
  if (key === undefined) throw new Error('not a key')
  const area = AREA_OF[kind]
  const stored = await blobs.put(area, key, once(bytes))
  await addClipBlob(db, {
    clipId,
    kind,
    area,
    key,
    contentType,
    ...stored,
    ...(facts === undefined ? {} : { facts }),
  })
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function isOnTheWay(state: ClipState): boolean {
  return CLIP_STATES.indexOf(state) <= CLIP_STATES.indexOf('published')
}
