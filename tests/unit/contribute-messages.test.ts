import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { fill, LANGUAGES, preferredLanguage, sayBytes } from '../../src/intake/messages.ts'

const all = Object.entries(LANGUAGES)
const places = (sentence: string): string[] => (sentence.match(/\{\w+\}/g) ?? []).sort()

describe('the words of the contributors page', () => {
  it('are complete in every language, with the same values in each sentence', () => {
    const reference = LANGUAGES.en.words
    expect(all.length).toBeGreaterThan(1)
    for (const [, { words }] of all) {
      expect(Object.keys(words).sort()).toEqual(Object.keys(reference).sort())
      for (const [key, sentence] of Object.entries(words)) {
        expect(sentence.trim().length, key).toBeGreaterThan(0)
        expect(places(sentence), key).toEqual(places(reference[key as keyof typeof reference]))
      }
    }
  })

  it('are Arabic where they say so', () => {
    for (const [key, sentence] of Object.entries(LANGUAGES.ar.words)) {
      expect(sentence, key).toMatch(/\p{Script=Arabic}/u)
      expect(sentence.replaceAll(/\{\w+\}/g, ''), key).not.toMatch(/[A-Za-z]/)
    }
  })

  it('name neither product nor purpose', () => {
    for (const [, { words }] of all) {
      for (const sentence of Object.values(words)) {
        expect(sentence).not.toMatch(/footbridge|journalis|newsroom|evidence|footage|witness|صحف|دليل|شاهد/i)
      }
    }
  })

  it('are all used, by the page or by its script', async () => {
    const folders = ['src/intake', 'src/web/contribute']
    const files = (
      await Promise.all(
        folders.map(async (folder) =>
          (await readdir(folder)).filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name}`),
        ),
      )
    ).flat()
    const code = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n')
    for (const key of Object.keys(LANGUAGES.en.words)) {
      expect(code.includes(`words.${key}`) || code.includes(`'${key}'`), key).toBe(true)
    }
  })

  it('come in the first language of the browser that we speak', () => {
    expect(preferredLanguage(undefined)).toBe('en')
    expect(preferredLanguage('fr-FR, ar-SY;q=0.8, en;q=0.5')).toBe('ar')
    expect(preferredLanguage('ar;q=0.1, EN-gb')).toBe('en')
    expect(preferredLanguage('ar;q=0, de')).toBe('en')
    expect(preferredLanguage('constructor, __proto__;q=9, ;;;,')).toBe('en')
  })

  it('say sizes so that a small file is not nothing', () => {
    const { words } = LANGUAGES.en
    expect(sayBytes(words, 1_500)).toBe('0.002 MB')
    expect(sayBytes(words, 12_345_678)).toBe('12.3 MB')
    expect(sayBytes(words, 3_000_000_000)).toBe('3000 MB')
    expect(fill('{a} {b}', { a: '{b}', b: 'x' })).toBe('{b} x')
  })
})
