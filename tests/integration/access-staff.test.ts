import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSetupLink } from '../../src/access/invitations.ts'
import { currentTotp } from '../../src/access/passwords.ts'
import {
  contributorInvitedSchema,
  joinOfferSchema,
  peopleSchema,
  serverStateSchema,
  sessionSchema,
  signedInSchema,
  staffInvitedSchema,
  type JoinOffer,
} from '../../src/contract/access.ts'
import { generateKeyPair } from '../../src/adapters/sealing.ts'
import { problemSchema } from '../../src/contract/problem.ts'
import type { ContributorId } from '../../src/domain/clip.ts'
import { startAccess, type Answer, type TestAccess } from '../support/access.ts'

const HOUR = 3_600_000
const PASSWORD = 'a password of many letters'
let desk: TestAccess

beforeAll(async () => {
  desk = await startAccess()
})
afterAll(() => desk.close())

const codeIn = (answer: Answer): string => problemSchema.parse(answer.json).code

async function offerOf(token: string): Promise<JoinOffer> {
  const answer = await desk.call('POST', '/api/join/begin', { body: { token } })
  expect(answer.status).toBe(200)
  return joinOfferSchema.parse(answer.json)
}

async function complete(
  token: string,
  secret: string,
  login: string,
  more: Record<string, unknown> = {},
): Promise<Answer> {
  return desk.call('POST', '/api/join/complete', {
    body: { token, login, name: 'New Person', password: PASSWORD, totp: await desk.digits(secret), ...more },
  })
}

const linkToken = (link: string): string => new URL(link).hash.slice(1)

describe('the first administrator', () => {
  test('comes in by the set-up link, names the project, makes the vault, and opens intake', async () => {
    const token = await createSetupLink(desk.deps)
    if (token === undefined) throw new Error('no link')
    const offer = await offerOf(token)
    expect(offer).toMatchObject({ role: 'admin', firstAdministrator: true })
    // Opening it again, on another device perhaps, offers the same second factor.
    expect((await offerOf(token)).totpSecret).toBe(offer.totpSecret)
    expect(offer.totpUri).toContain(offer.totpSecret)

    const joined = await complete(token, offer.totpSecret, 'first', { projectName: 'The film' })
    expect(joined.status).toBe(200)
    const { token: bearer, session } = signedInSchema.parse(joined.json)
    expect(session).toMatchObject({
      role: 'admin',
      name: 'New Person',
      vaultReady: false,
      project: { id: desk.projectId, name: 'The film' },
    })
    expect(joined.headers.get('set-cookie')).toMatch(
      /^__Host-desk=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    )

    const before = serverStateSchema.parse((await desk.call('GET', '/api/server', { token: bearer })).json)
    expect(before).toMatchObject({ intakeOpen: false, vaultReady: false })
    const early = await desk.call('PUT', '/api/server/intake', { token: bearer, body: { open: true } })
    expect([early.status, codeIn(early)]).toEqual([503, 'vault_missing'])
    const { recipient } = await generateKeyPair()
    expect((await desk.call('PUT', '/api/vault', { token: bearer, body: { recipient } })).status).toBe(204)
    expect((await desk.call('PUT', '/api/vault', { token: bearer, body: { recipient } })).status).toBe(204)
    const other = await desk.call('PUT', '/api/vault', {
      token: bearer,
      body: { recipient: (await generateKeyPair()).recipient },
    })
    expect([other.status, codeIn(other)]).toEqual([409, 'vault_already_set'])
    expect(
      serverStateSchema.parse((await desk.call('GET', '/api/server', { token: bearer })).json),
    ).toMatchObject({ intakeOpen: true, vaultReady: true })
    expect(
      (await desk.call('PUT', '/api/server/intake', { token: bearer, body: { open: false } })).status,
    ).toBe(204)
    expect(
      serverStateSchema.parse((await desk.call('GET', '/api/server', { token: bearer })).json).intakeOpen,
    ).toBe(false)
    expect(
      sessionSchema.parse((await desk.call('GET', '/api/session', { token: bearer })).json).vaultReady,
    ).toBe(true)
  })

  test('closes the way for any other set-up link', async () => {
    expect(await createSetupLink(desk.deps)).toBeUndefined()
  })

  test('can not be revoked while there is no other', async () => {
    const admin = await desk.colleague('admin')
    const people = peopleSchema.parse(
      (await desk.call('GET', '/api/people', { token: admin.token })).json,
    ).people
    const first = people.find((person) => person.role === 'admin' && person.id !== admin.id)
    expect(
      (await desk.call('POST', `/api/people/${first?.id ?? ''}/revoke`, { token: admin.token })).status,
    ).toBe(204)
    const self = await desk.call('POST', `/api/people/${admin.id}/revoke`, { token: admin.token })
    expect([self.status, codeIn(self)]).toEqual([409, 'last_administrator'])
  })
})

