import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import en from './locales/en.json'

/** The languages of the desk with their names in their own script. */
export const LANGUAGES = { en: 'English', ar: 'العربية' } as const
export type Language = keyof typeof LANGUAGES

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation'
    resources: { translation: typeof en }
  }
}

/** Is it one of our languages? */
export const isLanguage = (text: string): text is Language => Object.hasOwn(LANGUAGES, text)

function dress(language: Language): void {
  document.documentElement.lang = language
  document.documentElement.dir = i18next.dir(language)
  document.title = i18next.t('product')
}

/** Turns the whole page to `language`, direction included; fetches its words the first time. */
export async function setLanguage(language: Language): Promise<void> {
  if (language === 'ar' && !i18next.hasResourceBundle('ar', 'translation')) {
    const { default: words } = await import('./locales/ar.json')
    i18next.addResourceBundle('ar', 'translation', words)
  }
  await i18next.changeLanguage(language)
  dress(language)
}

/** The language shown now. */
export function currentLanguage(): Language {
  return isLanguage(i18next.language) ? i18next.language : 'en'
}

/** Prepares the words. The choice is kept by the open page only: nothing is stored on the computer. */
export async function startLanguages(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: { en: { translation: en } },
    // React escapes what it shows.
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage)
  await setLanguage(wanted ?? 'en')
}
