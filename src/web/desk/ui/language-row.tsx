import { useTranslation } from 'react-i18next'
import { currentLanguage, isLanguage, LANGUAGES, setLanguage } from '../i18n.ts'

/** The languages in their own scripts, for pages without an account. */
export function LanguageRow(): React.JSX.Element {
  const { t } = useTranslation()
  return (
    <div className="languages" role="group" aria-label={t('language')}>
      {Object.entries(LANGUAGES).map(([code, name]) => (
        <button
          key={code}
          type="button"
          className="button ghost small"
          lang={code}
          aria-pressed={code === currentLanguage()}
          onClick={() => {
            if (isLanguage(code)) void setLanguage(code)
          }}
        >
          {name}
        </button>
      ))}
    </div>
  )
}
