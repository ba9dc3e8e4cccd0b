import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useSession } from '../session.ts'

/** Says why there is nothing, and what to do about it. */
export function EmptyBoard(props: {
  readonly filtered: boolean
  readonly onClear: () => void
}): React.JSX.Element {
  const { t } = useTranslation()
  const { role } = useSession()
  if (props.filtered) {
    return (
      <div className="empty">
        <h2>{t('empty.filtered')}</h2>
        <button type="button" className="button" onClick={props.onClear}>
          {t('filter.clear')}
        </button>
      </div>
    )
  }
  return (
    <div className="empty">
      <h2>{t('empty.title')}</h2>
      {role === 'translator' ? <p>{t('empty.translator')}</p> : null}
      {role === 'editor' ? <p>{t('empty.editor')}</p> : null}
      {role === 'admin' ? (
        <>
          <p>{t('empty.admin')}</p>
          <Link className="button primary" to="/people">
            {t('people.invite_contributor')}
          </Link>
        </>
      ) : null}
    </div>
  )
}
