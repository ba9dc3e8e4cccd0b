import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import en from '../../src/intake/messages/en.json' with { type: 'json' }
import { MIB, startIntake, type Sender, type TestIntake } from '../support/intake.ts'

let webRoot: string
let browser: Browser
let intake: TestIntake
let sender: Sender
let context: BrowserContext
let page: Page

beforeAll(async () => {
  webRoot = await mkdtemp(join(tmpdir(), 'footbridge-contribute-'))
  await build({ configFile: '.config/vite.contribute.ts', logLevel: 'warn', build: { outDir: webRoot } })
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  intake = await startIntake({ webRoot })
})
afterAll(async () => {
  await browser.close()
  await intake.close()
  await rm(webRoot, { recursive: true, force: true })
})
beforeEach(async () => {
  sender = await intake.addSender()
})
afterEach(() => context.close())

/** `localhost`, where a browser accepts a Secure cookie without TLS. */
const home = (): string => intake.url.replace('127.0.0.1', 'localhost')

async function open(options: { scripts?: boolean; language?: string; width?: number } = {}): Promise<void> {
  context = await browser.newContext({
    javaScriptEnabled: options.scripts ?? true,
    locale: options.language ?? 'en',
    viewport: { width: options.width ?? 360, height: 740 },
  })
  page = await context.newPage()
  await page.goto(home())
}

async function enter(): Promise<void> {
  await page.locator('#code').fill(sender.code)
  await page.locator('form button.main').first().click()
  await page.locator('#form').waitFor()
}

async function clip(bytes: Uint8Array): Promise<string> {
  const path = join(intake.folder, `${randomBytes(4).toString('hex')}-very-private-name.mp4`)
  await writeFile(path, bytes)
  return path
}

/** What the worker does in the end, as far as the page can see it. */
async function seal(): Promise<void> {
  await intake.db.updateTable('uploads').set({ state: 'sealed' }).where('state', '=', 'complete').execute()
}

describe('the page without scripts', () => {
  it('takes a clip by form and says that it was not compared, in English and in Arabic', async () => {
    await open({ scripts: false })
    expect(await page.title()).toBe('Welcome')
    await page.locator('#code').fill('1234 5678')
    await page.locator('form button.main').click()
    expect(await page.locator('[role=alert]').textContent()).toBe(en.wrongCode)
    await enter()
    await page.locator('#clip').setInputFiles(await clip(randomBytes(3 * MIB)))
    await page.locator('#form button.main').click()
    expect(await page.locator('[role=status]').textContent()).toContain('Arrived whole, 3.1 MB')
    await page.locator('button[lang=ar]').click()
    expect(await page.locator('html').getAttribute('dir')).toBe('rtl')
    expect(page.url()).toBe(`${home()}/`)
    await page.locator('button.leave').click()
    await page.locator('#code').waitFor()
    expect((await context.cookies()).length).toBe(0)
    const rows = await intake.db
      .selectFrom('uploads')
      .selectAll()
      .where('contributor_id', '=', sender.id)
      .execute()
    expect(rows).toMatchObject([{ via: 'form', state: 'complete', truncated: 0, offset_bytes: 3 * MIB }])
  })

  it('says nothing on the door about what is behind it, and fits a narrow phone in both directions', async () => {
    for (const language of ['en', 'ar']) {
      await open({ scripts: false, language, width: 320 })
      const text = (await page.content()).toLowerCase()
      for (const word of [
        'footbridge',
        'journalis',
        'footage',
        'evidence',
        'upload',
        'film',
        'newsroom',
        'video',
        'فيديو',
        'صحف',
      ]) {
        expect(text).not.toContain(word)
      }
      const wide = await page.locator('html').evaluate((html) => html.scrollWidth > html.clientWidth)
      expect(wide).toBe(false)
      const heights = await page
        .locator('button, input:not([type=hidden])')
        .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height))
      expect(Math.min(...heights)).toBeGreaterThanOrEqual(48)
      await context.close()
    }
    await open()
  })
})

describe('the page for everybody', () => {
  it('has no fault that an accessibility checker finds, in either language, colour scheme and stage', async () => {
    for (const [language, colorScheme] of [
      ['en', 'light'],
      ['ar', 'dark'],
    ] as const) {
      await open({ language })
      await page.emulateMedia({ colorScheme })
      const faults = async (): Promise<string[]> =>
        (await new AxeBuilder({ page }).analyze()).violations.map(
          (found) => `${found.id}: ${found.nodes[0]?.html ?? ''}`,
        )
      expect(await faults()).toEqual([])
      await page.locator('#code').fill('wrong')
      await page.locator('form button.main').click()
      await page.locator('[role=alert]').waitFor()
      expect(await faults()).toEqual([])
      await enter()
      await page.locator('#clip').setInputFiles(await clip(randomBytes(1_000)))
      await page.locator('li strong').waitFor()
      expect(await faults()).toEqual([])
      await context.close()
    }
    await open()
  })
})

