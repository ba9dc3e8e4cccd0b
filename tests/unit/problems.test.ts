import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { problemSchema } from '../../src/contract/problem.ts'
import { AppError, ERRORS, type ErrorCode } from '../../src/domain/errors.ts'
import { statusOf, toProblem } from '../../src/http/problems.ts'

const CODES = Object.keys(ERRORS) as ErrorCode[]
const page = readFileSync(new URL('../../docs/http-api.md', import.meta.url), 'utf8')

describe('the answer to an error', () => {
  test.each(CODES)('%s has one form, and a status that is an error', (code) => {
    const { status, headers, body } = toProblem(new AppError(code))
    expect(problemSchema.parse(body)).toEqual(body)
    expect(body).toEqual({
      type: 'about:blank',
      title: ERRORS[code].title,
      status,
      code,
      remedy: ERRORS[code].remedy,
    })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(headers['Content-Type']).toBe('application/problem+json')
    expect(headers['Cache-Control']).toBe('no-store')
  })

  test('says nothing about what was not foreseen', () => {
    const secret = new Error('ENOENT: /srv/storage/clip.mov')
    const { status, body } = toProblem(secret, 'abc123')
    expect(status).toBe(500)
    expect(body.code).toBe('internal')
    expect(body.requestId).toBe('abc123')
    expect(JSON.stringify(body)).not.toContain('storage')
  })

  test('never carries the cause', () => {
    const body = JSON.stringify(
      toProblem(new AppError('storage_failed', { cause: new Error('/srv/secret') })),
    )
    expect(body).not.toContain('secret')
  })

  test('says when to come back where that makes sense', () => {
    expect(toProblem(new AppError('rate_limited')).headers['Retry-After']).toBe('60')
    expect(
      toProblem(new AppError('busy', { details: { retryAfterSeconds: 2 } })).headers['Retry-After'],
    ).toBe('2')
    expect(toProblem(new AppError('not_found')).headers['Retry-After']).toBeUndefined()
  })

  test('names the methods that are allowed', () => {
    expect(
      toProblem(new AppError('method_not_allowed', { details: { allow: 'GET, HEAD' } })).headers['Allow'],
    ).toBe('GET, HEAD')
  })
})

describe('docs/http-api.md', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` *\| (\d{3}) +\| ([^|]+)\| ([^|]+)\|$/gm)].map(
    ([, code = '', status = '', title = '', remedy = '']) => ({
      code,
      status: Number(status),
      title: title.trim(),
      remedy: remedy.trim(),
    }),
  )

  test("lists every registered error with its status, title and remedy, in the register's order, and no other", () => {
    expect(rows).toEqual(
      CODES.map((code) => ({
        code,
        status: statusOf(code),
        title: ERRORS[code].title,
        remedy: ERRORS[code].remedy,
      })),
    )
  })
})
