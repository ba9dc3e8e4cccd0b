import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHash } from 'node:crypto'
import { currentTotp } from '../../src/access/passwords.ts'
import { signedInSchema } from '../../src/contract/access.ts'
import { problemSchema } from '../../src/contract/problem.ts'
import { callUrl, startAccess, type Answer, type TestAccess, type TestColleague } from '../support/access.ts'

const MINUTE = 60_000
let desk: TestAccess

beforeAll(async () => {
  desk = await startAccess()
})
afterAll(() => desk.close())

const codeIn = (answer: Answer): string => problemSchema.parse(answer.json).code
const cookieOf = (answer: Answer): string =>
  /^__Host-desk=([^;]*)/.exec(answer.headers.get('set-cookie') ?? '')?.[1] ?? ''
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' }

async function signIn(
  who: TestColleague,
  totp?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = { login: who.login, password: who.password, totp: totp ?? (await desk.digits(who.totpSecret)) }
  return desk.call('POST', '/api/sign-in', { body, headers })
}
const isIn = async (token: string): Promise<boolean> =>
  (await desk.call('GET', '/api/session', { token })).status === 200

describe('a session', () => {
  test('is new at each sign-in, and the one that the browser came with is dead', async () => {
    const editor = await desk.colleague('editor')
    const answer = await signIn(editor, undefined, { cookie: `__Host-desk=${editor.token}`, ...SAME_ORIGIN })
    const token = cookieOf(answer)
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(token).not.toBe(editor.token)
    expect(signedInSchema.parse(answer.json).token).toBe(token)
    expect(await isIn(editor.token)).toBe(false)
    expect(await isIn(token)).toBe(true)
  })

  test('can not be fixed before: a token that an attacker chose is never taken up', async () => {
    const editor = await desk.colleague('editor')
    const planted = 'A'.repeat(43)
    const answer = await signIn(editor, undefined, { cookie: `__Host-desk=${planted}`, ...SAME_ORIGIN })
    expect(cookieOf(answer)).not.toBe(planted)
    expect(await isIn(planted)).toBe(false)
  })

  test('is known by cookie and by bearer, and the bearer alone is looked at where it is sent', async () => {
    const editor = await desk.colleague('editor')
    const withCookie = { cookie: `__Host-desk=${editor.token}` }
    expect((await desk.call('GET', '/api/session', { headers: withCookie })).status).toBe(200)
    expect(
      (
        await desk.call('GET', '/api/session', {
          headers: { ...withCookie, authorization: 'Bearer nonsense' },
        })
      ).status,
    ).toBe(401)
    expect(
      (await desk.call('GET', '/api/session', { headers: { cookie: `__Host-intake=${editor.token}` } }))
        .status,
    ).toBe(401)
    expect(
      (await desk.call('GET', '/api/session', { headers: { cookie: `__Host-desk=${editor.token}x` } }))
        .status,
    ).toBe(401)
    expect((await desk.call('GET', `/api/session?token=${editor.token}`)).status).toBe(401)
  })

  test('is in the database as a hash only', async () => {
    const editor = await desk.colleague('editor')
    const rows = await desk.deps.catalogDb
      .selectFrom('staff_sessions')
      .selectAll()
      .where('staff_id', '=', editor.id)
      .execute()
    expect(rows).toHaveLength(1)
    expect(Buffer.from(rows[0]?.token_hash ?? [])).toEqual(createHash('sha256').update(editor.token).digest())
  })

  test.each([
    ['admin', 15],
    ['editor', 30],
    ['translator', 30],
  ] as const)('of the role %s ends after %i minutes without use', async (role, minutes) => {
    const who = await desk.colleague(role)
    desk.clock.advance(minutes * MINUTE)
    expect(await isIn(who.token)).toBe(true)
    desk.clock.advance(minutes * MINUTE + 1)
    expect(await isIn(who.token)).toBe(false)
    desk.clock.advance(-minutes * MINUTE)
    expect(await isIn(who.token)).toBe(false)
  })

  test('ends after twelve hours however much it is used', async () => {
    const editor = await desk.colleague('editor')
    for (let i = 0; i < 48; i++) {
      desk.clock.advance(15 * MINUTE)
      expect(await isIn(editor.token), `quarter ${String(i + 1)}`).toBe(true)
    }
    desk.clock.advance(1)
    expect(await isIn(editor.token)).toBe(false)
  })

  test('ends when its owner signs out, and the browser is told to forget', async () => {
    const editor = await desk.colleague('editor')
    const out = await desk.call('POST', '/api/sign-out', {
      headers: { cookie: `__Host-desk=${editor.token}`, ...SAME_ORIGIN },
    })
    expect(out.status).toBe(204)
    expect(out.headers.get('clear-site-data')).toBe('"cache", "cookies", "storage"')
    expect(out.headers.get('set-cookie')).toMatch(
      /^__Host-desk=; Max-Age=0; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    )
    expect(await isIn(editor.token)).toBe(false)
    expect((await desk.call('POST', '/api/sign-out')).status).toBe(204)
  })

  test('ends at once, with all its sisters, when its owner is revoked', async () => {
    const [admin, editor] = [await desk.colleague('admin'), await desk.colleague('editor')]
    const second = cookieOf(await signIn(editor))
    expect([await isIn(editor.token), await isIn(second)]).toEqual([true, true])
    expect((await desk.call('POST', `/api/people/${editor.id}/revoke`, { token: admin.token })).status).toBe(
      204,
    )
    const left = await desk.deps.catalogDb
      .selectFrom('staff_sessions')
      .select('created_at')
      .where('staff_id', '=', editor.id)
      .execute()
    expect(left).toEqual([])
    expect([await isIn(editor.token), await isIn(second)]).toEqual([false, false])
    expect(codeIn(await signIn(editor))).toBe('wrong_credentials')
  })

  test("is lost neither by a restart of the desk nor by another colleague's sign-out", async () => {
    const [one, two] = [await desk.colleague('editor'), await desk.colleague('editor')]
    await desk.call('POST', '/api/sign-out', { token: two.token })
    expect([await isIn(one.token), await isIn(two.token)]).toEqual([true, false])
  })
})