describe('the page with its script', () => {
  it('sends several clips in turn, compares each with the phone, and calls it safe only when it is sealed', async () => {
    await open()
    await enter()
    await page
      .locator('#clip')
      .setInputFiles([await clip(randomBytes(5 * MIB + 1)), await clip(randomBytes(70_000))])
    await page.getByText(en.arrivedChecking).nth(1).waitFor()
    expect(await page.getByText(en.arrivedKeep).count()).toBe(0)
    await expect
      .poll(async () => {
        const rows = await intake.db
          .selectFrom('uploads')
          .select('phone_matched')
          .where('contributor_id', '=', sender.id)
          .execute()
        return rows.map((row) => row.phone_matched)
      })
      .toEqual([1, 1])
    await seal()
    await page.getByText(en.arrivedKeep).nth(1).waitFor()

    const kept = await page.evaluate(async () => ({
      local: localStorage.length,
      session: sessionStorage.length,
      databases: (await indexedDB.databases()).length,
      caches: (await caches.keys()).length,
      workers: (await navigator.serviceWorker.getRegistrations()).length,
      html: document.documentElement.outerHTML,
    }))
    expect(kept).toMatchObject({ local: 0, session: 0, databases: 0, caches: 0, workers: 0 })
    expect(kept.html).not.toContain('private-name')
    const everything = JSON.stringify(await intake.db.selectFrom('uploads').selectAll().execute())
    expect(everything).not.toContain('private-name')
  })

  it('waits out a dead line and a restart, and goes on where the server is', async () => {
    await open()
    await enter()
    const bytes = randomBytes(12 * MIB)
    await page.route('**/files/*', async (route) => {
      if (route.request().method() === 'PATCH') await new Promise((resolve) => setTimeout(resolve, 150))
      await route.continue()
    })
    const creations: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/files')) creations.push(request.url())
    })
    await page.locator('#clip').setInputFiles(await clip(bytes))
    await expect.poll(() => offset()).toBeGreaterThan(0)
    await context.setOffline(true)
    await page.getByText(en.stateWaiting).waitFor()
    await intake.restart()
    await context.setOffline(false)
    await page.getByText(en.arrivedChecking).waitFor({ timeout: 30_000 })
    expect(creations.length).toBe(1)
  })

  it('recognises the rest of an unfinished clip after the page was lost, and takes no other file for it', async () => {
    await open()
    await enter()
    const bytes = randomBytes(9 * MIB)
    const path = await clip(bytes)
    let held = 0
    await page.route('**/files/*', async (route) => {
      if (route.request().method() === 'PATCH' && ++held > 4) return
      await route.continue()
    })
    await page.locator('#clip').setInputFiles(path)
    await expect.poll(() => held).toBeGreaterThan(4)
    await page.close({ runBeforeUnload: false })
    const begun = await offset()
    expect(begun).toBeGreaterThan(0)

    page = await context.newPage()
    await page.goto(home())
    await page.getByText(en.unfinished, { exact: true }).waitFor()
    await page.locator('#clip').setInputFiles(await clip(randomBytes(bytes.length)))
    await page.getByText(en.arrivedChecking).waitFor({ timeout: 30_000 })
    expect(await page.getByText(en.unfinished, { exact: true }).count()).toBe(1)
    await page.locator('#clip').setInputFiles(path)
    await page.getByText(en.arrivedChecking).nth(1).waitFor({ timeout: 30_000 })
    expect(await page.getByText(en.unfinished, { exact: true }).count()).toBe(0)
    const rows = await intake.db
      .selectFrom('uploads')
      .select('state')
      .where('contributor_id', '=', sender.id)
      .execute()
    expect(rows.map((row) => row.state)).toEqual(['complete', 'complete'])
  })

  it('pauses, goes on, and removes what the person no longer wants to send', async () => {
    await open()
    await enter()
    await page.route('**/files/*', async (route) => {
      if (route.request().method() === 'PATCH') await new Promise((resolve) => setTimeout(resolve, 200))
      await route.continue()
    })
    await page.locator('#clip').setInputFiles(await clip(randomBytes(6 * MIB)))
    await page.getByRole('button', { name: en.pause }).click()
    await page.getByText(en.statePaused).waitFor()
    await page.getByRole('button', { name: en.continue }).click()
    await expect.poll(() => offset()).toBeGreaterThan(0)
    await page.getByRole('button', { name: en.remove }).click()
    await expect
      .poll(async () => {
        const rows = await intake.db
          .selectFrom('uploads')
          .select('state')
          .where('contributor_id', '=', sender.id)
          .execute()
        return rows.map((row) => row.state)
      })
      .toEqual(['removed'])
    expect(await page.locator('li').count()).toBe(0)
  })
})

async function offset(): Promise<number> {
  const row = await intake.db
    .selectFrom('uploads')
    .select('offset_bytes')
    .where('contributor_id', '=', sender.id)
    .executeTakeFirst()
  return row?.offset_bytes ?? 0
}
