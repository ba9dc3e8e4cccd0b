import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button, Form } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { signIn } from '../api.ts'
import { keys, useAct } from '../queries.ts'
import { Trouble } from '../fallback-pages.tsx'
import { Field } from '../ui/field.tsx'
import { LanguageRow } from '../ui/language-row.tsx'
import { CodeField } from './code-field.tsx'

/** Name, password and six digits; `ended` when a session ran out under the reader's hands. */
export function SignInPage({ ended }: { readonly ended: boolean }): React.JSX.Element {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [login, setLogin] = useState('')
  const [password, setPassword] = useState('')
  const [totp, setTotp] = useState('')
  const enter = useAct(signIn, [])
  return (
    <main className="door">
      <h1>{t('sign_in.title')}</h1>
      {ended ? <p className="banner warn">{t('sign_in.ended')}</p> : null}
      <Form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          enter.mutate(
            { login: login.trim().toLowerCase(), password, totp },
            {
              onSuccess: (session) => client.setQueryData(keys.session, session),
              onError: () => setTotp(''),
            },
          )
        }}
      >
        <Field
          ltr
          label={t('sign_in.login')}
          value={login}
          onChange={setLogin}
          autoComplete="username"
          isRequired
          autoFocus
        />
        <Field
          ltr
          label={t('sign_in.password')}
          type="password"
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          isRequired
        />
        <CodeField hint={t('sign_in.code_hint')} value={totp} onChange={setTotp} />
        {enter.isError ? <Trouble error={enter.error} /> : null}
        <Button type="submit" className="button primary" isDisabled={enter.isPending || totp.length !== 6}>
          {enter.isPending ? t('loading') : t('sign_in.enter')}
        </Button>
      </Form>
      <LanguageRow />
    </main>
  )
}
