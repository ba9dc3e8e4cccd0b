import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createContributorAccess } from '../../src/access/contributors.ts'
import {
  changeContributor,
  findPersonId,
  inviteContributor,
  listPeople,
  revokePerson,
  type InvitedContributor,
} from '../../src/access/people.ts'
import { AppError, type ErrorCode } from '../../src/domain/errors.ts'
import { toProblem } from '../../src/http/problems.ts'
import { startAccess, type TestAccess } from '../support/access.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
let desk: TestAccess

beforeAll(async () => {
  desk = await startAccess()
})
afterAll(() => desk.close())

const by = () => ({ projectId: desk.projectId, staffId: null })
const invite = (more: Partial<Parameters<typeof inviteContributor>[2]> = {}): Promise<InvitedContributor> =>
  inviteContributor(desk.deps, by(), { quotaBytes: 5_000_000, expiresHours: 72, form: 'digits', ...more })

async function refusal(work: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

describe("a contributor's code", () => {
  test('lets its owner in however it is typed, as digits or as words', async () => {
    const digits = await invite()
    const words = await invite({ form: 'words' })
    const arabic = Array.from(digits.code, (c) =>
      c === ' ' ? '-' : String.fromCodePoint(0x660 + Number(c)),
    ).join('')
    for (const [code, id] of [
      [digits.code, digits.id],
      [digits.code.replaceAll(' ', ''), digits.id],
      [arabic, digits.id],
      [words.code, words.id],
      [words.code.toUpperCase().replaceAll(' ', '-'), words.id],
    ] as const) {
      const { token, who } = await desk.contributors.open(code)
      expect(who.contributorId).toBe(id)
      expect(who.projectId).toBe(desk.projectId)
      expect(who.quotaBytes).toBe(5_000_000)
      expect(await desk.contributors.find(token)).toEqual(who)
    }
  })

  test('gives the same key each time, and another one to somebody else', async () => {
    const [one, two] = [await invite(), await invite()]
    const first = await desk.contributors.open(one.code)
    const again = await desk.contributors.open(one.code)
    const other = await desk.contributors.open(two.code)
    expect(first.who.key).toHaveLength(32)
    expect(again.who.key).toEqual(first.who.key)
    expect(other.who.key).not.toEqual(first.who.key)
    expect(again.token).not.toBe(first.token)
    expect((await desk.contributors.find(first.token))?.contributorId).toBe(one.id)
  })

  test('must be used for the first time in time, and is then valid until it is revoked', async () => {
    const late = await invite({ expiresHours: 24 })
    const used = await invite({ expiresHours: 24 })
    await desk.contributors.open(used.code)
    desk.clock.advance(3 * DAY)
    expect(await refusal(desk.contributors.open(late.code))).toBe('wrong_credentials')
    expect((await desk.contributors.open(used.code)).who.contributorId).toBe(used.id)
    desk.clock.advance(400 * DAY)
    expect((await desk.contributors.open(used.code)).who.contributorId).toBe(used.id)
  })

  test('that is wrong, overlong, empty, expired or revoked is answered with the same bytes', async () => {
    const [expired, revoked] = [await invite({ expiresHours: 1 }), await invite()]
    await desk.contributors.open(revoked.code)
    await revokePerson(desk.deps, by(), revoked.id)
    desk.clock.advance(3 * DAY)
    const answers = new Set<string>()
    for (const typed of [
      '1'.repeat(25),
      '9'.repeat(400),
      '9'.repeat(5000),
      '',
      'not a code',
      expired.code,
      revoked.code,
      '\0',
      '💥',
    ]) {
      const failure: unknown = await desk.contributors.open(typed).then(
        () => undefined,
        (error: unknown) => error,
      )
      answers.add(JSON.stringify(toProblem(failure)))
    }
    expect([...answers]).toEqual([JSON.stringify(toProblem(new AppError('wrong_credentials')))])
  })

  test('is in neither database, nor is its token, nor a time of day', async () => {
    const invited = await invite()
    const { token } = await desk.contributors.open(invited.code)
    const plain = invited.code.replaceAll(' ', '')
    const { intakeDb, catalogDb } = desk.deps
    const rows = [
      await intakeDb.selectFrom('contributors').selectAll().execute(),
      await intakeDb.selectFrom('contributor_sessions').selectAll().execute(),
      await intakeDb.selectFrom('settings').selectAll().execute(),
      await catalogDb.selectFrom('contributors').selectAll().execute(),
      await catalogDb.selectFrom('acts').selectAll().execute(),
    ]
    const text = JSON.stringify(rows, (_key, value: unknown) =>
      value instanceof Uint8Array || isBufferJson(value)
        ? Buffer.from(isBufferJson(value) ? value.data : value).toString('latin1')
        : value,
    )
    const bytes = JSON.stringify(rows)
    for (const secret of [
      plain,
      invited.code,
      token,
      createHash('sha256').update(plain).digest().toString('latin1'),
    ]) {
      expect(text).not.toContain(secret)
      expect(bytes).not.toContain(secret)
    }
    const contributorSide = JSON.stringify(rows.slice(0, 2))
    expect(contributorSide).not.toMatch(/\d{2}:\d{2}/)
    expect(contributorSide).not.toMatch(/\b1[5-9]\d{11}\b/)
    expect(contributorSide).not.toContain(invited.alias)
  })

  test('leaves no trace of itself or of who came in the log', async () => {
    const invited = await invite({ alias: 'Velvet Teapot 77' })
    const { token } = await desk.contributors.open(invited.code)
    const log = desk.log.join('\n')
    for (const secret of [invited.code, token, invited.id, invited.alias]) expect(log).not.toContain(secret)
  })
})

describe("a contributor's session", () => {
  test('ends after an hour without use, and after twelve hours with it', async () => {
    const { code } = await invite()
    const idle = await desk.contributors.open(code)
    desk.clock.advance(HOUR)
    expect(await desk.contributors.find(idle.token)).toBeDefined()
    desk.clock.advance(HOUR + 1)
    expect(await desk.contributors.find(idle.token)).toBeUndefined()
    const busy = await desk.contributors.open(code)
    for (let i = 0; i < 24; i++) {
      desk.clock.advance(HOUR / 2)
      expect(await desk.contributors.find(busy.token), `half hour ${String(i + 1)}`).toBeDefined()
    }
    desk.clock.advance(1)
    expect(await desk.contributors.find(busy.token)).toBeUndefined()
    // It is gone from the database too, not only refused.
    const hash = createHash('sha256').update(busy.token).digest()
    const kept = await desk.deps.intakeDb
      .selectFrom('contributor_sessions')
      .select('created_day')
      .where('token_hash', '=', hash)
      .execute()
    expect(kept).toEqual([])
  })

  test('outlives a restart of intake by a day at most', async () => {
    const { code } = await invite()
    const { token, who } = await desk.contributors.open(code)
    const restarted = createContributorAccess(desk.deps)
    expect(await restarted.find(token)).toEqual(who)
    desk.clock.advance(2 * DAY)
    expect(await createContributorAccess(desk.deps).find(token)).toBeUndefined()
  })

  test('ends when its owner leaves, and no other with it', async () => {
    const { code } = await invite()
    const [one, two] = [await desk.contributors.open(code), await desk.contributors.open(code)]
    await desk.contributors.leave(one.token)
    await desk.contributors.leave(one.token)
    expect(await desk.contributors.find(one.token)).toBeUndefined()
    expect(await desk.contributors.find(two.token)).toBeDefined()
  })

  test('is not opened by the hash that the database keeps', async () => {
    const { code } = await invite()
    const { token } = await desk.contributors.open(code)
    const hash = createHash('sha256').update(token).digest()
    expect(await desk.contributors.find(hash.toString('base64url'))).toBeUndefined()
    expect(await desk.contributors.find(hash.toString('hex'))).toBeUndefined()
  })
})

describe('an administrator', () => {
  test('revokes at once: every session ends and the code opens no more', async () => {
    const { code, id } = await invite()
    const sessions = [await desk.contributors.open(code), await desk.contributors.open(code)]
    await revokePerson(desk.deps, by(), id)
    for (const { token } of sessions) expect(await desk.contributors.find(token)).toBeUndefined()
    expect(await refusal(desk.contributors.open(code))).toBe('wrong_credentials')
    const person = (await listPeople(desk.deps, desk.projectId)).find((one) => one.id === id)
    expect(person?.state).toBe('revoked')
    await revokePerson(desk.deps, by(), id)
    expect(await refusal(changeContributor(desk.deps, by(), id, { paused: false }))).toBe('not_found')
  })

  test('shuts out a session that slipped in beside the revocation', async () => {
    const { code, id } = await invite()
    const { token } = await desk.contributors.open(code)
    await desk.deps.intakeDb
      .updateTable('contributors')
      .set({ state: 'revoked' })
      .where('id', '=', id)
      .execute()
    expect(await desk.contributors.find(token)).toBeUndefined()
  })

  test('pauses and resumes without shutting anybody out', async () => {
    const { code, id } = await invite()
    const { token } = await desk.contributors.open(code)
    await changeContributor(desk.deps, by(), id, { paused: true, quotaBytes: 7 })
    expect(await desk.contributors.find(token)).toMatchObject({ paused: true, quotaBytes: 7 })
    expect((await desk.contributors.open(code)).who.paused).toBe(true)
    await changeContributor(desk.deps, by(), id, { paused: false })
    expect(await desk.contributors.find(token)).toMatchObject({ paused: false })
  })

  test('who pauses somebody who has never come does not make their invitation last', async () => {
    const { code, id } = await invite({ expiresHours: 24 })
    await changeContributor(desk.deps, by(), id, { paused: true })
    await changeContributor(desk.deps, by(), id, { paused: false })
    expect((await listPeople(desk.deps, desk.projectId)).find((one) => one.id === id)?.state).toBe('invited')
    desk.clock.advance(3 * DAY)
    expect(await refusal(desk.contributors.open(code))).toBe('wrong_credentials')
  })

  test('is given aliases that are two words, unique, and say nothing about the code', async () => {
    const made = await Promise.all(Array.from({ length: 6 }, () => invite()))
    for (const { alias } of made) expect(alias).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/)
    expect(new Set(made.map(({ alias }) => alias)).size).toBe(6)
    await invite({ alias: 'Chosen Name' })
    expect(await refusal(invite({ alias: 'Chosen Name' }))).toBe('alias_taken')
  })

  test('finds a contributor by alias and a colleague by sign-in name, in their own project only', async () => {
    const { id, alias } = await invite()
    const editor = await desk.colleague('editor')
    expect(await findPersonId(desk.deps, desk.projectId, alias)).toBe(id)
    expect(await findPersonId(desk.deps, desk.projectId, editor.login.toUpperCase())).toBe(editor.id)
    expect(await findPersonId(desk.deps, desk.projectId, 'Nobody At All')).toBeUndefined()
    const elsewhere = 'proj_ffffffffffffffffffffffffffffffff'
    expect(await findPersonId(desk.deps, elsewhere, alias)).toBeUndefined()
    expect(await findPersonId(desk.deps, elsewhere, editor.login)).toBeUndefined()
  })

  test('sees when somebody was last there to the day, and nothing finer', async () => {
    const { code, id, alias } = await invite()
    const before = (await listPeople(desk.deps, desk.projectId)).find((one) => one.id === id)
    expect(before).toEqual({
      id,
      kind: 'contributor',
      name: alias,
      role: 'contributor',
      state: 'invited',
      lastSeenDay: null,
      clips: 0,
      usedBytes: 0,
      quotaBytes: 5_000_000,
    })
    await desk.contributors.open(code)
    const after = (await listPeople(desk.deps, desk.projectId)).find((one) => one.id === id)
    expect(after?.state).toBe('active')
    expect(after?.lastSeenDay).toBe(new Date(desk.clock.now()).toISOString().slice(0, 10))
  })
})

function isBufferJson(value: unknown): value is { data: number[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'Buffer' &&
    'data' in value
  )
}
