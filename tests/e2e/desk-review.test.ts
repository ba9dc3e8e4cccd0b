/**
 * The review page on a clip whose every picture carries its own number: what the page says it shows is compared with
 * what the browser really shows. All under the content policy of the real desk; what it blocks is a failure.
 */
import { AxeBuilder } from '@axe-core/playwright'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest'
import { changeClip } from '../../src/catalog/annotations.ts'
import type { ClipId } from '../../src/domain/clip.ts'
import { launchBrowser } from '../support/browser.ts'
import { startDesk, type TestDesk } from '../support/desk.ts'
import { giveBlob, makeClip, makeMedia, makeProject, makeStaff, type SignedIn } from '../support/factories.ts'

const WEB_ROOT = fileURLToPath(new URL('../../dist/desk', import.meta.url))
const RATE = { num: 30_000, den: 1001 }
const FRAMES = 300
const BITS = 9
const CELL = 40
const STRIP = { count: 20, columns: 10, rows: 2, everyMs: 500, tileWidth: 160, tileHeight: 90 }

let browser: Browser
let desk: TestDesk
let folder: string
let admin: SignedIn
let translator: SignedIn
let clipId: ClipId
let graphicId: ClipId
let context: BrowserContext
let page: Page
let trouble: string[]

/** Ten seconds at 29.97 with B-frames and sound; the top row of each picture is its number in binary. */
function numberedClip(to: string): void {
  const cells = Array.from(
    { length: BITS },
    (_, bit) =>
      `drawbox=x=${bit * CELL}:y=0:w=${CELL}:h=${CELL}:color=white:t=fill:enable='mod(floor(n/${2 ** bit})\\,2)'`,
  )
  const picture = [`drawbox=x=0:y=0:w=${BITS * CELL}:h=${CELL}:color=black:t=fill`, ...cells].join(',')
  execFileSync('/usr/bin/ffmpeg', [
    ...[
      '-v',
      'error',
      '-nostdin',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=640x360:r=30000/1001',
      '-f',
      'lavfi',
      '-i',
      'sine=f=330:r=48000',
    ],
    ...[
      '-t',
      '10.01',
      '-vf',
      picture,
      '-frames:v',
      String(FRAMES),
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-g',
      '30',
      '-bf',
      '2',
    ],
    ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-movflags', '+faststart', join(to, 'clip.mp4')],
  ])
  const still = ['-v', 'error', '-nostdin', '-i', join(to, 'clip.mp4')]
  execFileSync('/usr/bin/ffmpeg', [...still, '-frames:v', '1', join(to, 'poster.jpg')])
  execFileSync('/usr/bin/ffmpeg', [
    ...still,
    '-vf',
    'fps=2,scale=160:90,tile=10x2',
    '-frames:v',
    '1',
    join(to, 'strip.jpg'),
  ])
}

async function seedClip(projectId: SignedIn['projectId']): Promise<ClipId> {
  const { id } = await makeClip(desk.catalogDb, {
    projectId,
    media: makeMedia({ rate: RATE, frames: FRAMES }),
  })
  const give = async (
    kind: 'proxy' | 'master' | 'poster' | 'filmstrip',
    file: string,
    type: string,
    facts?: unknown,
  ): Promise<void> =>
    giveBlob(desk.catalogDb, desk.blobs, id, kind, await readFile(join(folder, file)), type, facts)
  await give('proxy', 'clip.mp4', 'video/mp4')
  await give('master', 'clip.mp4', 'video/mp4')
  await give('poster', 'poster.jpg', 'image/jpeg')
  await give('filmstrip', 'strip.jpg', 'image/jpeg', STRIP)
  const peaks = Array.from({ length: 1000 }, (_, index) => (index % 2 === 0 ? -40 : 40))
  const wave = Buffer.from(JSON.stringify({ windowMs: 20, peaks }))
  await giveBlob(desk.catalogDb, desk.blobs, id, 'waveform', wave, 'application/json')
  return id
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footbridge-review-'))
  numberedClip(folder)
  desk = await startDesk({ webRoot: WEB_ROOT })
  const projectId = await makeProject(desk.catalogDb, 'The Last Ward')
  admin = await makeStaff(desk.catalogDb, projectId, 'admin', 'Amal')
  translator = await makeStaff(desk.catalogDb, projectId, 'translator', 'Leila')
  clipId = await seedClip(projectId)
  graphicId = await seedClip(projectId)
  const by = { staffId: admin.staffId, projectId, at: Date.now() }
  await changeClip(desk.catalogDb, clipId, { title: 'Corridor', tags: ['night'] }, by)
  await changeClip(
    desk.catalogDb,
    graphicId,
    { title: 'Triage', care: ['graphic'], assigned: [translator.staffId] },
    by,
  )
  browser = await launchBrowser()
})

