/** Weight: what a browser loads before it can be used, as it comes over the line, from the running server. */
import { request } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { AppError } from '../domain/errors.ts'
import { rounded, type Benchmark } from './benchmark.ts'
import { createInstallation } from './installation.ts'
import { startServer } from './processes.ts'

const KB = 1000
/** What phones of the last ten years accept. */
const ACCEPT_ENCODING = 'gzip, deflate, br'

type Loaded = { readonly body: string; readonly bytes: number; readonly cookie: string | undefined }

/** Everything before the first act: for contributors the door and the page behind it, for the desk its first page. */
export const pagesBench: Benchmark = {
  name: 'pages',
  summary: "kilobytes over the line until the contributor's page, and the desk, can be used",
  run: async (options) => {
    const installation = await createInstallation(options.folder)
    const { program } = await startServer(installation.environment, [])
    try {
      const { plain, script } = await contributorsPages(installation.intakeUrl, installation.code)
      const desk = await deskBytes(installation.deskUrl)
      return {
        contributeNoScriptKB: rounded(plain / KB),
        contributeKB: rounded((plain + script) / KB),
        deskKB: rounded(desk / KB),
      }
    } finally {
      await program.stop()
    }
  },
}

/** The door, the page behind it, and once what both of them name; bytes without and of the script. */
async function contributorsPages(
  intakeUrl: string,
  code: string,
): Promise<{ plain: number; script: number }> {
  const door = await load(`${intakeUrl}/`)
  const firstForm = door.body.slice(0, door.body.indexOf('</form>'))
  const form = new URLSearchParams({ code })
  for (const [, name = '', value = ''] of firstForm.matchAll(
    /<input type="hidden" name="([^"]*)" value="([^"]*)"/g,
  )) {
    form.set(name, value)
  }
  const opened = await load(`${intakeUrl}/`, { form: form.toString(), origin: intakeUrl })
  const redirected = opened.body === ''
  const inside = redirected ? await load(`${intakeUrl}/`, { cookie: opened.cookie }) : opened
  if (!inside.body.includes('type="file"')) {
    throw new AppError('internal', { details: { why: 'the code did not open the page' } })
  }
  const parts = await loadParts(intakeUrl, [...partsOf(door.body), ...partsOf(inside.body)])
  const sum = (scripts: boolean): number =>
    [...parts].reduce((total, [address, part]) => total + (isScript(address) === scripts ? part.bytes : 0), 0)
  const documents = door.bytes + opened.bytes + (redirected ? inside.bytes : 0)
  return { plain: documents + sum(false), script: sum(true) }
}

/** The desk's page and everything that it, and the scripts it starts with, load before anything is clicked. */
async function deskBytes(deskUrl: string): Promise<number> {
  const page = await load(`${deskUrl}/`)
  const parts = await loadParts(deskUrl, partsOf(page.body))
  return [...parts.values()].reduce((total, part) => total + part.bytes, page.bytes)
}

/** Loads `addresses` and what the scripts among them import statically, each once; by absolute address. */
async function loadParts(base: string, addresses: readonly string[]): Promise<Map<string, Loaded>> {
  const parts = new Map<string, Loaded>()
  const waiting = addresses.map((address) => new URL(address, base).href)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (parts.has(next)) continue
    const loaded = await load(next)
    parts.set(next, loaded)
    if (isScript(next)) for (const part of importsOf(loaded.body)) waiting.push(new URL(part, next).href)
  }
  return parts
}

function isScript(address: string): boolean {
  return /\.m?js$/.test(new URL(address).pathname)
}

function partsOf(html: string): readonly string[] {
  const found = [...html.matchAll(/<(?:script|link)[^>]*\s(?:src|href)="([^"]+)"/g)]
  return found.map((match) => match[1] ?? '').filter((address) => !address.startsWith('data:'))
}

/** Static imports of a built module; what is imported later is not part of the first load. */
function importsOf(script: string): readonly string[] {
  return [
    ...script.matchAll(
      /(?:^|[;}\s])(?:import|export)\s?(?:[\w*{][^'"();]*?from\s?)?["'](\.\.?\/[^"']+)["']/g,
    ),
  ].map((match) => match[1] ?? '')
}

/** Loads one address as a browser does; `bytes` is the length of the body as it came, `body` what it says. */
async function load(
  address: string,
  more: { readonly form?: string; readonly origin?: string; readonly cookie?: string | undefined } = {},
): Promise<Loaded> {
  const { promise, resolve, reject } = Promise.withResolvers<Loaded>()
  const outgoing = request(
    address,
    {
      method: more.form === undefined ? 'GET' : 'POST',
      headers: {
        'Accept-Encoding': ACCEPT_ENCODING,
        Accept: 'text/html,*/*',
        ...(more.form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
        ...(more.origin === undefined ? {} : { Origin: more.origin }),
        ...(more.cookie === undefined ? {} : { Cookie: more.cookie }),
      },
    },
    (answer) => {
      const pieces: Buffer[] = []
      answer.on('data', (piece: Buffer) => pieces.push(piece))
      answer.once('error', reject)
      answer.once('end', () => {
        if ((answer.statusCode ?? 500) >= 400) {
          reject(
            new AppError('internal', { details: { why: `answered ${String(answer.statusCode)}`, address } }),
          )
          return
        }
        const raw = Buffer.concat(pieces)
        resolve({
          body: unpack(raw, answer.headers['content-encoding']),
          bytes: raw.length,
          cookie: answer.headers['set-cookie']?.[0]?.split(';')[0],
        })
      })
    },
  )
  outgoing.once('error', reject)
  outgoing.end(more.form)
  return promise
}

function unpack(raw: Buffer, encoding: string | undefined): string {
  if (encoding === 'br') return brotliDecompressSync(raw).toString()
  if (encoding === 'gzip') return gunzipSync(raw).toString()
  return raw.toString()
}
