/**
 * Live state of clips, as server-sent events.
 *
 * The database is asked whether anything is new, by one query each half second for all listeners together, and only
 * while somebody listens: so what another process changed is seen like what this one did.
 */
import type { Response } from 'express'
import { asStaff, may, roleOf } from '../access/policy.ts'
import type { CatalogDb } from '../adapters/database/database.ts'
import type { Logger } from '../adapters/logger.ts'
import { clipsSince } from '../catalog/clip-list.ts'
import { latestRevision } from '../catalog/clips.ts'
import type { Staff } from '../domain/people.ts'
import { route, type Call, type Route } from '../http/route.ts'
import { scopeOf, type ReviewDeps } from './deps.ts'
import { toSummary } from './wire.ts'

const POLL_MS = 500
/** Proxies drop a silent connection after about a minute. */
const HEARTBEAT_MS = 15_000
/** Somebody who was removed sees nothing more after this long. */
const SESSION_CHECK_MS = 2_000
const BATCH = 200

/** GET /api/clips/events: `ready` with the present revision, then a `clip` for each change that the caller may see. */
export function progressRoute(deps: ReviewDeps): Route {
  const feed = createRevisionFeed(deps.catalogDb, deps.logger)
  return route({
    method: 'get',
    path: '/api/clips/events',
    action: 'clips.list',
    handle: (call) => stream(deps, feed, call),
  })
}

type RevisionFeed = {
  /** Calls `listener` after each look at the database, with the newest revision; returns how to stop it. */
  subscribe(listener: (revision: number) => void): () => void
}

function createRevisionFeed(db: CatalogDb, logger: Logger): RevisionFeed {
  const listeners = new Set<(revision: number) => void>()
  let timer: NodeJS.Timeout | undefined

  const look = async (): Promise<void> => {
    try {
      const revision = await latestRevision(db)
      for (const listener of listeners) listener(revision)
    } catch (error) {
      // The next look may succeed; the streams stay open meanwhile.
      logger.error('revision not read', error)
    }
    timer = listeners.size === 0 ? undefined : setTimeout(() => void look(), POLL_MS)
  }
  return {
    subscribe(listener) {
      listeners.add(listener)
      timer ??= setTimeout(() => void look(), POLL_MS)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}

async function stream(deps: ReviewDeps, feed: RevisionFeed, call: Call<undefined>): Promise<void> {
  const { res } = call
  const who = asStaff(call.who)
  const ended = deps.closing === undefined ? call.signal : AbortSignal.any([call.signal, deps.closing])
  let sent = await latestRevision(deps.catalogDb)
  res.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'X-Accel-Buffering': 'no',
    // Nothing else is asked on this connection; kept alive after the end, it would hold a desk that wants to close.
    Connection: 'close',
  })
  await write(res, `event: ready\ndata: ${JSON.stringify({ revision: sent })}\n\n`, ended)

  let checkedAt = performance.now()
  let wroteAt = checkedAt
  while (!ended.aborted) {
    const revision = await nextLook(feed, ended)
    const now = performance.now()
    if (now - checkedAt >= SESSION_CHECK_MS) {
      checkedAt = now
      if (!(await isStillAllowed(deps, call, who))) break
    }
    if (revision !== undefined && revision > sent) {
      await sendChanges(deps, res, who, sent, ended)
      sent = revision
      wroteAt = now
    } else if (now - wroteAt >= HEARTBEAT_MS) {
      await write(res, ':\n\n', ended)
      wroteAt = now
    }
  }
  res.end()
}

/** The newest revision at the next look, or undefined when the stream has ended before. */
function nextLook(feed: RevisionFeed, ended: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    const settle = (revision: number | undefined): void => {
      stop()
      ended.removeEventListener('abort', onEnd)
      resolve(revision)
    }
    const onEnd = (): void => settle(undefined)
    const stop = feed.subscribe(settle)
    if (ended.aborted) onEnd()
    else ended.addEventListener('abort', onEnd, { once: true })
  })
}

/** A clip that changes while this runs has a higher revision than was asked for, and is sent now, later, or twice. */
async function sendChanges(
  deps: ReviewDeps,
  res: Response,
  who: Staff,
  since: number,
  ended: AbortSignal,
): Promise<void> {
  let after = since
  while (!ended.aborted) {
    const views = await clipsSince(deps.catalogDb, scopeOf(who), after, BATCH)
    for (const view of views) {
      await write(res, `event: clip\ndata: ${JSON.stringify(toSummary(view, who))}\n\n`, ended)
    }
    const last = views.at(-1)
    if (last === undefined || views.length < BATCH) return
    after = last.row.revision
  }
}

/** The same person, in the same role and project, with a session that still stands. */
async function isStillAllowed(deps: ReviewDeps, call: Call<undefined>, before: Staff): Promise<boolean> {
  const now = await deps.look(call.req)
  return (
    now.kind === 'staff' &&
    now.staffId === before.staffId &&
    now.projectId === before.projectId &&
    now.role === before.role &&
    may(roleOf(now), 'clips.list')
  )
}

/** Waits where the reader is slower than we are, so that a stalled page does not fill our memory. */
async function write(res: Response, text: string, ended: AbortSignal): Promise<void> {
  if (ended.aborted || res.destroyed || res.write(text)) return
  await new Promise<void>((resolve) => {
    const go = (): void => {
      res.off('drain', go)
      ended.removeEventListener('abort', go)
      resolve()
    }
    res.on('drain', go)
    ended.addEventListener('abort', go, { once: true })
  })
}
