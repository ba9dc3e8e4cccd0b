/** What every answer carries, and what a request must not be: the walls around both apps. */
import type { Request, RequestHandler } from 'express'
import helmet from 'helmet'
import { AppError } from '../domain/errors.ts'
import { leansOnCookie } from './cookies.ts'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

const DENIED_FEATURES = [
  'accelerometer',
  'browsing-topics',
  'camera',
  'display-capture',
  'encrypted-media',
  'geolocation',
  'gyroscope',
  'hid',
  'identity-credentials-get',
  'idle-detection',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'publickey-credentials-get',
  'screen-wake-lock',
  'serial',
  'storage-access',
  'usb',
  'window-management',
  'xr-spatial-tracking',
]
/** The player goes full screen, plays when asked by key, and an invitation is copied once. */
const DESK_FEATURES = ['autoplay', 'clipboard-write', 'fullscreen', 'picture-in-picture']

function permissions(front: Front): string {
  const desk = DESK_FEATURES.map((name) => `${name}=${front === 'desk' ? '(self)' : '()'}`)
  return [...DENIED_FEATURES.map((name) => `${name}=()`), ...desk].sort().join(', ')
}

export type Front = 'intake' | 'desk'

type HeaderOptions = {
  readonly front: Front
  /** Tell browsers to come back by TLS only: where the certificate is one that they trust. */
  readonly hsts?: boolean
}

/**
 * Sets the headers of every answer: nothing may be loaded from or sent to anyone else, framed, cached or referred.
 *
 * Intake also hides its clock and asks not to be indexed. Its referrer policy is `same-origin`, because under
 * `no-referrer` browsers without `Sec-Fetch-Site` (phones of before 2020) send a form with `Origin: null`, and the
 * one proof that it came from our own page would be gone. No page of intake links anywhere else.
 */
export function securityHeaders(options: HeaderOptions): RequestHandler {
  const { front, hsts = false } = options
  const set = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'script-src': ["'self'"],
        'style-src': ["'self'"],
        'img-src': ["'self'", 'blob:'],
        'media-src': ["'self'", 'blob:'],
        'connect-src': ["'self'"],
        'form-action': ["'self'"],
        'base-uri': ["'none'"],
        'frame-ancestors': ["'none'"],
        // The desk's player and waveform build themselves from markup strings; the phone's script must not.
        ...(front === 'intake' ? { 'require-trusted-types-for': ["'script'"] } : {}),
      },
    },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginEmbedderPolicy: { policy: 'require-corp' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: front === 'intake' ? 'same-origin' : 'no-referrer' },
    strictTransportSecurity: hsts ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
  })
  const permissionsPolicy = permissions(front)
  return (req, res, next) => {
    res.setHeader('Permissions-Policy', permissionsPolicy)
    res.setHeader('Cache-Control', 'no-store')
    if (front === 'intake') {
      res.setHeader('X-Robots-Tag', 'noindex, nofollow, noarchive')
      res.sendDate = false
    }
    set(req, res, next)
  }
}

/**
 * Refuses a request that changes something and does not come from our own page.
 *
 * A browser says where a request came from in `Sec-Fetch-Site`, an older one in `Origin`. A request with neither is
 * no browser's of this decade: it may pass where no cookie speaks for it. With an `Authorization` header it may pass
 * always: no other site can make a browser send one. Together with `SameSite=Strict` each alone would do.
 * Errors: `cross_site_request`.
 */
export function assertSameOrigin(req: Request): void {
  if (SAFE_METHODS.has(req.method) || req.headers.authorization !== undefined) return
  const site = req.headers['sec-fetch-site']
  const { origin, host } = req.headers
  if (site !== undefined) {
    if (site === 'same-origin') return
  } else if (origin !== undefined) {
    if (host !== undefined && hostOf(origin) === host.toLowerCase()) return
  } else if (!leansOnCookie(req)) {
    return
  }
  throw new AppError('cross_site_request')
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
