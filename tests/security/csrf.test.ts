/** What another site can make a browser do, and what every answer of both fronts says about itself. */
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDeskApp, deskRoutes } from '../../src/desk-app.ts'
import type { ProjectId } from '../../src/domain/clip.ts'
import { callUrl } from '../support/access.ts'
import { startDesk, type TestDesk } from '../support/desk.ts'
import { makeProject, makeStaff } from '../support/factories.ts'
import { startIntake, type TestIntake } from '../support/intake.ts'

let desk: TestDesk
let intake: TestIntake
let project: ProjectId

beforeAll(async () => {
  desk = await startDesk()
  intake = await startIntake()
  project = await makeProject(desk.catalogDb)
})
afterAll(async () => {
  await desk.stop()
  await intake.close()
})

type Asked = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Without the headers that fetch adds or forbids. */
function ask(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body = '',
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const length = body === '' ? {} : { 'content-length': String(body.length) }
    const sent = request(`${url}${path}`, { method, headers: { ...length, ...headers } }, (answer) => {
      const letGo = (): void => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text })
        sent.destroy()
      }
      let text = ''
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
      answer.once('end', letGo)
      // A stream of events does not end by itself.
      if (/event-stream/.test(answer.headers['content-type'] ?? '')) letGo()
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

const STRANGERS: readonly (readonly [string, Record<string, string>])[] = [
  ['Sec-Fetch-Site: cross-site', { 'sec-fetch-site': 'cross-site' }],
  ['Sec-Fetch-Site: same-site', { 'sec-fetch-site': 'same-site' }],
  ['Sec-Fetch-Site: none', { 'sec-fetch-site': 'none' }],
  ["a stranger's Origin", { origin: 'https://evil.example' }],
  ['an Origin on another port', { origin: 'http://127.0.0.1:1' }],
  ['Origin: null', { origin: 'null' }],
  ['an Origin that only begins like ours', { origin: 'http://127.0.0.1.evil.example' }],
  ['the right Origin but a cross-site fetch', { origin: 'OWN', 'sec-fetch-site': 'cross-site' }],
  ['neither header', {}],
]

describe("a change that another site asks for in a colleague's name", () => {
  const unsafe = (): string[] =>
    deskRoutes(desk.deps)
      .filter((route) => route.method !== 'get')
      .map((route) => `${route.method.toUpperCase()} ${route.path.replaceAll(/:\w+/g, '0')}`)

  test.each(STRANGERS)('is refused by every unsafe route: %s', async (_, given) => {
    const { token } = await makeStaff(desk.catalogDb, project, 'admin')
    const headers = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value === 'OWN' ? desk.url : value]),
    )
    const before = await desk.catalogDb.selectFrom('acts').selectAll().execute()
    expect(unsafe().length).toBeGreaterThan(15)
    for (const name of unsafe()) {
      const [method = '', path = ''] = name.split(' ')
      for (const type of [
        'application/json',
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
      ]) {
        const answer = await ask(
          desk.url,
          method,
          path,
          { ...headers, 'content-type': type, cookie: `__Host-desk=${token}` },
          '{"open":true}',
        )
        expect([name, type, answer.status]).toEqual([name, type, 403])
        expect(answer.text).toContain('cross_site_request')
      }
    }
    expect(await desk.catalogDb.selectFrom('acts').selectAll().execute()).toEqual(before)
    // The session itself is untouched.
    expect((await callUrl(desk.url, 'GET', '/api/session', { token })).status).toBe(200)
  })

  test('passes when it comes from our own page, by the new header or the old', async () => {
    const { token } = await makeStaff(desk.catalogDb, project, 'admin')
    const cookie = `__Host-desk=${token}`
    const json = { 'content-type': 'application/json', cookie }
    for (const [at, own] of [{ 'sec-fetch-site': 'same-origin' }, { origin: desk.url }].entries()) {
      const answer = await ask(
        desk.url,
        'POST',
        '/api/bins',
        { ...json, ...own },
        JSON.stringify({ name: `bin ${String(at)}` }),
      )
      expect(answer.status).toBeLessThan(300)
    }
  })

  test('is not believed as JSON when it says to be text', async () => {
    const { token } = await makeStaff(desk.catalogDb, project, 'admin')
    const answer = await ask(
      desk.url,
      'POST',
      '/api/bins',
      { 'content-type': 'text/plain', cookie: `__Host-desk=${token}`, 'sec-fetch-site': 'same-origin' },
      '{"name":"by text"}',
    )
    expect(answer.status).toBe(400)
  })

  test('can not sign a browser in as somebody else either', async () => {
    for (const [, headers] of STRANGERS.filter(
      ([, given]) => Object.keys(given).length > 0 && given['origin'] !== 'OWN',
    )) {
      const code = await ask(
        intake.url,
        'POST',
        '/api/session',
        { ...headers, 'content-type': 'application/json' },
        '{"code":"1"}',
      )
      const form = await ask(
        intake.url,
        'POST',
        '/',
        { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
        'do=open&code=1',
      )
      const staff = await ask(
        desk.url,
        'POST',
        '/api/sign-in',
        { ...headers, 'content-type': 'application/json' },
        '{}',
      )
      expect([code.status, form.status, staff.status]).toEqual([403, 403, 403])
    }
  })
})

