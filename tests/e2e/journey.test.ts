/**
 * One clip's journey in a real browser: set-up, invitation, a phone's upload through a power cut, processing through
 * another, and an editor who plays it; then a search for everything the phone had written into the file.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { currentTotp } from '../../src/access/passwords.ts'
import { openCatalogDb, openIntakeDb } from '../../src/adapters/database/database.ts'
import { launchBrowser } from '../support/browser.ts'
import { waitFor } from '../support/people.ts'
import { startServer, type TestServer } from '../support/server.ts'

const SECRETS = {
  place: '+48.1351+011.5820',
  make: 'SecretMakeWorks',
  model: 'SecretModel X9',
  title: 'Courtyard behind the north gate',
  date: '2023-04-05',
  sei: 'sei-serial-7D31F0AA',
  fileName: 'VID_20230405_hospital_roof',
}
const UPLOAD_BYTES_PER_SECOND = 1_500_000

let browser: Browser
let server: TestServer
let folder: string
let clipPath: string
let failed = true

/** Twelve seconds as a phone writes them: noise that compresses badly, moov last, and all that phones tell. */
function phoneClip(path: string): void {
  execFileSync('/usr/bin/ffmpeg', [
    ...[
      '-v',
      'error',
      '-nostdin',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=1280x720:r=30000/1001:d=12,noise=alls=18:allf=t',
    ],
    ...['-f', 'lavfi', '-i', 'sine=f=440:d=12', '-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '6M'],
    ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-timecode', '07:08:09:00'],
    ...['-bsf:v', `h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+${SECRETS.sei}`],
    ...['-movflags', 'use_metadata_tags', '-metadata', `location=${SECRETS.place}/`],
    ...['-metadata', `com.apple.quicktime.make=${SECRETS.make}`, '-metadata', `make=${SECRETS.make}`],
    ...['-metadata', `com.apple.quicktime.model=${SECRETS.model}`, '-metadata', `title=${SECRETS.title}`],
    ...['-metadata', `creation_time=${SECRETS.date}T06:07:08Z`, path],
  ])
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footbridge-journey-'))
  clipPath = join(folder, `${SECRETS.fileName}.mp4`)
  phoneClip(clipPath)
  server = await startServer()
  browser = await launchBrowser()
})

afterAll(async () => {
  await browser.close()
  await server.dispose(failed)
  await rm(folder, { recursive: true, force: true })
})

