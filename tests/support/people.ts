/** Gets people into a running server the way they get in: by links, codes and second factors, over HTTP. */
import { generate } from 'otplib'
import { generateKeyPair, type AgeKeyPair } from '../../src/adapters/sealing.ts'
import { joinOfferSchema, signedInSchema } from '../../src/contract/access.ts'

type Fronts = { readonly intakeUrl: string; readonly deskUrl: string }

export type Colleague = {
  readonly token: string
  readonly login: string
  readonly password: string
  readonly totpSecret: string
}

/** Calls the desk's API as `token`; a body is sent as JSON. */
export async function callDesk(
  server: Fronts,
  token: string | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly json: unknown }> {
  const answer = await fetch(`${server.deskUrl}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  const isJson = /json/.test(answer.headers.get('content-type') ?? '')
  return { status: answer.status, json: isJson ? (JSON.parse(text) as unknown) : text }
}

/** Follows a set-up link or an invitation to its end. */
async function join(server: Fronts, link: string, login: string): Promise<Colleague> {
  const token = new URL(link).hash.slice(1)
  const offer = joinOfferSchema.parse(
    (await callDesk(server, undefined, 'POST', '/api/join/begin', { token })).json,
  )
  const password = `a long password for ${login}`
  const completed = await callDesk(server, undefined, 'POST', '/api/join/complete', {
    token,
    login,
    name: login,
    password,
    totp: await generate({ secret: offer.totpSecret }),
    ...(offer.firstAdministrator ? { projectName: 'Test film' } : {}),
  })
  if (completed.status !== 200) throw new Error(`could not join: ${JSON.stringify(completed.json)}`)
  return { token: signedInSchema.parse(completed.json).token, login, password, totpSecret: offer.totpSecret }
}

/** Becomes the first administrator and gives the server a vault key, whose secret half the test keeps. */
export async function setUp(server: Fronts & { readonly setupLink: string | undefined }): Promise<{
  readonly admin: Colleague
  readonly vault: AgeKeyPair
}> {
  if (server.setupLink === undefined) throw new Error('there is an administrator already')
  const admin = await join(server, server.setupLink, 'admin')
  const vault = await generateKeyPair()
  const set = await callDesk(server, admin.token, 'PUT', '/api/vault', { recipient: vault.recipient })
  if (set.status >= 300) throw new Error(`could not set the vault key: ${JSON.stringify(set.json)}`)
  return { admin, vault }
}

/** Asks again until `look` returns something; fails after `ms`. */
export async function waitFor<Result>(
  what: string,
  look: () => Promise<Result | undefined>,
  ms = 90_000,
): Promise<Result> {
  const deadline = Date.now() + ms
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`waited too long for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
}