describe("a change that another site asks for in a contributor's name", () => {
  test("is refused by every unsafe route of intake and by the uploads' own door", async () => {
    const { token } = await intake.addSender()
    const cookie = `__Host-intake=${token}`
    const targets = [
      ['POST', '/'],
      ['DELETE', '/api/session'],
      ['POST', `/api/uploads/${'0'.repeat(32)}/digest`],
      ['POST', '/files'],
      ['PATCH', `/files/${'0'.repeat(32)}`],
      ['DELETE', `/files/${'0'.repeat(32)}`],
    ] as const
    for (const [, given] of STRANGERS.filter(([, headers]) => headers['origin'] !== 'OWN')) {
      for (const [method, path] of targets) {
        const tus = {
          'tus-resumable': '1.0.0',
          ...(method === 'PATCH' ? { 'upload-offset': '0' } : { 'upload-length': '5' }),
          'content-type': 'application/offset+octet-stream',
        }
        const answer = await ask(intake.url, method, path, {
          ...given,
          cookie,
          ...(path.startsWith('/files') ? tus : {}),
        })
        expect([method, path, given, answer.status]).toEqual([method, path, given, 403])
      }
    }
    expect((await callUrl(intake.url, 'GET', '/api/uploads', { token })).status).toBe(200)
    expect(await intake.db.selectFrom('uploads').select('id').execute()).toEqual([])
  })
})

describe('every answer', () => {
  const CSP =
    "default-src 'none';script-src 'self';style-src 'self';img-src 'self' blob:;media-src 'self' blob:;connect-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'"

  const common = {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  }

  function check(name: string, headers: Asked['headers'], wanted: Record<string, string>): void {
    for (const [header, value] of Object.entries({ ...common, ...wanted }))
      expect([name, header, headers[header]]).toEqual([name, header, value])
    for (const absent of [
      'x-powered-by',
      'server',
      'etag',
      'last-modified',
      'access-control-allow-origin',
      'strict-transport-security',
    ]) {
      expect([name, absent, headers[absent]]).toEqual([name, absent, undefined])
    }
    const permissions = String(headers['permissions-policy'])
    for (const feature of ['camera', 'microphone', 'geolocation', 'usb', 'display-capture'])
      expect(permissions).toContain(`${feature}=()`)
    // No source but ourselves: the count of what is allowed is exact.
    expect(String(headers['content-security-policy']).match(/https?:|\*|data:|unsafe/g)).toBeNull()
  }

  test('of the desk says exactly what may be loaded, whatever the route and however it ends', async () => {
    const { token } = await makeStaff(desk.catalogDb, project, 'admin')
    const names = [
      ...deskRoutes(desk.deps).map(
        (route) => `${route.method.toUpperCase()} ${route.path.replaceAll(/:\w+/g, '0')}`,
      ),
      'GET /nowhere',
      'PUT /api/clips',
      'OPTIONS /api/clips',
      'GET /%ff',
    ]
    for (const name of names) {
      const [method = '', path = ''] = name.split(' ')
      for (const authorization of [{ authorization: `Bearer ${token}` }, {}]) {
        if (path === '/api/sign-out' && 'authorization' in authorization) continue
        const { headers } = await ask(desk.url, method, path, authorization)
        check(name, headers, {
          'content-security-policy': CSP,
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-store',
        })
        expect(headers['x-robots-tag']).toBeUndefined()
      }
    }
  })

  test('of intake also hides its clock and asks not to be indexed', async () => {
    const names = [
      ...intake.intake.routes.map(
        (route) => `${route.method.toUpperCase()} ${route.path.replaceAll(/:\w+/g, '0')}`,
      ),
      'GET /nowhere',
      'PUT /',
      'OPTIONS /',
      'HEAD /files/0',
      'GET /files',
      'POST /files',
    ]
    for (const name of names) {
      const [method = '', path = ''] = name.split(' ')
      const { headers } = await ask(intake.url, method, path, {})
      check(name, headers, {
        'content-security-policy': `${CSP};require-trusted-types-for 'script'`,
        'referrer-policy': 'same-origin',
        'cache-control': 'no-store',
        'x-robots-tag': 'noindex, nofollow, noarchive',
      })
      expect([name, headers['date']]).toEqual([name, undefined])
    }
  })

  test('tells browsers to stay with TLS where the operator has a certificate', async () => {
    const server = createServer(createDeskApp({ ...desk.deps, hsts: true })).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const { headers } = await ask(`http://127.0.0.1:${String(port)}`, 'GET', '/healthz', {})
    server.close()
    expect(headers['strict-transport-security']).toBe('max-age=31536000')
  })
})
