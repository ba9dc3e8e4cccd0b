/**
 * Every route of both fronts against every role, over HTTP, on the real apps.
 *
 * The table below is the promise. A route without a row fails, so does a row without a route, and so does anything in
 * Express that is neither. Where a route names something by id, the same thing of another project must be answered
 * byte for byte like a thing that does not exist, and stay as it was.
 */
import type { Express } from 'express'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/adapters/ids.ts'
import { inviteContributor, revokePerson } from '../../src/access/people.ts'
import { ASKERS, may, type Asker } from '../../src/access/policy.ts'
import { createStretcher } from '../../src/access/stretching.ts'
import { createDeskApp, deskRoutes } from '../../src/desk-app.ts'
import type { ProjectId, StaffRole } from '../../src/domain/clip.ts'
import { UPLOADS_PATH } from '../../src/domain/upload.ts'
import type { Route } from '../../src/http/route.ts'
import { callUrl } from '../support/access.ts'
import { startDesk, type TestDesk } from '../support/desk.ts'
import { makeClip, makeContributor, makeProject, makeStaff } from '../support/factories.ts'
import { startIntake, type TestIntake } from '../support/intake.ts'

type Row = { readonly allow: readonly Asker[]; readonly body?: unknown }
const row = (allow: string, body?: unknown): Row => ({ allow: allow.split(' ') as Asker[], body })

const ALL = 'anonymous contributor editor translator admin'
const STAFF = 'editor translator admin'
const DESK = 'editor admin'

const DESK_TABLE: Readonly<Record<string, Row>> = {
  'GET /healthz': row(ALL),
  'GET /': row(ALL),
  'GET /join': row(ALL),
  'GET /clips/:id': row(ALL),
  'GET /bins': row(ALL),
  'GET /people': row(ALL),
  'GET /server': row(ALL),
  'GET /vault': row(ALL),
  'GET /api/session': row(STAFF),
  'POST /api/sign-in': row(ALL, {}),
  'POST /api/sign-out': row(ALL),
  'POST /api/join/begin': row(ALL, {}),
  'POST /api/join/complete': row(ALL, {}),
  'GET /api/people': row('admin'),
  'GET /api/translators': row('editor admin'),
  'POST /api/people/contributors': row('admin', { quotaBytes: 'none' }),
  'POST /api/people/staff': row('admin', {}),
  'PATCH /api/people/:id': row('admin', { quotaBytes: 1, paused: true }),
  'POST /api/people/:id/revoke': row('admin'),
  'PUT /api/vault': row('admin', {}),
  'GET /api/server': row('admin'),
  'PUT /api/server/intake': row('admin', {}),
  'POST /api/jobs/:id/retry': row('admin'),
  'GET /api/clips': row(STAFF),
  'GET /api/clips/events': row(STAFF),
  'GET /api/clips/:id': row(STAFF),
  'PATCH /api/clips/:id': row(DESK, { title: 'changed', release: 'cleared', tags: ['x'], assigned: [] }),
  'GET /api/clips/:id/proxy': row(STAFF),
  'GET /api/clips/:id/poster': row(STAFF),
  'GET /api/clips/:id/filmstrip': row(STAFF),
  'GET /api/clips/:id/waveform': row(STAFF),
  'GET /api/clips/:id/master': row(DESK),
  'POST /api/clips/:id/selects': row(DESK, { inFrame: 1, outFrame: 2 }),
  'DELETE /api/clips/:id/selects/:selectId': row(DESK),
  'POST /api/clips/:id/comments': row(STAFF, { frame: 1, text: 'x' }),
  'DELETE /api/clips/:id/comments/:commentId': row(STAFF),
  'GET /api/bins': row(DESK),
  'POST /api/bins': row(DESK, {}),
  'DELETE /api/bins/:id': row(DESK),
  'POST /api/bins/:id/items': row(DESK, { clipId: 'clip_00000000000000000000000000000000' }),
  'DELETE /api/bins/:id/items/:position': row(DESK),
  'GET /api/bins/:id/export.csv': row(DESK),
  'GET /api/bins/:id/export.edl': row(DESK),
}

const INTAKE_TABLE: Readonly<Record<string, Row>> = {
  'GET /healthz': row(ALL),
  'GET /favicon.ico': row(ALL),
  'GET /': row(ALL),
  'POST /': row(ALL),
  'POST /api/session': row(ALL, {}),
  'DELETE /api/session': row(ALL),
  'GET /api/uploads': row('contributor'),
  'GET /api/uploads/:id': row('contributor'),
  'POST /api/uploads/:id/digest': row('contributor', { blockDigest: '0'.repeat(64) }),
}

