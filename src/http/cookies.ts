/** The two session cookies, and where a caller's token stands. */
import { parseCookie, stringifySetCookie } from 'cookie'
import type { Request, Response } from 'express'

/** Each front has its own; browsers accept the prefix only with Secure, Path=/ and no Domain. */
export type SessionCookie = '__Host-intake' | '__Host-desk'

const MAX_TOKEN = 200
const TOKEN = /^[A-Za-z0-9_-]{20,200}$/

/**
 * The token a request carries, or undefined.
 *
 * `Authorization: Bearer` wins, and where that header is sent at all the cookie is not looked at: a request with the
 * header cannot have been made by another site, so it needs no further proof of where it came from.
 */
export function readToken(req: Request, name: SessionCookie): string | undefined {
  const { authorization, cookie } = req.headers
  const token = authorization === undefined ? cookieToken(cookie, name) : bearerToken(authorization)
  return token !== undefined && TOKEN.test(token) ? token : undefined
}

/** Does the request lean on a cookie that its browser sent by itself? */
export function leansOnCookie(req: Request): boolean {
  return req.headers.authorization === undefined && req.headers.cookie !== undefined
}

/** Gives the browser its token until it is closed; nothing is written to the phone's or laptop's disk by us. */
export function setToken(res: Response, name: SessionCookie, token: string): void {
  res.append('Set-Cookie', stringifySetCookie({ name, value: token, ...ATTRIBUTES }))
}

/** Takes the token back. */
export function clearToken(res: Response, name: SessionCookie): void {
  res.append('Set-Cookie', stringifySetCookie({ name, value: '', ...ATTRIBUTES, maxAge: 0 }))
}

const ATTRIBUTES = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const

function bearerToken(authorization: string): string | undefined {
  return authorization.length > MAX_TOKEN + 10 ? undefined : /^Bearer +(\S+)$/i.exec(authorization)?.[1]
}

function cookieToken(header: string | undefined, name: SessionCookie): string | undefined {
  return header === undefined ? undefined : parseCookie(header)[name]
}
