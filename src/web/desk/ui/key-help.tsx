import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useKeys } from '../keys.ts'
import { DialogBox } from './dialog.tsx'

type Row = readonly [keys: readonly string[], words: string]

/** A button, and the key `?`, that show which keys do what on this page. */
export function KeyHelp({ rows }: { readonly rows: readonly Row[] }): React.JSX.Element {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  useKeys({ '?': () => setOpen(true) })
  return (
    <>
      <button type="button" className="button ghost small keys-button" onClick={() => setOpen(true)}>
        <kbd>?</kbd> {t('keys.title')}
      </button>
      {open ? (
        <DialogBox title={t('keys.title')} onClose={() => setOpen(false)}>
          <dl className="keys">
            {rows.map(([names, words]) => (
              <div key={words}>
                <dt>
                  {names.map((name) => (
                    <kbd key={name}>{name}</kbd>
                  ))}
                </dt>
                <dd>{words}</dd>
              </div>
            ))}
          </dl>
        </DialogBox>
      ) : null}
    </>
  )
}
