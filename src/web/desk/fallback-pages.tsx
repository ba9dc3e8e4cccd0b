import { useTranslation } from 'react-i18next'
import { problemWords } from './problem.ts'

/** While a page's code or its first data is on the way. */
export function LoadingPage(): React.JSX.Element {
  const { t } = useTranslation()
  return (
    <p className="quiet-page" role="status">
      {t('loading')}
    </p>
  )
}

/** An address that leads nowhere. */
export function MissingPage(): React.JSX.Element {
  const { t } = useTranslation()
  return (
    <main className="quiet-page">
      <h1>{t('problem.not_found.title')}</h1>
      <p>{t('problem.not_found.remedy')}</p>
      <a className="button" href="/">
        {t('nav.clips')}
      </a>
    </main>
  )
}

/** A fault of the page itself: says so, and offers to load it anew. */
export function FaultPage({ error }: { readonly error: unknown }): React.JSX.Element {
  const { t } = useTranslation()
  const words = problemWords(t, error)
  return (
    <main className="quiet-page" role="alert">
      <h1>{words.title}</h1>
      <p>{words.remedy}</p>
      <button type="button" className="button" onClick={() => window.location.reload()}>
        {t('action.reload')}
      </button>
    </main>
  )
}

/** A failed call in words, with a way to try it again. */
export function Trouble(props: {
  readonly error: unknown
  readonly onRetry?: () => void
}): React.JSX.Element {
  const { t } = useTranslation()
  const words = problemWords(t, props.error)
  return (
    <div className="trouble" role="alert">
      <strong>{words.title}</strong>
      <span>{words.remedy}</span>
      {props.onRetry === undefined ? null : (
        <button type="button" className="button small" onClick={props.onRetry}>
          {t('action.try_again')}
        </button>
      )}
    </div>
  )
}
