import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import express from 'express'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changeClipSchema, clipQuerySchema, newCommentSchema } from '../../src/contract/clips.ts'
import { problemSchema } from '../../src/contract/problem.ts'
import { AppError } from '../../src/domain/errors.ts'
import { notFoundHandler, problemHandler } from '../../src/http/problems.ts'
import { sendBlob } from '../../src/http/ranges.ts'
import { mountRoutes, route } from '../../src/http/route.ts'
import { callUrl, listeningLogger } from '../support/access.ts'

/** An object whose byte at each place is known. */
const BYTES = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 7) % 251))
const log: string[] = []
const aborted: string[] = []
let opened = 0
let server: Server
let url: string

beforeAll(async () => {
  const app = express()
  app.disable('x-powered-by')
  mountRoutes(
    app,
    [
      route({
        method: 'get',
        path: '/query',
        action: 'page.read',
        query: clipQuerySchema,
        handle: ({ input }) => Promise.resolve(input),
      }),
      route({
        method: 'patch',
        path: '/body',
        action: 'page.act',
        body: changeClipSchema,
        handle: ({ input }) => Promise.resolve(input),
      }),
      route({
        method: 'post',
        path: '/comment',
        action: 'page.act',
        body: newCommentSchema,
        handle: ({ input }) => Promise.resolve(input),
      }),
      route({
        method: 'post',
        path: '/nothing',
        action: 'page.act',
        handle: () => Promise.resolve(undefined),
      }),
      route({
        method: 'get',
        path: '/things/:id',
        action: 'page.read',
        handle: ({ params }) => Promise.resolve(params),
      }),
      route({
        method: 'get',
        path: '/blob',
        action: 'page.read',
        handle: ({ req, res }) =>
          sendBlob(req, res, {
            sizeBytes: BYTES.length,
            contentType: 'video/mp4',
            versionTag: 'abc',
            downloadName: 'KITE 01".mp4',
            open(range) {
              opened++
              return Readable.from([range === undefined ? BYTES : BYTES.subarray(range.start, range.end + 1)])
            },
          }),
      }),
      route({
        method: 'get',
        path: '/breaks',
        action: 'page.read',
        handle: ({ req, res }) =>
          sendBlob(req, res, {
            sizeBytes: BYTES.length,
            contentType: 'video/mp4',
            versionTag: 'abc',
            open: () =>
              Readable.from(
                (async function* () {
                  yield BYTES.subarray(0, 10)
                  await Promise.resolve()
                  throw new AppError('blob_damaged')
                })(),
              ),
          }),
      }),
      route({
        method: 'get',
        path: '/slow',
        action: 'page.read',
        async handle({ res, signal }) {
          res.writeHead(200).write('begun')
          await once(signal, 'abort')
          aborted.push('slow')
        },
      }),
      route({
        method: 'get',
        path: '/bug',
        action: 'page.read',
        handle: () => Promise.reject(new TypeError('secret value in /srv/storage')),
      }),
    ],
    () => Promise.resolve({ kind: 'anonymous' }),
  )
  app.use(notFoundHandler)
  app.use(problemHandler(listeningLogger(log)))
  server = createServer(app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

describe('what comes in by the address', () => {
  test('is read as the schema says', async () => {
    expect((await callUrl(url, 'GET', '/query?rating=3&q=b%C3%A9b%C3%A9')).json).toEqual({
      rating: 3,
      q: 'bébé',
      limit: 100,
    })
  })

  test.each(['a=1&a=2', 'q=a&q=b', 'limit=1&limit=2', 'q=x&__proto__=1&__proto__=2'])(
    'is refused where a key stands twice: %s',
    async (query) => {
      const answer = await callUrl(url, 'GET', `/query?${query}`)
      expect([answer.status, problemSchema.parse(answer.json).code]).toEqual([400, 'invalid_request'])
    },
  )

  test.each(['limit[]=5', 'limit[a]=5', 'q[0]=a', 'constructor=1', '__proto__=1', '__proto__[x]=1'])(
    'never becomes a list or an object: %s',
    async (query) => {
      const answer = await callUrl(url, 'GET', `/query?${query}`)
      expect(answer.status).toBe(200)
      expect(answer.json).toEqual({ limit: 100 })
      expect(({} as Record<string, unknown>)['x']).toBeUndefined()
    },
  )

  test.each([
    'limit=abc',
    'limit=1e99',
    'limit=-1',
    'limit=1.5',
    'rating=6',
    'state=all',
    `q=${'x'.repeat(201)}`,
  ])('is refused out of its range: %s', async (query) => {
    expect((await callUrl(url, 'GET', `/query?${query}`)).status).toBe(400)
  })

  test('names a thing by one word, whatever is encoded in it, and broken escapes are not found', async () => {
    expect((await callUrl(url, 'GET', '/things/a%2Fb')).json).toEqual({ id: 'a/b' })
    expect((await callUrl(url, 'GET', '/things/%ff')).status).toBe(404)
    expect((await callUrl(url, 'GET', '/things/a/b')).status).toBe(404)
  })
})

describe('what comes in by the body', () => {
  const refused: readonly (readonly [string, string])[] = [
    ['no JSON', '{'],
    ['a bare word', '"x"'],
    ['a list', '[]'],
    ['an unknown key', '{"role":"admin"}'],
    ['a number for a text', '{"title":5}'],
    ['an object for a text', '{"title":{"$ne":1}}'],
    ['a list for a text', '{"title":["a"]}'],
    ['a text for a number', '{"rating":"5"}'],
    ['deep nesting', `{"title":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
    ['a prototype', '{"__proto__":{"title":"x"}}'],
  ]
  test.each(refused)('is refused: %s', async (_, body) => {
    const answer = await callUrl(url, 'PATCH', '/body', { body })
    expect([answer.status, problemSchema.parse(answer.json).code]).toEqual([400, 'invalid_request'])
    expect(({} as Record<string, unknown>)['title']).toBeUndefined()
  })

  test('is refused with the name of the field and nothing of what was sent', async () => {
    const answer = await callUrl(url, 'POST', '/comment', { body: { frame: 1, text: 5 } })
    expect(problemSchema.parse(answer.json).details).toEqual({ field: 'text', rule: 'invalid_type' })
  })

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json-patch+json',
    'multipart/form-data; boundary=x',
  ])('is not read where it says to be %s', async (type) => {
    expect(
      (await callUrl(url, 'PATCH', '/body', { body: '{"title":"x"}', headers: { 'content-type': type } }))
        .status,
    ).toBe(400)
  })

  test('is refused above 64 KiB, and where it is compressed', async () => {
    const long = await callUrl(url, 'PATCH', '/body', { body: { note: 'x'.repeat(70_000) } })
    expect([long.status, problemSchema.parse(long.json).code]).toEqual([413, 'body_too_large'])
    const packed = await callUrl(url, 'PATCH', '/body', {
      body: '{"title":"x"}',
      headers: { 'content-encoding': 'gzip' },
    })
    expect(packed.status).toBe(400)
  })

  test('may be missing where none is asked for', async () => {
    const answer = await callUrl(url, 'POST', '/nothing')
    expect([answer.status, answer.text]).toEqual([204, ''])
  })
})

describe('an answer', () => {
  test('to another method names those that there are', async () => {
    const answer = await callUrl(url, 'DELETE', '/query')
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await callUrl(url, 'OPTIONS', '/body')).headers.get('allow')).toBe('PATCH')
    expect((await callUrl(url, 'HEAD', '/query')).status).toBe(200)
  })

  test('to a browser that asks for a page is text that it shows, never a file that it saves', async () => {
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
    const answer = await callUrl(url, 'GET', '/nowhere', { headers: { accept } })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'text/plain; charset=utf-8'])
    expect(answer.text).toMatch(/^There is nothing here\.\n/)
    expect(
      (await callUrl(url, 'GET', '/nowhere', { headers: { accept: 'application/json' } })).json,
    ).toBeDefined()
  })

  test('to a bug says nothing of it, and its id is in the log', async () => {
    const answer = await callUrl(url, 'GET', '/bug')
    const problem = problemSchema.parse(answer.json)
    expect([answer.status, problem.code]).toEqual([500, 'internal'])
    expect(answer.text).not.toMatch(/secret|storage|TypeError|at /)
    expect(problem.requestId).toMatch(/^[0-9a-f]{12}$/)
    expect(log.join('\n')).toContain(problem.requestId)
  })

  test('has no ETag, no date of a file and no name of a program', async () => {
    const { headers } = await callUrl(url, 'GET', '/query')
    for (const name of ['etag', 'last-modified', 'x-powered-by', 'server'])
      expect(headers.get(name)).toBeNull()
  })

  test('that lasts is ended when the caller goes away', async () => {
    const leave = new AbortController()
    const answer = await fetch(`${url}/slow`, { signal: leave.signal })
    expect(answer.status).toBe(200)
    leave.abort()
    await expect.poll(() => aborted).toEqual(['slow'])
  })
})

describe('an object', () => {
  const part = (range: string, more: Record<string, string> = {}) =>
    fetch(`${url}/blob`, { headers: { range, ...more } })

  test('is sent whole, with its length and a tag that is no time', async () => {
    const answer = await fetch(`${url}/blob`)
    expect(answer.status).toBe(200)
    expect(Buffer.from(await answer.arrayBuffer()).equals(BYTES)).toBe(true)
    expect(answer.headers.get('content-length')).toBe('100000')
    expect(answer.headers.get('accept-ranges')).toBe('bytes')
    expect(answer.headers.get('etag')).toBe('"abc"')
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="KITE_01_.mp4"')
  })

  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=99999-', 99_999, 99_999],
    ['bytes=65535-65536', 65_535, 65_536],
    ['bytes=-7', 99_993, 99_999],
    ['bytes=5-1000000', 5, 99_999],
  ])('is sent in part: %s', async (range, start, end) => {
    const answer = await part(range)
    expect(answer.status).toBe(206)
    expect(answer.headers.get('content-range')).toBe(`bytes ${String(start)}-${String(end)}/100000`)
    expect(Buffer.from(await answer.arrayBuffer()).equals(BYTES.subarray(start, end + 1))).toBe(true)
  })

  test('is sent whole when it is not the one that the caller has a part of', async () => {
    expect((await part('bytes=0-9', { 'if-range': '"abc"' })).status).toBe(206)
    expect((await part('bytes=0-9', { 'if-range': '"other"' })).status).toBe(200)
  })

  test('says how long it is when a part outside it is asked for', async () => {
    const answer = await part('bytes=100000-')
    expect(answer.status).toBe(416)
    expect(answer.headers.get('content-range')).toBe('bytes */100000')
    expect(problemSchema.parse(await answer.json()).code).toBe('range_not_satisfiable')
  })

  test('is not opened to say what it is', async () => {
    const before = opened
    const answer = await fetch(`${url}/blob`, { method: 'HEAD' })
    expect([answer.status, answer.headers.get('content-length')]).toEqual([200, '100000'])
    expect(opened).toBe(before)
  })

  test('that breaks in the middle never looks whole', async () => {
    const answer = await fetch(`${url}/breaks`)
    await expect(answer.arrayBuffer()).rejects.toThrow()
    expect(log.join('\n')).toContain('blob_damaged')
  })
})
