/** The page's sentences, which the server put into the page in the reader's language. */

export type Words = (name: string, values?: Record<string, string>) => string

/** Reads the words that stand in `element`'s data. */
export function readWords(element: HTMLElement): Words {
  const all = JSON.parse(element.dataset['words'] ?? '{}') as Record<string, string>
  return (name, values = {}) =>
    (all[name] ?? '').replace(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole)
}

/** A size as people say it, in megabytes of a million bytes. */
export function sayBytes(words: Words, bytes: number): string {
  const megabytes = bytes / 1e6
  return words('megabytes', { n: megabytes.toFixed(megabytes >= 100 ? 0 : megabytes >= 1 ? 1 : 3) })
}
