/** Bearers of sessions and invitations: 256 random bits, of which only a hash is ever stored. */
import { createHash, randomBytes } from 'node:crypto'

/** Makes a token: 43 characters that may stand in a cookie, a header and a link's fragment. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/** What the database keeps of it. A token has full strength, so a plain hash tells nothing. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