test('a vault key that is none is refused', async () => {
  const admin = await desk.colleague('admin')
  const answer = await desk.call('PUT', '/api/vault', {
    token: admin.token,
    body: { recipient: `age1${'q'.repeat(58)}` },
  })
  expect([answer.status, codeIn(answer)]).toEqual([400, 'invalid_request'])
})

describe('an invitation', () => {
  const invite = async (role = 'editor', expiresHours = 72) => {
    const admin = await desk.colleague('admin')
    const answer = await desk.call('POST', '/api/people/staff', {
      token: admin.token,
      body: { role, name: 'Invited', expiresHours },
    })
    expect(answer.status).toBe(201)
    const { link, expiresAt } = staffInvitedSchema.parse(answer.json)
    expect(link).toMatch(/^https:\/\/desk\.example\/join#[\w-]{43}$/)
    expect(Date.parse(expiresAt)).toBe(desk.clock.now() + expiresHours * HOUR)
    return { admin, token: linkToken(link) }
  }

  test('works once, for the role it was made for and no other', async () => {
    const { token } = await invite('translator')
    const offer = await offerOf(token)
    expect(offer).toMatchObject({ role: 'translator', name: 'Invited', firstAdministrator: false })
    const joined = await complete(token, offer.totpSecret, 'tina', { projectName: 'My own film now' })
    expect(signedInSchema.parse(joined.json).session).toMatchObject({
      role: 'translator',
      project: { name: 'The film' },
    })
    const again = await desk.call('POST', '/api/join/begin', { body: { token } })
    expect([again.status, codeIn(again)]).toEqual([410, 'invitation_not_valid'])
    expect(codeIn(await complete(token, offer.totpSecret, 'tina2'))).toBe('invitation_not_valid')
  })

  test('that is used up, expired, withdrawn or made up is answered with the same bytes', async () => {
    const expired = await invite('editor', 1)
    const withdrawn = await invite('editor')
    const used = await invite('editor')
    const { totpSecret } = await offerOf(used.token)
    expect((await complete(used.token, totpSecret, 'used')).status).toBe(200)
    const people = peopleSchema.parse(
      (await desk.call('GET', '/api/people', { token: withdrawn.admin.token })).json,
    ).people
    for (const person of people.filter(({ id }) => id.startsWith('invite_'))) {
      await desk.call('POST', `/api/people/${person.id}/revoke`, { token: withdrawn.admin.token })
    }
    desk.clock.advance(2 * HOUR)
    const answers = new Set<string>()
    for (const token of [expired.token, withdrawn.token, used.token, 'x'.repeat(43)]) {
      answers.add((await desk.call('POST', '/api/join/begin', { body: { token } })).text)
      answers.add((await complete(token, totpSecret, 'late')).text)
    }
    expect(answers.size).toBe(1)
    expect([...answers][0]).toContain('invitation_not_valid')
  })

  test('used by two at once lets exactly one in', async () => {
    const { token } = await invite('editor')
    const { totpSecret } = await offerOf(token)
    const totp = await desk.digits(totpSecret)
    const body = (login: string) => ({ token, login, name: 'Twin', password: PASSWORD, totp })
    const answers = await Promise.all(
      ['twin-a', 'twin-b', 'twin-c', 'twin-d'].map((login) =>
        desk.call('POST', '/api/join/complete', { body: body(login) }),
      ),
    )
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 410, 410, 410])
    const made = await desk.deps.catalogDb
      .selectFrom('staff')
      .select('login')
      .where('name', '=', 'Twin')
      .execute()
    expect(made).toHaveLength(1)
  })

  test('is not used up by a mistake: wrong digits, a short password, a taken name', async () => {
    const taken = await desk.colleague('editor')
    const { token } = await invite('editor')
    const { totpSecret } = await offerOf(token)
    expect(codeIn(await complete(token, totpSecret, 'mona', { totp: '000000' }))).toBe('wrong_credentials')
    expect(codeIn(await complete(token, totpSecret, 'mona', { password: 'short' }))).toBe('invalid_request')
    expect(codeIn(await complete(token, totpSecret, 'mona', { password: 'e\u0301'.repeat(8) }))).toBe(
      'password_too_short',
    )
    expect(codeIn(await complete(token, totpSecret, taken.login))).toBe('login_taken')
    expect((await complete(token, totpSecret, 'mona')).status).toBe(200)
  })

  test('leaves digits that were used to join good for nothing', async () => {
    const { token } = await invite('editor')
    const { totpSecret } = await offerOf(token)
    const joined = await complete(token, totpSecret, 'replay')
    expect(joined.status).toBe(200)
    const replay = await desk.call('POST', '/api/sign-in', {
      body: { login: 'replay', password: PASSWORD, totp: await currentTotp(totpSecret, desk.clock.now()) },
    })
    expect(codeIn(replay)).toBe('wrong_credentials')
  })
})