describe('signing in', () => {
  test('answers a wrong password, wrong digits, an unknown name and a revoked colleague with the same bytes', async () => {
    const [admin, editor, gone] = [
      await desk.colleague('admin'),
      await desk.colleague('editor'),
      await desk.colleague('editor'),
    ]
    await desk.call('POST', `/api/people/${gone.id}/revoke`, { token: admin.token })
    const right = {
      login: editor.login,
      password: editor.password,
      totp: await desk.digits(editor.totpSecret),
    }
    const wrong = String((Number(right.totp) + 1) % 1_000_000).padStart(6, '0')
    const tries = [
      { ...right, password: 'another long password' },
      { ...right, totp: wrong },
      { ...right, login: 'nobody-of-that-name' },
      {
        login: gone.login,
        password: gone.password,
        totp: await currentTotp(gone.totpSecret, desk.clock.now()),
      },
      { ...right, login: "' OR 1=1 --" },
    ]
    const answers = new Set<string>()
    for (const body of tries) {
      const { status, text, headers } = await desk.call('POST', '/api/sign-in', { body })
      const shown = [...headers].filter(([name]) => name !== 'date')
      answers.add(JSON.stringify([status, text, shown]))
    }
    expect(answers.size).toBe(1)
    expect([...answers][0]).toContain('wrong_credentials')
  })

  test('takes six digits once: not again, not in another session, not two at once', async () => {
    const editor = await desk.colleague('editor')
    const digits = await desk.digits(editor.totpSecret)
    const both = await Promise.all([signIn(editor, digits), signIn(editor, digits), signIn(editor, digits)])
    expect(both.map((answer) => answer.status).toSorted()).toEqual([200, 401, 401])
    expect(codeIn(await signIn(editor, digits))).toBe('wrong_credentials')
  })

  test('takes digits of one step to either side and not of two', async () => {
    const at = async (steps: number): Promise<number> => {
      const editor = await desk.colleague('editor')
      // Two steps on, so that the one that was used to sign in lies behind all of these.
      desk.clock.advance(4 * 30_000)
      return (await signIn(editor, await currentTotp(editor.totpSecret, desk.clock.now() + steps * 30_000)))
        .status
    }
    expect([await at(-2), await at(-1), await at(0), await at(1), await at(2)]).toEqual([
      401, 200, 200, 200, 401,
    ])
  })

  test('lets the second factor rest after five wrong tries, longer each time, for who has the password', async () => {
    const editor = await desk.colleague('editor')
    for (let i = 0; i < 5; i++) expect((await signIn(editor, '000000')).status).toBe(401)
    // Right digits, while it rests: the same answer.
    expect(codeIn(await signIn(editor, await currentTotp(editor.totpSecret, desk.clock.now())))).toBe(
      'wrong_credentials',
    )
    desk.clock.advance(30_001)
    expect((await signIn(editor, '000000')).status).toBe(401)
    desk.clock.advance(30_001)
    expect((await signIn(editor, await currentTotp(editor.totpSecret, desk.clock.now()))).status).toBe(401)
    desk.clock.advance(30_001)
    expect((await signIn(editor, await currentTotp(editor.totpSecret, desk.clock.now()))).status).toBe(200)
  })

  test('tells a stranger to wait after ten wrong passwords, and lets the owner in all the same', async () => {
    const editor = await desk.colleague('editor')
    const guess = () =>
      desk.call('POST', '/api/sign-in', { body: { login: editor.login, password: 'guess', totp: '000000' } })
    const statuses: number[] = []
    for (let i = 0; i < 12; i++) statuses.push((await guess()).status)
    expect(statuses).toEqual([...new Array<number>(10).fill(401), 429, 429])
    expect((await guess()).headers.get('retry-after')).toBe('60')
    expect((await signIn(editor)).status).toBe(200)
    // The same happens for a name that nobody has.
    const unknown: number[] = []
    for (let i = 0; i < 11; i++) {
      unknown.push(
        (
          await desk.call('POST', '/api/sign-in', {
            body: { login: 'nobody', password: 'guess', totp: '000000' },
          })
        ).status,
      )
    }
    expect(unknown).toEqual([...new Array<number>(10).fill(401), 429])
  })

  test('keeps passwords, digits, secrets, tokens and names out of the log', async () => {
    const editor = await desk.colleague('editor')
    await signIn(editor, '000000')
    const log = desk.log.join('\n')
    for (const secret of [editor.password, editor.totpSecret, editor.token, editor.login, 'Person'])
      expect(log).not.toContain(secret)
  })
})

describe('the fronts apart', () => {
  test("a session of the desk is nobody's at intake, nor the reverse", async () => {
    const editor = await desk.colleague('editor')
    expect(await desk.contributors.find(editor.token)).toBeUndefined()
    const invited = await desk.call('POST', '/api/people/contributors', {
      token: (await desk.colleague('admin')).token,
      body: {},
    })
    const { code } = invited.json as { code: string }
    const { token } = await desk.contributors.open(code)
    expect(await isIn(token)).toBe(false)
    const cookie = { cookie: `__Host-desk=${token}; __Host-intake=${token}` }
    expect((await callUrl(desk.url, 'GET', '/api/session', { headers: cookie })).status).toBe(401)
  })
})
