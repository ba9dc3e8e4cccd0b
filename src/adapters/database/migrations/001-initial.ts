/** The first shape of the three databases. Never edited after release: later changes are new files. */
import { sql, type Kysely } from 'kysely'

/** Intake's database. Random keys `WITHOUT ROWID`, so that rows do not lie in order of arrival. */
export async function intakeInitial(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE contributors (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, lookup BLOB NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('invited','active','paused','revoked')),
    first_use_by_day TEXT, wrapped_key BLOB NOT NULL,
    quota_bytes INTEGER NOT NULL CHECK (quota_bytes >= 0), used_bytes INTEGER NOT NULL DEFAULT 0,
    last_seen_day TEXT
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE contributor_sessions (
    token_hash BLOB PRIMARY KEY, contributor_id TEXT NOT NULL REFERENCES contributors(id) ON DELETE CASCADE,
    wrapped_key BLOB NOT NULL, created_day TEXT NOT NULL
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE INDEX contributor_sessions_by_person ON contributor_sessions(contributor_id)`.execute(db)
  await sql`CREATE TABLE uploads (
    id TEXT PRIMARY KEY, clip_id TEXT NOT NULL UNIQUE,
    contributor_id TEXT NOT NULL REFERENCES contributors(id), project_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('receiving','complete','sealed','removed','expired','corrupt')),
    via TEXT NOT NULL CHECK (via IN ('tus','form')),
    length_bytes INTEGER, offset_bytes INTEGER NOT NULL DEFAULT 0,
    type_hint TEXT, digest_state BLOB, creation_key BLOB,
    phone_matched INTEGER CHECK (phone_matched IN (0,1)),
    truncated INTEGER NOT NULL DEFAULT 0 CHECK (truncated IN (0,1)),
    last_active_day TEXT NOT NULL,
    CHECK (offset_bytes >= 0 AND (length_bytes IS NULL OR offset_bytes <= length_bytes))
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE UNIQUE INDEX uploads_by_creation_key ON uploads(contributor_id, creation_key)
    WHERE creation_key IS NOT NULL`.execute(db)
  await sql`CREATE INDEX uploads_by_person ON uploads(contributor_id, state)`.execute(db)
  await sql`CREATE TABLE segments (
    upload_id TEXT NOT NULL REFERENCES uploads(id), part INTEGER NOT NULL, seq INTEGER NOT NULL,
    plain_offset INTEGER NOT NULL, plain_bytes INTEGER NOT NULL CHECK (plain_bytes > 0),
    file_offset INTEGER NOT NULL, file_bytes INTEGER NOT NULL CHECK (file_bytes > 0),
    PRIMARY KEY (upload_id, part, seq)
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE outbox (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, upload_id TEXT NOT NULL REFERENCES uploads(id),
    done INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0,1)), UNIQUE (kind, upload_id)
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE INDEX outbox_open ON outbox(id) WHERE done = 0`.execute(db)
}

/** The keyring: small, apart, so that deleting a row is the deletion. */
export async function keyringInitial(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE processing_wraps (
    clip_id TEXT NOT NULL, blob_key TEXT NOT NULL, wrapped_file_key BLOB NOT NULL, drop_after_day TEXT,
    PRIMARY KEY (clip_id, blob_key)
  ) WITHOUT ROWID`.execute(db)
}

/** The catalogue: people of the desk, clips, what is said about them, and the queue. */
export async function catalogInitial(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE server_facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID`.execute(
    db,
  )
  await sql`CREATE TABLE staff (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id),
    role TEXT NOT NULL CHECK (role IN ('editor','translator','admin')),
    login TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password_hash TEXT NOT NULL,
    totp_sealed BLOB NOT NULL, totp_last_step INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('active','revoked')), created_at INTEGER NOT NULL, last_seen_day TEXT
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE staff_sessions (
    token_hash BLOB PRIMARY KEY, staff_id TEXT NOT NULL REFERENCES staff(id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE INDEX staff_sessions_by_person ON staff_sessions(staff_id)`.execute(db)
  await sql`CREATE TABLE invitations (
    token_hash BLOB PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id),
    role TEXT NOT NULL CHECK (role IN ('editor','translator','admin')), name TEXT NOT NULL,
    totp_sealed BLOB, expires_at INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0,1))
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE contributors (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id), alias TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('invited','active','paused','revoked')), created_at INTEGER NOT NULL,
    UNIQUE (project_id, alias)
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE clips (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id),
    contributor_id TEXT NOT NULL, upload_id TEXT NOT NULL UNIQUE,
    reel TEXT NOT NULL, title TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',
    rating INTEGER NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 5),
    state TEXT NOT NULL CHECK (state IN ('receiving','quarantined','sealed','inspected','sanitized','derived',
      'published','incomplete','corrupt','refused','stuck')),
    reason TEXT, reason_detail TEXT, received_day TEXT NOT NULL,
    original_bytes INTEGER NOT NULL, original_sha256 TEXT,
    partial INTEGER NOT NULL DEFAULT 0 CHECK (partial IN (0,1)),
    release TEXT NOT NULL DEFAULT 'held' CHECK (release IN ('held','cleared','never')),
    media TEXT, certificate TEXT, revision INTEGER NOT NULL,
    UNIQUE (project_id, reel)
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE INDEX clips_by_day ON clips(project_id, received_day DESC, id)`.execute(db)
  await sql`CREATE INDEX clips_by_revision ON clips(revision)`.execute(db)
  await sql`CREATE TABLE clip_blobs (
    clip_id TEXT NOT NULL REFERENCES clips(id) ON DELETE CASCADE, kind TEXT NOT NULL, area TEXT NOT NULL,
    blob_key TEXT NOT NULL, content_type TEXT NOT NULL, size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, facts TEXT,
    PRIMARY KEY (clip_id, kind)
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE clip_care (
    clip_id TEXT NOT NULL REFERENCES clips(id) ON DELETE CASCADE, flag TEXT NOT NULL, PRIMARY KEY (clip_id, flag)
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE clip_tags (
    clip_id TEXT NOT NULL REFERENCES clips(id) ON DELETE CASCADE, tag TEXT NOT NULL, PRIMARY KEY (clip_id, tag)
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE INDEX clip_tags_by_tag ON clip_tags(tag)`.execute(db)
  await sql`CREATE TABLE clip_assignments (
    clip_id TEXT NOT NULL REFERENCES clips(id) ON DELETE CASCADE,
    staff_id TEXT NOT NULL REFERENCES staff(id) ON DELETE CASCADE, PRIMARY KEY (clip_id, staff_id)
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE selects (
    id TEXT PRIMARY KEY, clip_id TEXT NOT NULL REFERENCES clips(id) ON DELETE CASCADE,
    in_frame INTEGER NOT NULL CHECK (in_frame >= 0), out_frame INTEGER NOT NULL CHECK (out_frame > in_frame),
    label TEXT NOT NULL DEFAULT '', staff_id TEXT NOT NULL REFERENCES staff(id), created_at INTEGER NOT NULL
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE INDEX selects_by_clip ON selects(clip_id, in_frame)`.execute(db)
  await sql`CREATE TABLE comments (
    id TEXT PRIMARY KEY, clip_id TEXT NOT NULL REFERENCES clips(id) ON DELETE CASCADE,
    frame INTEGER NOT NULL CHECK (frame >= 0), text TEXT NOT NULL CHECK (length(text) BETWEEN 1 AND 4000),
    staff_id TEXT NOT NULL REFERENCES staff(id), created_at INTEGER NOT NULL
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE INDEX comments_by_clip ON comments(clip_id, frame)`.execute(db)
  await sql`CREATE TABLE bins (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id), name TEXT NOT NULL,
    created_at INTEGER NOT NULL, UNIQUE (project_id, name)
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE bin_items (
    bin_id TEXT NOT NULL REFERENCES bins(id) ON DELETE CASCADE, position INTEGER NOT NULL,
    clip_id TEXT NOT NULL REFERENCES clips(id) ON DELETE CASCADE,
    select_id TEXT REFERENCES selects(id) ON DELETE CASCADE, PRIMARY KEY (bin_id, position)
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE acts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, at INTEGER NOT NULL, staff_id TEXT,
    verb TEXT NOT NULL, object_id TEXT NOT NULL, detail TEXT NOT NULL DEFAULT ''
  )`.execute(db)
  await sql`CREATE TABLE jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, lane TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL CHECK (state IN ('ready','leased','set_aside')),
    attempts INTEGER NOT NULL DEFAULT 0, run_after INTEGER NOT NULL, leased_until INTEGER,
    token INTEGER NOT NULL DEFAULT 0, reason TEXT
  ) WITHOUT ROWID`.execute(db)
  await sql`CREATE UNIQUE INDEX jobs_one_open ON jobs(kind, subject) WHERE state IN ('ready','leased')`.execute(
    db,
  )
  await sql`CREATE INDEX jobs_due ON jobs(run_after) WHERE state IN ('ready','leased')`.execute(db)
  await sql`CREATE TABLE revision_counter (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL)`.execute(
    db,
  )
  await sql`INSERT INTO revision_counter (id, value) VALUES (1, 0)`.execute(db)
  // What people type finds a clip by title, reel, note and tags; diacritics fold, Arabic and Latin alike.
  await sql`CREATE VIRTUAL TABLE clip_search USING fts5(
    clip_id UNINDEXED, words, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3'
  )`.execute(db)
  // Else the words of a note that was taken back stay readable in the file until the index happens to be merged.
  await sql`INSERT INTO clip_search (clip_search, rank) VALUES ('secure-delete', 1)`.execute(db)
}