describe('people', () => {
  test('are invited over HTTP with two things to hand over apart: a code, and an address that has the picture', async () => {
    const admin = await desk.colleague('admin')
    const answer = await desk.call('POST', '/api/people/contributors', { token: admin.token, body: {} })
    expect(answer.status).toBe(201)
    const invited = contributorInvitedSchema.parse(answer.json)
    expect(invited.code).toMatch(/^\d{5}( \d{5}){4}$/)
    expect(invited.intakeAddress).toBe('https://intake.example')
    expect(invited.addressQrSvg).toMatch(/^<svg [\s\S]+<\/svg>\s*$/)
    expect((await desk.contributors.open(invited.code)).who.contributorId).toBe(invited.id)
    const words = await desk.call('POST', '/api/people/contributors', {
      token: admin.token,
      body: { form: 'words', alias: 'Given Name' },
    })
    expect(contributorInvitedSchema.parse(words.json)).toMatchObject({
      alias: 'Given Name',
      code: expect.stringMatching(/^([a-z-]+ ){6}[a-z-]+$/) as string,
    })
  })

  test('are listed with open invitations, and every act is written down with its author', async () => {
    const admin = await desk.colleague('admin')
    const invited = contributorInvitedSchema.parse(
      (await desk.call('POST', '/api/people/contributors', { token: admin.token, body: {} })).json,
    )
    await desk.call('PATCH', `/api/people/${invited.id}`, {
      token: admin.token,
      body: { paused: true, quotaBytes: 1 },
    })
    await desk.call('PATCH', `/api/people/${invited.id}`, { token: admin.token, body: { paused: false } })
    await desk.call('POST', `/api/people/${invited.id}/revoke`, { token: admin.token })
    await desk.call('POST', '/api/people/staff', {
      token: admin.token,
      body: { role: 'editor', name: 'Still to come' },
    })
    const { people } = peopleSchema.parse(
      (await desk.call('GET', '/api/people', { token: admin.token })).json,
    )
    expect(people.find((person) => person.name === 'Still to come')).toMatchObject({
      state: 'invited',
      role: 'editor',
      kind: 'staff',
    })
    expect(people.find((person) => person.id === invited.id)?.state).toBe('revoked')
    const acts = await desk.deps.catalogDb
      .selectFrom('acts')
      .select(['verb', 'object_id'])
      .where('staff_id', '=', admin.id)
      .orderBy('id')
      .execute()
    expect(acts.map((act) => act.verb)).toEqual([
      'person.invite',
      'person.quota',
      'person.pause',
      'person.resume',
      'person.revoke',
      'person.invite',
    ])
    expect(acts.slice(0, 5).every((act) => act.object_id === invited.id)).toBe(true)
  })

  test('are paused on both sides when it is asked again after a crash between the two databases', async () => {
    const admin = await desk.colleague('admin')
    const invited = contributorInvitedSchema.parse(
      (await desk.call('POST', '/api/people/contributors', { token: admin.token, body: {} })).json,
    )
    const id = invited.id as ContributorId
    const { intakeDb, catalogDb } = desk.deps
    const states = async (): Promise<(string | undefined)[]> => [
      (await intakeDb.selectFrom('contributors').select('state').where('id', '=', id).executeTakeFirst())
        ?.state,
      (await catalogDb.selectFrom('contributors').select('state').where('id', '=', id).executeTakeFirst())
        ?.state,
    ]
    const ask = (paused: boolean) =>
      desk.call('PATCH', `/api/people/${id}`, { token: admin.token, body: { paused } })
    // As a crash leaves it: their clips would not be held, and the page says that they are.
    await intakeDb.updateTable('contributors').set({ state: 'paused' }).where('id', '=', id).execute()
    await ask(true)
    await ask(true)
    expect(await states()).toEqual(['paused', 'paused'])
    await ask(false)
    await ask(false)
    expect(await states()).toEqual(['invited', 'invited'])
    const acts = await catalogDb.selectFrom('acts').select('verb').where('object_id', '=', id).execute()
    expect(acts.map((act) => act.verb)).toEqual(['person.invite', 'person.pause', 'person.resume'])
  })

  test('that leave take the open links with them that they made, and nobody else their own', async () => {
    const [leaving, staying] = [await desk.colleague('admin'), await desk.colleague('admin')]
    const invite = async (token: string): Promise<string> => {
      const body = { role: 'admin', name: 'Later' }
      const answer = await desk.call('POST', '/api/people/staff', { token, body })
      return linkToken(staffInvitedSchema.parse(answer.json).link)
    }
    const [way, other] = [await invite(leaving.token), await invite(staying.token)]
    await desk.call('POST', `/api/people/${leaving.id}/revoke`, { token: staying.token })
    const back = await desk.call('POST', '/api/join/begin', { body: { token: way } })
    expect([back.status, codeIn(back)]).toEqual([410, 'invitation_not_valid'])
    expect((await offerOf(other)).role).toBe('admin')
  })

  test('of unknown names are not found, whatever is done to them', async () => {
    const admin = await desk.colleague('admin')
    for (const id of [
      'contrib_00000000000000000000000000000000',
      'staff_00000000000000000000000000000000',
      'invite_0',
      'x',
      '%00',
      '__proto__',
    ]) {
      const revoked = await desk.call('POST', `/api/people/${id}/revoke`, { token: admin.token })
      const changed = await desk.call('PATCH', `/api/people/${id}`, {
        token: admin.token,
        body: { paused: true },
      })
      expect([id, revoked.status, changed.status]).toEqual([id, 404, 404])
    }
  })
})

test('a failing job is run again by its id only', async () => {
  const admin = await desk.colleague('admin')
  const id = 'job_0123456789abcdef0123456789abcdef'
  expect((await desk.call('POST', `/api/jobs/${id}/retry`, { token: admin.token })).status).toBe(204)
  expect((await desk.call('POST', '/api/jobs/clip_1/retry', { token: admin.token })).status).toBe(404)
  expect(desk.retried).toEqual([id])
})