afterAll(async () => {
  await browser.close()
  await desk.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Opens the desk as somebody who is signed in. */
async function openAs(
  who: SignedIn,
  path: string,
  more: { locale?: string; width?: number } = {},
): Promise<void> {
  const { locale = 'en-GB', width = 1440 } = more
  context = await browser.newContext({ locale, viewport: { width, height: width < 500 ? 740 : 900 } })
  await context.addCookies([
    {
      name: '__Host-desk',
      value: who.token,
      // A cookie of this prefix can only be set for a secure address; browsers send it to loopback all the same.
      url: desk.url.replace('http:', 'https:'),
      secure: true,
      httpOnly: true,
      sameSite: 'Strict',
    },
  ])
  page = await context.newPage()
  page.on('pageerror', (error) => trouble.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') trouble.push(message.text())
  })
  await page.goto(desk.url + path)
}

beforeEach(() => {
  trouble = []
})
afterEach(async () => {
  await context.close()
})

/** The number that the picture on screen carries. */
function numberInPicture(): Promise<number> {
  return page.evaluate(
    ({ bits, cell }) => {
      const video = document.querySelector('video')
      const canvas = document.createElement('canvas')
      const context2d = canvas.getContext('2d', { willReadFrequently: true })
      if (video === null || context2d === null) return -1
      canvas.width = video.videoWidth
      canvas.height = video.videoHeight
      context2d.drawImage(video, 0, 0)
      let number = 0
      for (let bit = 0; bit < bits; bit += 1) {
        const [red = 0] = context2d.getImageData(bit * cell + cell / 2, cell / 2, 1, 1).data
        if (red > 128) number += 2 ** bit
      }
      return number
    },
    { bits: BITS, cell: CELL },
  )
}

async function numberOnPage(): Promise<number> {
  return Number.parseInt((await page.locator('.frame-number').textContent()) ?? '', 10)
}

/** Waits until the player rests, then compares what it says with what it shows. */
async function expectFrame(frame?: number): Promise<void> {
  await page.waitForFunction(() => {
    const video = document.querySelector('video')
    return video?.paused === true && !video.seeking
  })
  const said = await numberOnPage()
  if (frame !== undefined) expect(said).toBe(frame)
  await expect.poll(numberInPicture, { timeout: 5_000 }).toBe(said)
}

async function jumpTo(entry: string): Promise<void> {
  await page.getByLabel('Timecode').fill(entry)
  await page.keyboard.press('Enter')
  await page.getByLabel('Timecode').blur()
}

async function ready(): Promise<void> {
  await page.waitForFunction(() => (document.querySelector('video')?.readyState ?? 0) >= 2)
}

describe('the player', () => {
  beforeEach(async () => {
    await openAs(admin, `/clips/${clipId}`)
    await ready()
  })

  it('steps by single pictures, and says which', async () => {
    await expectFrame(0)
    for (let frame = 1; frame <= 35; frame += 1) {
      await page.keyboard.press('ArrowRight')
      await expectFrame(frame)
    }
    await page.keyboard.press('ArrowLeft')
    await expectFrame(34)
    await page.keyboard.press('Shift+ArrowLeft')
    await expectFrame(4)
    expect(trouble).toEqual([])
  })

  it('goes to the picture of a typed timecode, first and last included', async () => {
    for (const [entry, frame] of [
      ['01:00:03;10', 100],
      ['+1', 101],
      ['-2', 99],
      ['01:00:09;29', 299],
      ['9999', 299],
      ['01:00:00;00', 0],
    ] as const) {
      await jumpTo(entry)
      await expectFrame(frame)
    }
    await page.keyboard.press('End')
    await expectFrame(FRAMES - 1)
  })

  it('stops on the picture it shows, forwards and backwards', async () => {
    for (const key of ['Space', 'l', 'l']) {
      await page.keyboard.press(key)
      await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0)
      const before = await numberOnPage()
      await expect.poll(numberOnPage, { timeout: 8_000 }).toBeGreaterThan(before + 5)
      await page.keyboard.press('k')
      await expectFrame()
    }
    await jumpTo('01:00:05;00')
    await expectFrame(150)
    await page.keyboard.press('j')
    await expect.poll(numberOnPage, { timeout: 8_000 }).toBeLessThan(140)
    await page.keyboard.press('k')
    await expectFrame()
  })

  it('saves what lies between the marks, and plays it to its last picture', async () => {
    await jumpTo('01:00:01;00')
    await expectFrame(30)
    await page.keyboard.press('i')
    await jumpTo('01:00:01;20')
    await expectFrame(50)
    await page.keyboard.press('o')
    await page.keyboard.press('s')
    await page.locator('.select-play').waitFor()
    const answer = await desk.ask(admin.token, `/api/clips/${clipId}`)
    const { selects } = (await answer.json()) as { selects: { inFrame: number; outFrame: number }[] }
    expect(selects.map(({ inFrame, outFrame }) => [inFrame, outFrame])).toEqual([[30, 51]])
    await page.locator('.select-play').click()
    await expect.poll(numberOnPage, { timeout: 8_000 }).toBe(50)
    await expectFrame(50)
  })

  it('pauses for a comment, keeps it at that frame, and runs on after it is sent', async () => {
    await page.keyboard.press('Space')
    await expect.poll(numberOnPage, { timeout: 8_000 }).toBeGreaterThan(5)
    await page.keyboard.press('m')
    await expectFrame()
    const frame = await numberOnPage()
    await page.keyboard.type('Keep this')
    await page.keyboard.press('Enter')
    await page.getByText('Keep this').waitFor()
    await expect.poll(numberOnPage, { timeout: 8_000 }).toBeGreaterThan(frame)
    await page.keyboard.press('k')
    await page.locator('.note-card .timecode').click()
    await expectFrame(frame)
  })
})

