import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { Session } from '../../../contract/access.ts'
import { setVault } from '../api.ts'
import { MissingPage, Trouble } from '../fallback-pages.tsx'
import { keys, useAct } from '../queries.ts'
import { useSession } from '../session.ts'
import { Check } from '../ui/check.tsx'
import { Field } from '../ui/field.tsx'
import { notify } from '../ui/notices.tsx'
import { PrintSheet } from '../ui/print-sheet.tsx'

type VaultKey = { readonly secret: string; readonly recipient: string }

/** How much of the key must be typed back: enough that only somebody who holds it can. */
const TYPED_BACK = 12

async function makeKey(): Promise<VaultKey> {
  const secret = await generateX25519Identity()
  return { secret, recipient: await identityToRecipient(secret) }
}

/** The key as an age identity file, which `age -d -i` takes as it is. */
function identityFile({ secret, recipient }: VaultKey): string {
  return `# public key: ${recipient}\n${secret}\n`
}

/**
 * Makes the vault's key pair in this browser. The secret half is shown, saved by a person and typed back in part;
 * only the public half is ever sent.
 */
export function VaultPage(): React.JSX.Element {
  const { t } = useTranslation()
  const session = useSession()
  const client = useQueryClient()
  const [key, setKey] = useState<VaultKey>()
  const save = useAct(setVault, [keys.server])
  if (session.role !== 'admin') return <MissingPage />
  return (
    <section className="page narrow">
      <h1>{t('vault.title')}</h1>
      {session.vaultReady ? (
        <>
          <p className="prose">{t('vault.is_set')}</p>
          <Link className="button primary" to="/people">
            {t('vault.next')}
          </Link>
        </>
      ) : key === undefined ? (
        <div className="stack">
          <p className="prose">{t('vault.what')}</p>
          <ul className="prose">
            <li>{t('vault.point_sealed')}</li>
            <li>{t('vault.point_never_sent')}</li>
            <li>{t('vault.point_lost')}</li>
          </ul>
          <Button className="button primary" onPress={() => void makeKey().then(setKey)}>
            {t('vault.make')}
          </Button>
        </div>
      ) : (
        <KeepKey
          made={key}
          pending={save.isPending}
          error={save.error}
          onKept={() =>
            save.mutate(key.recipient, {
              onSuccess: () => {
                // React lets go of the only copy this page had.
                setKey(undefined)
                client.setQueryData<Session | null>(keys.session, (now) =>
                  now ? { ...now, vaultReady: true } : now,
                )
                notify(t('vault.done'))
              },
            })
          }
        />
      )}
    </section>
  )
}

type KeepProps = {
  readonly made: VaultKey
  readonly pending: boolean
  readonly error: Error | null
  readonly onKept: () => void
}

function KeepKey({ made, pending, error, onKept }: KeepProps): React.JSX.Element {
  const { t } = useTranslation()
  const [saved, setSaved] = useState(false)
  const [typed, setTyped] = useState('')
  const [printing, setPrinting] = useState(false)
  const groups = made.secret.match(/.{1,6}/g) ?? []
  const end = made.secret.slice(-TYPED_BACK)
  const matches = typed.replace(/[\s-]/g, '').toUpperCase() === end

  useEffect(() => {
    const stay = (event: BeforeUnloadEvent): void => event.preventDefault()
    window.addEventListener('beforeunload', stay)
    return () => window.removeEventListener('beforeunload', stay)
  }, [])

  const download = (): void => {
    const address = URL.createObjectURL(new Blob([identityFile(made)], { type: 'text/plain' }))
    const link = document.createElement('a')
    link.href = address
    link.download = 'vault-key.txt'
    link.click()
    window.setTimeout(() => URL.revokeObjectURL(address), 10_000)
  }

  return (
    <div className="stack">
      <p className="prose">{t('vault.keep')}</p>
      {/* Above the typing field, out of sight while typing: what is typed back must come from the copy. */}
      {saved ? null : (
        <>
          <code className="key-groups" dir="ltr" aria-label={t('vault.secret')}>
            {groups.map((group, index) => (
              <span key={index}>{group}</span>
            ))}
          </code>
          <div className="row">
            <Button className="button" onPress={download}>
              {t('vault.download')}
            </Button>
            <Button className="button" onPress={() => setPrinting(true)}>
              {t('vault.print')}
            </Button>
            <Button
              className="button"
              onPress={() => {
                navigator.clipboard.writeText(made.secret).then(
                  () => notify(t('action.copied')),
                  () => notify(t('action.copy_failed')),
                )
              }}
            >
              {t('vault.copy')}
            </Button>
          </div>
          <p className="hint">{t('vault.copy_hint')}</p>
        </>
      )}
      <Check isSelected={saved} onChange={setSaved}>
        {t('vault.saved')}
      </Check>
      {saved ? (
        <>
          <Field
            ltr
            label={t('vault.type_back', { count: TYPED_BACK })}
            hint={t('vault.type_back_hint')}
            value={typed}
            onChange={setTyped}
            error={
              typed.replace(/[\s-]/g, '').length >= TYPED_BACK && !matches
                ? t('vault.type_back_bad')
                : undefined
            }
            autoComplete="off"
            spellCheck="false"
          />
          {error === null ? null : <Trouble error={error} />}
          <Button className="button primary" isDisabled={!matches || pending} onPress={onKept}>
            {pending ? t('loading') : t('vault.set')}
          </Button>
        </>
      ) : null}
      {printing ? (
        <PrintSheet onPrinted={() => setPrinting(false)}>
          <section className="sheet">
            <p className="sheet-key" dir="ltr">
              {groups.map((group, index) => (
                <span key={index}>{group}</span>
              ))}
            </p>
          </section>
        </PrintSheet>
      ) : null}
    </div>
  )
}
