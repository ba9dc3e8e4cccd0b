import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Button, Form } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { Bin } from '../../../contract/clips.ts'
import { createBin, exportOf, removeFromBin } from '../api.ts'
import { LoadingPage, MissingPage, Trouble } from '../fallback-pages.tsx'
import { numberWords } from '../format.ts'
import { keys, useAct, useBins } from '../queries.ts'
import { useSession } from '../session.ts'
import { Field } from '../ui/field.tsx'
import { useComplain } from '../ui/notices.tsx'
import '../styles/bins.css'

/** Bins: what was gathered, in order, and the lists an edit suite reads. */
export function BinsPage(): React.JSX.Element {
  const { t } = useTranslation()
  const { role } = useSession()
  const bins = useBins()
  const [name, setName] = useState('')
  const [openId, setOpenId] = useState<string>()
  const create = useAct(createBin, [keys.bins])
  if (role === 'translator') return <MissingPage />
  const open = bins.data?.find((bin) => bin.id === openId) ?? bins.data?.[0]
  return (
    <section className="page bins">
      <aside className="bins-side">
        <h1>{t('nav.bins')}</h1>
        {bins.isPending ? <LoadingPage /> : null}
        {bins.isError ? <Trouble error={bins.error} onRetry={() => void bins.refetch()} /> : null}
        <ul className="choices">
          {bins.data?.map((bin) => (
            <li key={bin.id}>
              <button
                type="button"
                className="choice"
                aria-current={bin.id === open?.id}
                onClick={() => setOpenId(bin.id)}
              >
                <bdi>{bin.name}</bdi>
                <span className="badge">{numberWords(bin.items.length)}</span>
              </button>
            </li>
          ))}
        </ul>
        <Form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            create.mutate(name.trim(), {
              onSuccess: (bin) => {
                setName('')
                setOpenId(bin.id)
              },
            })
          }}
        >
          <Field label={t('bin.new_name')} value={name} onChange={setName} maxLength={80} />
          {create.isError ? <Trouble error={create.error} /> : null}
          <Button type="submit" className="button" isDisabled={name.trim() === '' || create.isPending}>
            {t('bin.create')}
          </Button>
        </Form>
      </aside>
      {open === undefined ? (
        bins.isSuccess ? (
          <div className="empty">
            <h2>{t('empty.bins')}</h2>
            <p>{t('empty.bins_how')}</p>
          </div>
        ) : null
      ) : (
        <BinView bin={open} />
      )}
    </section>
  )
}

function BinView({ bin }: { readonly bin: Bin }): React.JSX.Element {
  const { t } = useTranslation()
  const complain = useComplain()
  const remove = useAct((position: number) => removeFromBin(bin.id, position), [keys.bins])
  return (
    <section className="bin" aria-labelledby="bin-name">
      <div className="board-head">
        <h2 id="bin-name">
          <bdi>{bin.name}</bdi>
        </h2>
        <span className="count">{t('bin.count', { count: bin.items.length })}</span>
        {bin.items.length === 0 ? null : (
          <span className="row">
            <a className="button small" href={exportOf.csv(bin.id)} download>
              {t('bin.csv')}
            </a>
            <a className="button small" href={exportOf.edl(bin.id)} download>
              {t('bin.edl')}
            </a>
          </span>
        )}
      </div>
      {bin.items.length === 0 ? (
        <p className="empty">{t('empty.bin')}</p>
      ) : (
        <ol className="bin-items">
          {bin.items.map((item) => (
            <li key={item.position}>
              <Link to="/clips/$clipId" params={{ clipId: item.clipId }} className="clip-name">
                <span className="title">{item.title === '' ? item.reel : <bdi>{item.title}</bdi>}</span>
                <bdi dir="ltr" className="reel">
                  {item.reel}
                </bdi>
              </Link>
              <span className="bin-part">
                {item.select === null ? (
                  t('bin.whole')
                ) : (
                  <>
                    {item.select.label === '' ? t('select.one') : <bdi>{item.select.label}</bdi>}{' '}
                    <bdi dir="ltr" className="timecode">
                      {numberWords(item.select.inFrame)}–{numberWords(item.select.outFrame)}
                    </bdi>
                  </>
                )}
              </span>
              <Button
                className="button ghost small"
                aria-label={t('bin.remove_named', { name: item.reel })}
                isDisabled={remove.isPending}
                onPress={() => remove.mutate(item.position, { onError: complain })}
              >
                {t('action.remove')}
              </Button>
            </li>
          ))}
        </ol>
      )}
      <p className="hint">{t('bin.export_hint')}</p>
    </section>
  )
}