const nameOf = (route: Pick<Route, 'method' | 'path'>): string =>
  `${route.method.toUpperCase()} ${route.path}`
const UNKNOWN = '0'.repeat(32)

let desk: TestDesk
let intake: TestIntake
let own: ProjectId
let foreign: ProjectId

beforeAll(async () => {
  desk = await startDesk()
  intake = await startIntake()
  own = await makeProject(desk.catalogDb, 'Own')
  foreign = await makeProject(desk.catalogDb, 'Foreign')
  await desk.intakeDb.insertInto('settings').values({ key: 'kdf_salt', value: UNKNOWN }).execute()
})
afterAll(async () => {
  await desk.stop()
  await intake.close()
})

/** Paths of everything that Express would serve by itself, whoever put it there. */
function pathsIn(app: Express): string[] {
  return app.router.stack.flatMap((layer) => {
    const path: unknown = layer.route?.path
    return [path].flat().filter((one) => typeof one === 'string')
  })
}

describe('the table', () => {
  test('has a row for each route of the desk, and a route for each row', () => {
    expect(deskRoutes(desk.deps).map(nameOf).toSorted()).toEqual(Object.keys(DESK_TABLE).toSorted())
  })

  test('has a row for each route of intake, and a route for each row', () => {
    expect(intake.intake.routes.map(nameOf).toSorted()).toEqual(Object.keys(INTAKE_TABLE).toSorted())
  })

  test("leaves nothing in Express that is not in it, but the uploads' own door", () => {
    const listed = (table: Readonly<Record<string, Row>>): Set<string> =>
      new Set(Object.keys(table).map((name) => name.replace(/^\S+ /, '')))
    expect(new Set(pathsIn(createDeskApp(desk.deps)))).toEqual(listed(DESK_TABLE))
    const intakePaths = listed(INTAKE_TABLE)
    intakePaths.add(UPLOADS_PATH)
    intakePaths.add(`${UPLOADS_PATH}/{*id}`)
    expect(new Set(pathsIn(intake.intake.app))).toEqual(intakePaths)
  })

  test('agrees with the policy, action by action', () => {
    const said = (table: Readonly<Record<string, Row>>, routes: readonly Route[]) =>
      routes.map((route) => [nameOf(route), [...(table[nameOf(route)]?.allow ?? [])].toSorted()])
    const meant = (routes: readonly Route[]) =>
      routes.map((route) => [nameOf(route), ASKERS.filter((role) => may(role, route.action)).toSorted()])
    expect(said(DESK_TABLE, deskRoutes(desk.deps))).toEqual(meant(deskRoutes(desk.deps)))
    expect(said(INTAKE_TABLE, intake.intake.routes)).toEqual(meant(intake.intake.routes))
  })
})

