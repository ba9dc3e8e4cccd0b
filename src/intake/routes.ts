/** Intake's small JSON interface: sessions, unfinished uploads, and the receipt that is apart from the transfer. */
import { timingSafeEqual } from 'node:crypto'
import { asContributor } from '../access/policy.ts'
import type { IntakeDb } from '../adapters/database/database.ts'
import { claimDigestSchema, openSessionSchema, type UploadStatus } from '../contract/intake.ts'
import { parseUploadId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'
import type { Contributor } from '../domain/people.ts'
import { clearToken, readToken, setToken } from '../http/cookies.ts'
import { route, type Route } from '../http/route.ts'
import type { Access } from './access.ts'
import { SESSION_COOKIE } from './page-routes.ts'
import type { Receiver } from './receive.ts'
import { findUpload, isFinished, listUnfinished, recordMatch, type UploadRow } from './uploads.ts'

type Deps = { readonly intakeDb: IntakeDb; readonly access: Access; readonly receiver: Receiver }

/** The JSON routes. Uploads themselves go through `tusHandler`, the page through `pageRoutes`. */
export function apiRoutes({ intakeDb, access, receiver }: Deps): readonly Route[] {
  async function own(who: Contributor, id: string | undefined): Promise<UploadRow> {
    const parsed = id === undefined ? undefined : parseUploadId(id)
    const row = parsed && (await findUpload(intakeDb, who.contributorId, parsed))
    if (row === undefined || row.via !== 'tus') throw new AppError('not_found')
    return row
  }

  return [
    route({
      method: 'get',
      path: '/healthz',
      action: 'health.read',
      handle: async () => {
        // Touches the database, so that a process that is up but of no use does not count as well.
        await intakeDb.selectFrom('settings').select('key').limit(1).execute()
        return { ok: true }
      },
    }),
    route({
      method: 'post',
      path: '/api/session',
      action: 'session.open',
      body: openSessionSchema,
      handle: async ({ input, res }) => {
        const { token } = await access.open(input.code)
        setToken(res, SESSION_COOKIE, token)
        return { token }
      },
    }),
    route({
      method: 'delete',
      path: '/api/session',
      action: 'session.close',
      handle: async ({ req, res }) => {
        const token = readToken(req, SESSION_COOKIE)
        if (token !== undefined) await access.leave(token)
        clearToken(res, SESSION_COOKIE)
        res.setHeader('Clear-Site-Data', '"*"')
      },
    }),
    route({
      method: 'get',
      path: '/api/uploads',
      action: 'uploads.list',
      handle: async ({ who }) => {
        const rows = await listUnfinished(intakeDb, asContributor(who).contributorId)
        return { uploads: rows.map(toStatus) }
      },
    }),
    route({
      method: 'get',
      path: '/api/uploads/:id',
      action: 'uploads.read',
      handle: async ({ who, params }) => toStatus(await own(asContributor(who), params['id'])),
    }),
    route({
      method: 'post',
      path: '/api/uploads/:id/digest',
      action: 'uploads.write',
      body: claimDigestSchema,
      handle: async ({ who, params, input }) => {
        const contributor = asContributor(who)
        const row = await own(contributor, params['id'])
        if (!isFinished(row.state)) throw new AppError('not_ready')
        const ours = Buffer.from(await receiver.digestOf(contributor, row), 'hex')
        await recordMatch(intakeDb, row.id, timingSafeEqual(ours, Buffer.from(input.blockDigest, 'hex')))
        return toStatus(await own(contributor, params['id']))
      },
    }),
  ]
}

function toStatus(row: UploadRow): UploadStatus {
  return {
    id: row.id,
    state: stateOf(row),
    offset: row.offset_bytes,
    length: row.length_bytes,
    matched: row.phone_matched === null ? null : row.phone_matched === 1,
  }
}

function stateOf({ state }: UploadRow): UploadStatus['state'] {
  switch (state) {
    case 'receiving':
      return 'receiving'
    case 'complete':
      return 'arrived'
    case 'sealed':
      return 'sealed'
    case 'corrupt':
      return 'damaged'
    case 'removed':
      throw new AppError('not_found')
    case 'expired':
      throw new AppError('upload_gone')
  }
}