describe('the board', () => {
  it('follows what a colleague changes, without being asked', async () => {
    await openAs(admin, '/')
    await page.getByText('Corridor').waitFor()
    await desk.send(admin.token, 'PATCH', `/api/clips/${clipId}`, { title: 'Corridor, again' })
    await page.getByText('Corridor, again').waitFor({ timeout: 8_000 })
    await desk.send(admin.token, 'PATCH', `/api/clips/${clipId}`, { title: 'Corridor' })
    await page.getByText('Corridor', { exact: true }).waitFor({ timeout: 8_000 })
    expect(trouble).toEqual([])
  })

  it('is walked, rated and opened by keys, and found again as it was', async () => {
    await openAs(admin, '/')
    await page.locator('.clip-row').first().waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('4')
    const first = page.locator('.clip-row').first()
    await expect.poll(() => first.locator('.stars').getAttribute('aria-label')).toBe('Rated 4 of 5')
    await page.keyboard.press('/')
    await page.keyboard.type('corri')
    await expect.poll(() => page.locator('.clip-row').count()).toBe(1)
    await page.locator('.clip-name').click()
    await ready()
    await page.keyboard.press('Escape')
    await page.locator('.clip-row').first().waitFor()
    expect(await page.getByRole('searchbox').inputValue()).toBe('corri')
  })

  it('shows a graphic clip blurred and still, and the player starts it muted behind a veil', async () => {
    await openAs(admin, '/')
    const poster = page.locator('.clip-place', { hasText: 'Triage' }).locator('.poster')
    await poster.hover()
    expect(await poster.locator('img').evaluate((image) => getComputedStyle(image).filter)).toContain('blur')
    const other = page.locator('.clip-place', { hasText: 'Corridor' }).locator('.poster')
    await other.hover({ position: { x: 20, y: 20 } })
    await other.locator('.tile-frame').waitFor({ state: 'attached', timeout: 8_000 })
    expect(await poster.locator('.tile-frame').count()).toBe(0)
    await page.getByText('Triage').click()
    await page.getByRole('button', { name: 'Show the picture' }).waitFor()
    expect(await page.locator('video').evaluate((video: HTMLVideoElement) => video.muted)).toBe(true)
  })

  it('gives a translator the assigned clip alone, to watch and comment', async () => {
    await openAs(translator, '/')
    await page.getByText('Triage').waitFor()
    expect(await page.locator('.clip-row').count()).toBe(1)
    expect(await page.getByRole('searchbox').count()).toBe(0)
    await page.getByText('Triage').click()
    await ready()
    expect(await page.getByRole('tab').allTextContents()).toEqual(['Comments', 'Origin'])
    await page.getByRole('tab', { name: 'Origin' }).click()
    expect(await page.getByRole('button', { name: 'Download the master' }).count()).toBe(0)
  })

  it('asks to sign in when the session ends, at the same address', async () => {
    const guest = await makeStaff(desk.catalogDb, admin.projectId, 'editor', 'Jonas')
    await openAs(guest, `/clips/${clipId}`)
    await ready()
    await desk.send(guest.token, 'POST', '/api/sign-out')
    await page.keyboard.press('2')
    await page.getByText('Your session ended').waitFor({ timeout: 8_000 })
    expect(new URL(page.url()).pathname).toBe(`/clips/${clipId}`)
    expect(await page.locator('video').count()).toBe(0)
  })
})

describe('every page of the desk', () => {
  for (const locale of ['en-GB', 'ar']) {
    for (const width of [1440, 360]) {
      it(`stands up to axe, fits and is blocked nowhere by the content policy in ${locale} at ${width} pixels`, async () => {
        const pages = {
          '/': '.clip-row',
          [`/clips/${clipId}`]: 'video',
          '/bins': '.bins-side',
          '/people': 'table',
          '/vault': 'h1',
        }
        await openAs(admin, '/', { locale, width })
        for (const [path, landmark] of Object.entries(pages)) {
          await page.goto(desk.url + path)
          await page.locator(landmark).first().waitFor()
          expect(await page.evaluate(() => document.documentElement.dir)).toBe(
            locale === 'ar' ? 'rtl' : 'ltr',
          )
          const { violations } = await new AxeBuilder({ page })
            .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
            .analyze()
          expect(
            violations.map(({ id, nodes }) => `${path} ${id} ${nodes.map(({ html }) => html).join(' ')}`),
          ).toEqual([])
          expect(
            await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
          ).toBeLessThanOrEqual(0)
        }
        expect(trouble.filter((text) => /Content Security Policy/i.test(text))).toEqual([])
        expect(trouble).toEqual([])
      })
    }
  }
})
