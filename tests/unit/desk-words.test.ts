import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../src/domain/errors.ts'
import ar from '../../src/web/desk/locales/ar.json' with { type: 'json' }
import en from '../../src/web/desk/locales/en.json' with { type: 'json' }

type Words = { readonly [key: string]: string | Words }

function flat(words: Words, before = ''): [string, string][] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === 'string' ? [[before + key, value] as [string, string]] : flat(value, `${before}${key}.`),
  )
}
const english = new Map(flat(en))
const arabic = new Map(flat(ar))
const places = (text: string | undefined): string[] =>
  [...(text ?? '').matchAll(/\{\{\w+\}\}/g)].map(([name]) => name).sort()

describe('the words of the desk', () => {
  it('are all there in both languages', () => {
    expect(english.size).toBeGreaterThan(300)
    expect([...arabic.keys()].sort()).toEqual([...english.keys()].sort())
  })

  it('are never empty', () => {
    expect([...english, ...arabic].filter(([, text]) => text.trim() === '')).toEqual([])
  })

  it('have the same gaps to fill in both languages', () => {
    const uneven = [...english].filter(
      ([key, text]) => places(text).join() !== places(arabic.get(key)).join(),
    )
    expect(uneven.map(([key]) => key)).toEqual([])
  })

  it('say of every error what the register says', () => {
    /** Codes of the page itself. */
    const own = ['page_fault', 'offline', 'unreadable_answer', 'playback_failed']
    const register: Readonly<Record<string, { readonly title: string; readonly remedy: string }>> = ERRORS
    for (const [code, words] of Object.entries(en.problem)) {
      if (own.includes(code)) continue
      expect({ code, ...words }).toEqual({
        code,
        title: register[code]?.title,
        remedy: register[code]?.remedy,
      })
    }
  })
})
