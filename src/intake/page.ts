/**
 * The contributors' page as HTML that works without scripts: a door, and behind it the place to send from.
 *
 * One address for everything, so that a history shows one visit and nothing else. The door names neither product nor
 * purpose, in any language. Everything that is not ours goes through `html`, which escapes it.
 */
import { fill, LANGUAGES, sayBytes, type Language, type MessageKey } from './messages.ts'

/** Addresses of the built style and script; undefined where they are not built. */
export type PageFiles = { readonly style: string | undefined; readonly script: string | undefined }

export type Notice =
  | {
      readonly kind: 'received'
      readonly bytes: number
      readonly whole: boolean
      readonly reason?: MessageKey
    }
  | { readonly kind: 'trouble'; readonly reason: MessageKey }

type View = {
  readonly title: string
  readonly language: Language
  readonly files: PageFiles
  readonly notice: Notice | undefined
}

/** The page for who has not shown a code. */
export function doorPage(view: View): string {
  const { words } = LANGUAGES[view.language]
  const wrong = view.notice?.kind === 'trouble' ? words[view.notice.reason] : undefined
  return document(
    { ...view, files: { style: view.files.style, script: undefined } },
    html` <main class="door">
      <form method="post" action="/">
        <input type="hidden" name="do" value="open" />
        <input type="hidden" name="language" value="${view.language}" />
        <h1><label for="code">${words.code}</label></h1>
        <input
          id="code"
          name="code"
          dir="ltr"
          autocomplete="off"
          autocapitalize="none"
          autocorrect="off"
          spellcheck="false"
          maxlength="200"
          required${wrong === undefined ? html`` : html` aria-describedby="wrong" aria-invalid="true"`}
        />
        ${wrong === undefined ? html`` : html`<p id="wrong" class="trouble" role="alert">${wrong}</p>`}
        <button class="main">${words.open}</button>
      </form>
      ${languages(view.language)}
      <p class="small">${words.doorNote} ${words.lostCode}</p>
    </main>`,
  )
}

/** The page behind the door: the form, the last outcome, and room for the script to build its list. */
export function sendPage(view: View): string {
  const { words } = LANGUAGES[view.language]
  return document(
    view,
    html` <header>
        <form method="post" action="/">
          <button class="leave" name="do" value="leave">${words.leave}</button>
        </form>
      </header>
      <main class="send">
        <h1>${words.sendHeading}</h1>
        ${notice(view)}
        <form id="form" method="post" action="/" enctype="multipart/form-data">
          <label for="clip">${words.choose}</label>
          <input id="clip" name="clip" type="file" accept="video/*,image/*,audio/*" required />
          <button class="main">${words.send}</button>
          <p class="small">${words.formHint} ${words.scriptHint}</p>
        </form>
        ${view.files.script === undefined ? html`` : html`<div id="app" hidden data-words="${JSON.stringify(words)}"></div>`}
        <p class="small">${words.phoneNote}</p>
        ${languages(view.language)}
      </main>`,
  )
}

function notice({ notice: said, language }: View): Safe {
  if (said === undefined) return html``
  const { words } = LANGUAGES[language]
  if (said.kind === 'trouble') return html`<p class="trouble" role="alert">${words[said.reason]}</p>`
  const sentence = fill(said.whole ? words.receiptWhole : words.receiptCut, {
    size: sayBytes(words, said.bytes),
  })
  const reason = said.reason === undefined ? '' : words[said.reason]
  return said.whole
    ? html`<p class="good" role="status">${sentence} ${words.receiptNext}</p>`
    : html`<p class="trouble" role="alert">${reason} ${sentence}</p>`
}

function languages(current: Language): Safe {
  const buttons = Object.entries(LANGUAGES).map(
    ([code, { name, dir }]) =>
      html`<button
        name="language"
        value="${code}"
        lang="${code}"
        dir="${dir}"
        ${code === current ? html` aria-current="true"` : html``}
      >
        ${name}
      </button>`,
  )
  return html`<form method="post" action="/" class="languages">
    <input type="hidden" name="do" value="language" />${buttons}
  </form>`
}

function document({ title, language, files }: View, body: Safe): string {
  const { dir } = LANGUAGES[language]
  return html`<!doctype html>
    <html lang="${language}" dir="${dir}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex, nofollow" />
        <meta name="format-detection" content="telephone=no" />
        <title>${title}</title>
        ${files.style === undefined ? html`` : html`<link rel="stylesheet" href="${files.style}" />`}
        ${files.script === undefined ? html`` : html`<script type="module" src="${files.script}"></script>`}
      </head>
      <body>
        ${body}
      </body>
    </html> `.markup
}

/** Markup that `html` made. */
type Safe = { readonly markup: string }

function html(parts: TemplateStringsArray, ...values: readonly (string | Safe | readonly Safe[])[]): Safe {
  const filled = values.map((value) =>
    typeof value === 'string'
      ? escape(value)
      : 'markup' in value
        ? value.markup
        : value.map((one) => one.markup).join(''),
  )
  return { markup: parts.map((part, at) => part + (filled[at] ?? '')).join('') }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ESCAPES[sign] ?? '')
}
