import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { JoinOffer } from '../../../contract/access.ts'
import { beginJoin } from '../api.ts'
import { LoadingPage, Trouble } from '../fallback-pages.tsx'
import { keys } from '../queries.ts'
import { LanguageRow } from '../ui/language-row.tsx'
import { JoinForm } from './join-form.tsx'

/**
 * Takes the token out of the address, so that it stays in no history and on no screen. The first call gets it, later
 * ones the same again: React mounts twice while developing.
 */
let takenToken: string | undefined
function takeToken(): string {
  const token = window.location.hash.slice(1)
  if (token !== '') {
    takenToken = token
    window.history.replaceState(window.history.state, '', window.location.pathname)
  }
  return takenToken ?? ''
}

/** Where a set-up link or an invitation leads: enrol, then go to the desk (the first administrator to the vault). */
export function JoinPage(): React.JSX.Element {
  const { t } = useTranslation()
  const client = useQueryClient()
  const navigate = useNavigate()
  const [token] = useState(takeToken)
  const { mutate: begin, ...offer } = useMutation<JoinOffer, Error, string>({ mutationFn: beginJoin })
  useEffect(() => {
    if (token !== '') begin(token)
  }, [token, begin])

  return (
    <main className="door wide">
      <h1>{t('join.title')}</h1>
      {token === '' ? <p className="banner warn">{t('join.no_token')}</p> : null}
      {offer.isPending ? <LoadingPage /> : null}
      {offer.isError ? <Trouble error={offer.error} onRetry={() => begin(token)} /> : null}
      {offer.data === undefined ? null : (
        <JoinForm
          token={token}
          offer={offer.data}
          onDone={(session) => {
            takenToken = undefined
            client.setQueryData(keys.session, session)
            void navigate({ to: session.role === 'admin' && !session.vaultReady ? '/vault' : '/' })
          }}
        />
      )}
      <LanguageRow />
    </main>
  )
}