/** Only the status is of interest; streams that last are let go of. */
async function statusFor(
  url: string,
  name: string,
  token: string | undefined,
  body: unknown,
): Promise<number> {
  const [method = '', path = ''] = name.split(' ')
  const ids: Readonly<Record<string, string>> = { jobs: 'job', people: 'contrib', clips: 'clip', bins: 'bin' }
  const filled = path
    .replace(
      /\/(\w+)\/:id/,
      (_, folder: string) => `/${folder}/${ids[folder] === undefined ? '' : `${ids[folder]}_`}${UNKNOWN}`,
    )
    .replace(/:\w+/g, '0')
  const letGo = new AbortController()
  const answer = await fetch(`${url}${filled}`, {
    method,
    redirect: 'manual',
    signal: letGo.signal,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  letGo.abort()
  return answer.status
}

/** What a role is answered: let in, or the one refusal that fits. */
const wanted = (role: Asker, { allow }: Row): 'in' | 401 | 403 =>
  allow.includes(role) ? 'in' : role === 'anonymous' ? 401 : 403
const seen = (status: number): 'in' | number => (status === 401 || status === 403 ? status : 'in')

describe('the desk', () => {
  test.each(Object.entries(DESK_TABLE))('%s', async (name, entry) => {
    for (const role of ['anonymous', 'editor', 'translator', 'admin'] as const) {
      const token = role === 'anonymous' ? undefined : (await makeStaff(desk.catalogDb, own, role)).token
      expect([role, seen(await statusFor(desk.url, name, token, entry.body))]).toEqual([
        role,
        wanted(role, entry),
      ])
    }
    // A revoked colleague is nobody, at once.
    const gone = await makeStaff(desk.catalogDb, own, 'admin')
    await desk.catalogDb
      .updateTable('staff')
      .set({ state: 'revoked' })
      .where('id', '=', gone.staffId)
      .execute()
    expect(seen(await statusFor(desk.url, name, gone.token, entry.body))).toBe(wanted('anonymous', entry))
  })

  test("takes a contributor's session for nobody's", async () => {
    const { token } = await intake.addSender()
    for (const [name, entry] of Object.entries(DESK_TABLE)) {
      expect([name, seen(await statusFor(desk.url, name, token, entry.body))]).toEqual([
        name,
        wanted('anonymous', entry),
      ])
    }
  })
})

describe('intake', () => {
  test.each(Object.entries(INTAKE_TABLE))('%s', async (name, entry) => {
    const { token } = await intake.addSender()
    const staff = await makeStaff(desk.catalogDb, own, 'admin')
    expect(seen(await statusFor(intake.url, name, undefined, entry.body))).toBe(wanted('anonymous', entry))
    expect(seen(await statusFor(intake.url, name, staff.token, entry.body))).toBe(wanted('anonymous', entry))
    expect(seen(await statusFor(intake.url, name, token, entry.body))).toBe(wanted('contributor', entry))
  })
})

describe('what belongs to another project', () => {
  /** One thing of each kind, all of the foreign project. */
  async function furnish(): Promise<Readonly<Record<string, string>>> {
    const clip = await makeClip(desk.catalogDb, { projectId: foreign })
    const author = await makeStaff(desk.catalogDb, foreign, 'admin')
    const [select, comment, bin] = [newId('select'), newId('comment'), newId('bin')]
    const at = { staff_id: author.staffId, created_at: 0 }
    await desk.catalogDb
      .insertInto('selects')
      .values({ id: select, clip_id: clip.id, in_frame: 1, out_frame: 2, label: '', ...at })
      .execute()
    await desk.catalogDb
      .insertInto('comments')
      .values({ id: comment, clip_id: clip.id, frame: 1, text: 'theirs', ...at })
      .execute()
    await desk.catalogDb
      .insertInto('bins')
      .values({ id: bin, project_id: foreign, name: bin, created_at: 0 })
      .execute()
    await desk.catalogDb
      .insertInto('bin_items')
      .values({ bin_id: bin, position: 0, clip_id: clip.id, select_id: select })
      .execute()
    const person = await inviteContributor(
      { ...desk.deps, stretcher: createStretcher() },
      { projectId: foreign, staffId: author.staffId },
      { quotaBytes: 5, expiresHours: 1, form: 'digits' },
    )
    return { clips: clip.id, bins: bin, people: person.id, selectId: select, commentId: comment }
  }

  async function dump(): Promise<string> {
    const { catalogDb, intakeDb } = desk
    return JSON.stringify([
      await catalogDb.selectFrom('clips').selectAll().where('project_id', '=', foreign).execute(),
      await catalogDb.selectFrom('clip_tags').selectAll().execute(),
      await catalogDb.selectFrom('selects').selectAll().execute(),
      await catalogDb.selectFrom('comments').selectAll().execute(),
      await catalogDb.selectFrom('bins').selectAll().where('project_id', '=', foreign).execute(),
      await catalogDb.selectFrom('bin_items').selectAll().execute(),
      await catalogDb.selectFrom('contributors').selectAll().where('project_id', '=', foreign).execute(),
      await intakeDb.selectFrom('contributors').selectAll().execute(),
    ])
  }

  const named = Object.entries(DESK_TABLE).filter(
    ([name]) => name.includes('/api/') && name.includes(':id') && !name.includes('/jobs/'),
  )

  test('is answered like what does not exist, by every route that names a thing, and stays as it was', async () => {
    expect(named.length).toBeGreaterThan(15)
    const theirs = await furnish()
    const before = await dump()
    for (const role of ['admin', 'editor', 'translator'] as const) {
      const stranger = await makeStaff(desk.catalogDb, own, role)
      for (const [name, { allow, body }] of named) {
        if (!allow.includes(role)) continue
        const [method = '', path = ''] = name.split(' ')
        const fill = (unknown: boolean): string =>
          path
            .replace(
              /\/(\w+)\/:id/,
              (_, folder: string) =>
                `/${folder}/${unknown ? (theirs[folder] ?? '').replace(/_.*/, `_${UNKNOWN}`) : (theirs[folder] ?? '')}`,
            )
            .replace(/:(\w+)/g, (_, key: string) => theirs[key] ?? '0')
        const real = await callUrl(desk.url, method, fill(false), { token: stranger.token, body })
        const none = await callUrl(desk.url, method, fill(true), { token: stranger.token, body })
        expect([role, name, real.status]).toEqual([role, name, 404])
        expect([role, name, real.text]).toEqual([role, name, none.text])
      }
    }
    expect(await dump()).toBe(before)
  })

  test('is there for its own people, so that the test above compares what it says', async () => {
    const theirs = await furnish()
    const admin = await makeStaff(desk.catalogDb, foreign, 'admin')
    const statuses = [
      await callUrl(desk.url, 'GET', `/api/clips/${theirs['clips'] ?? ''}`, { token: admin.token }),
      await callUrl(desk.url, 'GET', `/api/bins/${theirs['bins'] ?? ''}/export.csv`, { token: admin.token }),
      await callUrl(desk.url, 'PATCH', `/api/people/${theirs['people'] ?? ''}`, {
        token: admin.token,
        body: { paused: true },
      }),
    ].map((answer) => answer.status)
    expect(statuses).toEqual([200, 200, 204])
  })

  test('is in no list: not clips, not bins, not people', async () => {
    await furnish()
    await makeContributor(desk.catalogDb, foreign, 'Theirs alone')
    const stranger = await makeStaff(desk.catalogDb, own, 'admin')
    for (const path of ['/api/clips', '/api/bins', '/api/people']) {
      const { text } = await callUrl(desk.url, 'GET', path, { token: stranger.token })
      expect(text).not.toContain('theirs')
      expect(text).not.toContain('Theirs')
      const ids = await desk.catalogDb
        .selectFrom('contributors')
        .select(['id', 'alias'])
        .where('project_id', '=', foreign)
        .execute()
      for (const { id, alias } of ids) {
        expect(text).not.toContain(id)
        expect(text).not.toContain(alias)
      }
    }
  })
})

describe('what is sent beside the fields of a route', () => {
  test('makes nobody more than they are: extra fields are refused, and nothing changes', async () => {
    const admin = await makeStaff(desk.catalogDb, own, 'admin')
    const clip = await makeClip(desk.catalogDb, { projectId: own })
    const extras: Readonly<Record<string, unknown>> = {
      role: 'admin',
      project: foreign,
      project_id: foreign,
      projectId: foreign,
      owner: admin.staffId,
      id: 'x',
      state: 'published',
      staffId: 'x',
    }
    const bodies: readonly (readonly [string, string, Record<string, unknown>])[] = [
      ['POST', '/api/people/contributors', {}],
      ['POST', '/api/people/staff', { name: 'N', role: 'editor' }],
      ['PATCH', `/api/clips/${clip.id}`, { title: 'taken over' }],
      ['POST', `/api/clips/${clip.id}/selects`, { inFrame: 1, outFrame: 2 }],
      ['POST', `/api/clips/${clip.id}/comments`, { frame: 1, text: 'x' }],
      ['POST', '/api/bins', { name: 'taken over' }],
      ['PUT', '/api/server/intake', { open: true }],
    ]
    const count = async (): Promise<number> => {
      const { n } = await desk.catalogDb
        .selectFrom('acts')
        .select((build) => build.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow()
      return n
    }
    const before = await count()
    for (const [method, path, body] of bodies) {
      for (const [key, value] of Object.entries(extras)) {
        if (key in body) continue
        const answer = await callUrl(desk.url, method, path, {
          token: admin.token,
          body: { ...body, [key]: value },
        })
        expect([path, key, answer.status]).toEqual([path, key, 400])
      }
    }
    expect(await count()).toBe(before)
    expect(
      await desk.catalogDb.selectFrom('bins').select('id').where('name', '=', 'taken over').execute(),
    ).toEqual([])
  })
})

test("a revoked contributor's next request finds the session gone", async () => {
  const sender = await intake.addSender()
  const deps = { intakeDb: intake.db, catalogDb: desk.catalogDb, clock: { now: () => Date.now() } }
  const contributor = {
    id: sender.id,
    project_id: own,
    alias: sender.id,
    state: 'active',
    created_at: 0,
  } as const
  await desk.catalogDb.insertInto('contributors').values(contributor).execute()
  expect((await callUrl(intake.url, 'GET', '/api/uploads', { token: sender.token })).status).toBe(200)
  await revokePerson(deps, { projectId: own, staffId: null }, sender.id)
  expect((await callUrl(intake.url, 'GET', '/api/uploads', { token: sender.token })).status).toBe(401)
})

test('every role of the product is in the matrix', () => {
  const roles: readonly StaffRole[] = ['editor', 'translator', 'admin']
  expect(ASKERS.toSorted()).toEqual(['anonymous', 'contributor', ...roles].toSorted())
})
