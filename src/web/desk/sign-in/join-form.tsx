import { useState } from 'react'
import { Button, Form } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { JoinOffer, Session } from '../../../contract/access.ts'
import { completeJoin } from '../api.ts'
import { Trouble } from '../fallback-pages.tsx'
import { useAct } from '../queries.ts'
import { Field } from '../ui/field.tsx'
import { CodeField } from './code-field.tsx'
import { STRENGTHS, passwordStrength } from './password-strength.ts'
import { QrPicture } from './qr-picture.tsx'

const LOGIN = /^[a-z0-9][a-z0-9._-]{1,38}$/

type Props = {
  readonly token: string
  readonly offer: JoinOffer
  readonly onDone: (session: Session) => void
}

/** The second factor, a name to sign in with, a password; the first administrator also names the project. */
export function JoinForm({ token, offer, onDone }: Props): React.JSX.Element {
  const { t } = useTranslation()
  const [projectName, setProjectName] = useState(offer.firstAdministrator ? '' : offer.projectName)
  const [name, setName] = useState(offer.name)
  const [login, setLogin] = useState('')
  const [password, setPassword] = useState('')
  const [totp, setTotp] = useState('')
  const complete = useAct(completeJoin, [])
  const strength = passwordStrength(password)
  const loginFits = LOGIN.test(login)

  return (
    <Form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        complete.mutate(
          {
            token,
            login,
            name: name.trim(),
            password,
            totp,
            ...(offer.firstAdministrator ? { projectName: projectName.trim() } : {}),
          },
          { onSuccess: onDone, onError: () => setTotp('') },
        )
      }}
    >
      <p className="prose">
        {offer.firstAdministrator
          ? t('join.first')
          : t('join.invited', { project: offer.projectName, role: t(`role.${offer.role}`) })}
      </p>
      {offer.firstAdministrator ? (
        <Field
          label={t('join.project')}
          hint={t('join.project_hint')}
          value={projectName}
          onChange={setProjectName}
          maxLength={80}
          isRequired
        />
      ) : null}
      <Field
        label={t('join.name')}
        hint={t('join.name_hint')}
        value={name}
        onChange={setName}
        maxLength={60}
        isRequired
      />
      <Field
        ltr
        label={t('sign_in.login')}
        hint={t('join.login_hint')}
        value={login}
        onChange={(typed) => setLogin(typed.trim().toLowerCase())}
        error={login === '' || loginFits ? undefined : t('join.login_bad')}
        autoComplete="username"
        isRequired
      />
      <Field
        ltr
        label={t('sign_in.password')}
        hint={password === '' ? t('join.password_hint') : t(`join.strength.${strength}`)}
        type="password"
        value={password}
        onChange={setPassword}
        maxLength={200}
        autoComplete="new-password"
        isRequired
      />
      <meter
        className="strength"
        aria-label={t('join.strength_title')}
        min={0}
        max={STRENGTHS.length - 1}
        low={2}
        high={2}
        optimum={3}
        value={STRENGTHS.indexOf(strength)}
      />
      <fieldset className="panel">
        <legend>{t('join.second')}</legend>
        <p className="prose">{t('join.second_how')}</p>
        <div className="enrol">
          <QrPicture text={offer.totpUri} label={t('join.second_qr')} />
          <div className="stack">
            <span className="label">{t('join.second_key')}</span>
            <code className="groups" dir="ltr">
              {offer.totpSecret.match(/.{1,4}/g)?.join(' ')}
            </code>
            <details>
              <summary>{t('join.second_uri')}</summary>
              <code className="break" dir="ltr">
                {offer.totpUri}
              </code>
            </details>
          </div>
        </div>
        <CodeField hint={t('join.code_hint')} value={totp} onChange={setTotp} />
      </fieldset>
      {complete.isError ? <Trouble error={complete.error} /> : null}
      <Button
        type="submit"
        className="button primary"
        isDisabled={
          complete.isPending || !loginFits || totp.length !== 6 || password.length < 15 || name.trim() === ''
        }
      >
        {complete.isPending ? t('loading') : t('join.done')}
      </Button>
    </Form>
  )
}
