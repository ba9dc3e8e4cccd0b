// For containers and monitors: do both fronts answer? Ends with 0 or 1 and says which one does not.
import { get as getPlain } from 'node:http'
import { get as getSecure } from 'node:https'

const FRONTS = {
  intake: process.env['FOOTBRIDGE_INTAKE_LISTEN'] || '127.0.0.1:4800',
  desk: process.env['FOOTBRIDGE_DESK_LISTEN'] || '127.0.0.1:4801',
}
const TIMEOUT_MS = 5_000

/**
 * @param {typeof getPlain | typeof getSecure} get
 * @param {string} listen HOST:PORT as the server takes it
 * @returns {Promise<boolean>}
 */
function answers(get, listen) {
  const colon = listen.lastIndexOf(':')
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '')
  // A front that listens on every address is asked on loopback. Its certificate is for a name, not for loopback,
  // so it is not looked at; nothing is sent that could be overheard.
  const hostname = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const options = { hostname, port: listen.slice(colon + 1), path: '/healthz', timeout: TIMEOUT_MS }
  return new Promise((resolve) => {
    const request = get({ ...options, rejectUnauthorized: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200 || response.statusCode === 204)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}

for (const [name, listen] of Object.entries(FRONTS)) {
  // Whether a front speaks TLS depends on more than its address, so both ways are tried.
  if ((await answers(getSecure, listen)) || (await answers(getPlain, listen))) continue
  console.error(`${name} does not answer`)
  process.exitCode = 1
}
