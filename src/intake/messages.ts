/** The page's words in each language, and which language to speak. */
import ar from './messages/ar.json' with { type: 'json' }
import en from './messages/en.json' with { type: 'json' }

export type Messages = Readonly<Record<keyof typeof en, string>>
export type MessageKey = keyof Messages

/** Each language with its own name, its direction and its words. A missing or surplus key does not compile. */
export const LANGUAGES = {
  en: { name: 'English', dir: 'ltr', words: en satisfies Messages },
  ar: { name: 'العربية', dir: 'rtl', words: ar satisfies Messages },
} as const
export type Language = keyof typeof LANGUAGES

/** Narrows `text` to a language we speak, or undefined. */
export function parseLanguage(text: unknown): Language | undefined {
  return typeof text === 'string' && Object.hasOwn(LANGUAGES, text) ? (text as Language) : undefined
}

/** The first of the browser's languages that we speak; English when there is none. Weights are taken in their order. */
export function preferredLanguage(acceptLanguage: string | undefined): Language {
  const wishes = (acceptLanguage ?? '')
    .slice(0, 500)
    .split(',')
    .map((wish) => {
      const [tag = '', ...parameters] = wish.trim().toLowerCase().split(';')
      const weight = parameters
        .map((one) => /^\s*q=([01](?:\.\d+)?)\s*$/.exec(one)?.[1])
        .find((q) => q !== undefined)
      return { language: parseLanguage(tag.split('-')[0]), weight: weight === undefined ? 1 : Number(weight) }
    })
    .filter((wish) => wish.weight > 0)
    .sort((a, b) => b.weight - a.weight)
  return wishes.find((wish) => wish.language !== undefined)?.language ?? 'en'
}

/** Puts values into a sentence: `{name}`. */
export function fill(sentence: string, values: Readonly<Record<string, string>>): string {
  return sentence.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}

/** A size as people say it, in megabytes of a million bytes. */
export function sayBytes(words: Messages, bytes: number): string {
  const megabytes = bytes / 1e6
  const digits = megabytes >= 100 ? 0 : megabytes >= 1 ? 1 : 3
  return fill(words.megabytes, { n: megabytes.toFixed(digits) })
}