describe('one clip', () => {
  let desk: BrowserContext
  let deskPage: Page
  let phonePage: Page
  let code = ''
  const pages: string[] = []

  it('starts with an administrator who follows the set-up link and makes the vault key', async () => {
    desk = await browser.newContext({ viewport: { width: 1440, height: 900 } })
    deskPage = await desk.newPage()
    await deskPage.goto(server.setupLink ?? '')
    const secret = (await deskPage.locator('.groups').innerText()).replace(/\s/g, '')
    await deskPage.getByLabel('Name of the project').fill('The hospital')
    await deskPage.getByLabel('Your name').fill('Ada')
    await deskPage.getByLabel('Sign-in name').fill('ada')
    await deskPage.getByLabel('Password', { exact: true }).fill('correct horse battery staple')
    await deskPage.getByLabel('Six-digit code').fill(await currentTotp(secret))
    await deskPage.getByRole('button', { name: 'Finish and sign in' }).click()

    await deskPage.getByRole('button', { name: 'Make the key' }).click()
    const key = (await deskPage.locator('.key-groups').innerText()).replace(/\s/g, '')
    expect(key).toMatch(/^AGE-SECRET-KEY-1/)
    await deskPage.getByText('I have saved the key. Hide it now.').click()
    await deskPage.getByLabel(/^Type its last/).fill(key.slice(-12))
    await deskPage.getByRole('button', { name: 'Use this key and open intake' }).click()
    await deskPage.getByText('The vault key is set. Intake is open.').waitFor()
    const stored = await readEverything(server.storage)
    expect(stored.filter(({ bytes }) => bytes.includes(key.slice(16)))).toEqual([])
  })

  it('needs a code that is shown once', async () => {
    await deskPage.goto(`${server.deskUrl}/people`)
    await deskPage.getByRole('button', { name: 'Invite a contributor' }).click()
    await deskPage.getByRole('button', { name: 'Make the code' }).click()
    code = await deskPage.locator('.code-big').innerText()
    expect(code.replace(/\s/g, '')).toMatch(/^\d{25}$/)
  })

  it('goes on by itself after the server was killed in the middle of the upload, and says truthfully when it is safe', async () => {
    const phone = await browser.newContext({ viewport: { width: 360, height: 740 } })
    phonePage = await phone.newPage()
    await phonePage.goto(server.intakeUrl)
    await phonePage.getByLabel('Code').fill(code)
    await phonePage.getByRole('button', { name: 'Open' }).click()
    await phonePage.getByText('Choose clips').waitFor()
    const session = await phone.newCDPSession(phonePage)
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 20,
      downloadThroughput: -1,
      uploadThroughput: UPLOAD_BYTES_PER_SECOND,
    })
    await phonePage.locator('input[type=file]').setInputFiles(clipPath)

    const intakeDb = openIntakeDb(join(server.storage, 'database', 'intake'))
    const before = await waitFor('part of the clip to arrive', async () => {
      const row = await intakeDb.selectFrom('uploads').selectAll().executeTakeFirst()
      return row !== undefined && row.offset_bytes > 500_000 ? row : undefined
    })
    expect(before.state).toBe('receiving')
    await server.kill()
    await server.start()
    await phonePage.getByText('Arrived and the same as on your phone').waitFor({ timeout: 120_000 })
    const uploads = await intakeDb.selectFrom('uploads').selectAll().execute()
    await intakeDb.destroy()
    // One upload, not a second one from the start.
    expect(uploads.map(({ id }) => id)).toEqual([before.id])
    expect(uploads[0]?.phone_matched).toBe(1)
    pages.push(await phonePage.content())
    const kept = await phonePage.evaluate(async () => ({
      local: localStorage.length,
      session: sessionStorage.length,
      databases: (await indexedDB.databases()).length,
    }))
    expect(kept).toEqual({ local: 0, session: 0, databases: 0 })
  })

  it('is published after the server was killed in the middle of transcoding', async () => {
    const catalogDb = openCatalogDb(join(server.storage, 'database', 'desk'))
    const stateOf = async (): Promise<string | undefined> =>
      (await catalogDb.selectFrom('clips').select('state').executeTakeFirst())?.state
    await waitFor('the clip to be transcoded', async () =>
      (await stateOf()) === 'sanitized' ? true : undefined,
    )
    await server.kill()
    expect(await stateOf()).toBe('sanitized')
    await server.start()
    await waitFor('the clip to be published', async () =>
      (await stateOf()) === 'published' ? true : undefined,
    )
    expect(await catalogDb.selectFrom('clips').select('id').execute()).toHaveLength(1)
    await catalogDb.destroy()
  })

  it('is found on the board and plays on the desk', async () => {
    await deskPage.goto(server.deskUrl)
    await deskPage.getByText('Ready', { exact: true }).first().waitFor()
    pages.push(await deskPage.content())
    const { clips } = (await deskPage.evaluate(
      async () => (await fetch('/api/clips')).json() as unknown,
    )) as {
      clips: { id: string }[]
    }
    const id = clips[0]?.id ?? ''
    await deskPage.goto(`${server.deskUrl}/clips/${id}`)
    await deskPage.locator('video').waitFor()
    await deskPage.keyboard.press('Space')
    await waitFor('the picture to move', async () => {
      const at = await deskPage.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime)
      return at > 0.5 ? true : undefined
    })
    const size = await deskPage
      .locator('video')
      .evaluate((video: HTMLVideoElement) => [video.videoWidth, video.videoHeight])
    expect(size).toEqual([1280, 720])
    pages.push(await deskPage.content())
    pages.push(await deskPage.evaluate(async (clip) => (await fetch(`/api/clips/${clip}`)).text(), id))
    const problems = await deskPage.evaluate(() =>
      performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin),
    )
    expect([...new Set(problems)]).toEqual([server.deskUrl])
  })

  it('has a master and a proxy that cut lists find by the same timecode', async () => {
    for (const area of ['clean', 'derived']) {
      const names = (await readdir(join(server.storage, area))).filter((name) => name.endsWith('.mp4'))
      expect(names).toHaveLength(1)
      const told = execFileSync('/usr/bin/ffprobe', [
        '-v',
        'error',
        '-show_entries',
        'stream_tags=timecode',
        '-of',
        'csv=p=0',
        '-select_streams',
        'v',
        join(server.storage, area, names[0] ?? ''),
      ])
      // The phone's own said eight minutes past seven.
      expect(told.toString().trim()).toBe('01:00:00;00')
    }
  })

  it('keeps nothing anywhere of what the phone had written into it', async () => {
    const original = await readFile(clipPath)
    // The search itself must be able to find: the file that was sent has every one of them.
    for (const [name, secret] of Object.entries(SECRETS)) {
      if (name !== 'fileName' && name !== 'date') expect(original.includes(secret), name).toBe(true)
    }
    const everything = [
      ...(await readEverything(server.storage)),
      { name: 'logs', bytes: Buffer.from(server.said()) },
      ...pages.map((text, index) => ({ name: `page ${String(index)}`, bytes: Buffer.from(text) })),
    ]
    const kinds = ['/clean/', '/derived/', '/sealed/', 'catalog.db', 'intake.db', 'keyring.db']
    for (const kind of kinds)
      expect(
        everything.some(({ name }) => name.includes(kind)),
        kind,
      ).toBe(true)
    const hits = everything.flatMap(({ name, bytes }) =>
      Object.entries(SECRETS)
        .filter(([, secret]) => spellings(secret).some((spelling) => bytes.includes(spelling)))
        .map(([secret]) => `${secret} in ${name}`),
    )
    expect(hits).toEqual([])
    // The running worker's own lock, and nothing of what it worked on.
    expect(await readdir(join(server.storage, 'scratch'))).toEqual(['worker.lock'])
    failed = false
  })

  it('leaves no process behind when it is asked to stop', async () => {
    expect(await server.stop()).toBe(0)
    const left = execFileSync('/bin/sh', [
      '-c',
      `ps -eo args | grep -F "${server.storage}" | grep -vF grep || true`,
    ]).toString()
    expect(left).toBe('')
    await writeFile(join(folder, 'done'), '')
  })
})

function spellings(secret: string): Buffer[] {
  const utf16 = Buffer.from(secret, 'utf16le')
  return [Buffer.from(secret), utf16, Buffer.from(utf16).swap16()]
}

async function readEverything(root: string): Promise<{ name: string; bytes: Buffer }[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const name = join(entry.parentPath, entry.name)
        return { name, bytes: await readFile(name) }
      }),
  )
}
