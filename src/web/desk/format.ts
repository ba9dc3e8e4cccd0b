import { currentLanguage } from './i18n.ts'

/**
 * The reader's own region where it speaks the language shown. Latin digits in every language: they stand beside
 * timecodes and codes, and two kinds of digits are never mixed.
 */
function locale(): string {
  const language = currentLanguage()
  const own = navigator.languages.find((tag) => tag.toLowerCase().startsWith(language))
  return new Intl.Locale(own ?? language, { numberingSystem: 'latn' }).toString()
}

/** A UTC day such as `2026-11-24` in words; the desk never shows a finer time of receipt. */
export function dayWords(day: string): string {
  const date = new Date(`${day}T00:00:00Z`)
  return Number.isNaN(date.getTime())
    ? day
    : new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeZone: 'UTC' }).format(date)
}

/** The moment of a colleague's act, in the reader's own time zone. */
export function momentWords(iso: string): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso))
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

/** Bytes in the largest unit that keeps the number at or above one, decimal units. */
export function bytesWords(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3))
  return new Intl.NumberFormat(locale(), {
    style: 'unit',
    unit: UNITS[step] ?? 'byte',
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: step < 3 ? 0 : 1,
  }).format(bytes / 1000 ** step)
}

/** Milliseconds as `m:ss` or `h:mm:ss`, rounded to the second; what is shorter than a second as `0:00.4`. */
export function durationWords(ms: number): string {
  if (ms < 1000) return `0:0${(Math.max(100, ms) / 1000).toFixed(1)}`
  const total = Math.round(ms / 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(total / 3600)
  const minutes = Math.floor((total % 3600) / 60)
  return hours > 0 ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`
}

/** A whole or short number in the reader's language. */
export function numberWords(value: number): string {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: 3 }).format(value)
}

/** Seconds of waiting in the largest fitting unit. */
export function waitWords(seconds: number): string {
  const [unit, size] =
    seconds >= 3600
      ? (['hour', 3600] as const)
      : seconds >= 60
        ? (['minute', 60] as const)
        : (['second', 1] as const)
  return new Intl.NumberFormat(locale(), {
    style: 'unit',
    unit,
    unitDisplay: 'long',
    maximumFractionDigits: 0,
  }).format(seconds / size)
}
