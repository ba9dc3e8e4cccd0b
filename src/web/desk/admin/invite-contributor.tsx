import { useEffect, useState } from 'react'
import { Button, Form } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { ContributorInvited } from '../../../contract/access.ts'
import { inviteContributor } from '../api.ts'
import { Trouble } from '../fallback-pages.tsx'
import { dayWords } from '../format.ts'
import { keys, useAct } from '../queries.ts'
import { ConfirmBox, DialogBox } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { Pick } from '../ui/pick.tsx'
import { PrintSheet } from '../ui/print-sheet.tsx'
import { quotaBytesOf } from './quota-box.tsx'

const DAYS = ['1', '3', '7', '30'] as const
const FORMS = ['digits', 'words'] as const

/** Makes a contributor, then shows the code this once, with two sheets of paper to hand over. */
export function InviteContributor({ onClose }: { readonly onClose: () => void }): React.JSX.Element {
  const { t } = useTranslation()
  const [alias, setAlias] = useState('')
  const [days, setDays] = useState<(typeof DAYS)[number]>('3')
  const [form, setForm] = useState<(typeof FORMS)[number]>('digits')
  const [quota, setQuota] = useState('20')
  const invite = useAct(inviteContributor, [keys.people])
  const quotaBytes = quotaBytesOf(quota)
  if (invite.data !== undefined) return <CodeOnce invited={invite.data} onClose={onClose} />
  return (
    <DialogBox title={t('people.invite_contributor')} onClose={onClose}>
      <Form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (quotaBytes === undefined) return
          invite.mutate({
            expiresHours: Number(days) * 24,
            quotaBytes,
            form,
            ...(alias.trim() === '' ? {} : { alias: alias.trim() }),
          })
        }}
      >
        <Field
          label={t('people.alias')}
          hint={t('people.alias_hint')}
          value={alias}
          onChange={setAlias}
          maxLength={60}
          autoComplete="off"
          autoFocus
        />
        <Pick
          label={t('invite.form')}
          value={form}
          onPick={setForm}
          options={FORMS.map((name) => [name, t(`invite.forms.${name}`)] as const)}
        />
        <Pick
          label={t('invite.first_use')}
          value={days}
          onPick={setDays}
          options={DAYS.map((count) => [count, t('invite.days', { days: count })] as const)}
        />
        <Field
          ltr
          label={t('people.quota_gb')}
          value={quota}
          onChange={setQuota}
          inputMode="decimal"
          error={quotaBytes === undefined ? t('people.quota_bad') : undefined}
        />
        {invite.isError ? <Trouble error={invite.error} /> : null}
        <Button
          type="submit"
          className="button primary"
          isDisabled={invite.isPending || quotaBytes === undefined}
        >
          {t('invite.make_code')}
        </Button>
      </Form>
    </DialogBox>
  )
}

/** The server's drawing as a picture, never as markup of this page. */
function useSvgAddress(svg: string): string | undefined {
  const [address, setAddress] = useState<string>()
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }))
    setAddress(made)
    return () => URL.revokeObjectURL(made)
  }, [svg])
  return address
}

function CodeOnce({
  invited,
  onClose,
}: {
  readonly invited: ContributorInvited
  readonly onClose: () => void
}): React.JSX.Element {
  const { t } = useTranslation()
  const [printing, setPrinting] = useState<'code' | 'address' | 'both'>()
  const [leaving, setLeaving] = useState(false)
  const qr = useSvgAddress(invited.addressQrSvg)
  const groups = invited.code.trim().split(/[\s-]+/)
  return (
    <DialogBox
      title={t('invite.code_title', { alias: invited.alias })}
      kind="alert"
      wide
      onClose={() => setLeaving(true)}
    >
      <p className="banner warn">{t('invite.once')}</p>
      <p className="code-big" dir="ltr" aria-label={t('invite.code')}>
        {groups.map((group, index) => (
          <span key={index}>{group}</span>
        ))}
      </p>
      <p className="hint">{t('invite.first_use_by', { day: dayWords(invited.firstUseByDay) })}</p>
      <div className="address-row">
        {qr === undefined ? null : <img className="qr" src={qr} alt={t('invite.address_qr')} />}
        <div className="stack tight">
          <span className="label">{t('invite.address')}</span>
          <code className="break" dir="ltr">
            {invited.intakeAddress}
          </code>
          <p className="hint">{t('invite.sheets')}</p>
        </div>
      </div>
      <div className="dialog-foot">
        <Button className="button" onPress={() => setPrinting('code')}>
          {t('invite.print_code')}
        </Button>
        <Button className="button" onPress={() => setPrinting('address')}>
          {t('invite.print_address')}
        </Button>
        <Button className="button" onPress={() => setPrinting('both')}>
          {t('invite.print_both')}
        </Button>
        <Button className="button primary" onPress={() => setLeaving(true)}>
          {t('action.done')}
        </Button>
      </div>
      {leaving ? (
        <ConfirmBox
          title={t('invite.leave_title')}
          confirm={t('invite.leave')}
          onConfirm={onClose}
          onClose={() => setLeaving(false)}
        >
          <p>{t('invite.leave_effect')}</p>
        </ConfirmBox>
      ) : null}
      {printing === undefined ? null : (
        <PrintSheet onPrinted={() => setPrinting(undefined)}>
          {/* Nothing on this sheet says what the digits are for: it may be found on somebody. */}
          {printing === 'address' ? null : (
            <section className="sheet">
              <p className="sheet-code" dir="ltr">
                {groups.map((group, index) => (
                  <span key={index}>{group}</span>
                ))}
              </p>
            </section>
          )}
          {printing === 'code' ? null : (
            <section className="sheet">
              {qr === undefined ? null : <img className="sheet-qr" src={qr} alt="" />}
              <p className="sheet-address" dir="ltr">
                {invited.intakeAddress}
              </p>
            </section>
          )}
        </PrintSheet>
      )}
    </DialogBox>
  )
}
