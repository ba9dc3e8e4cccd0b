import { useState } from 'react'
import { Button, Form } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { inviteStaff } from '../api.ts'
import { Trouble } from '../fallback-pages.tsx'
import { momentWords } from '../format.ts'
import { keys, useAct } from '../queries.ts'
import { DialogBox } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { notify } from '../ui/notices.tsx'
import { Pick } from '../ui/pick.tsx'

const ROLES = ['editor', 'translator', 'admin'] as const

/** Makes a link for a colleague, shown this once. */
export function InviteStaff({ onClose }: { readonly onClose: () => void }): React.JSX.Element {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const [role, setRole] = useState<(typeof ROLES)[number]>('editor')
  const invite = useAct(inviteStaff, [keys.people])
  const invited = invite.data
  return (
    <DialogBox
      title={t('people.invite_staff')}
      onClose={onClose}
      kind={invited === undefined ? 'plain' : 'alert'}
    >
      {invited === undefined ? (
        <Form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            invite.mutate({ name: name.trim(), role })
          }}
        >
          <Field
            label={t('people.name')}
            value={name}
            onChange={setName}
            maxLength={60}
            isRequired
            autoFocus
            autoComplete="off"
          />
          <Pick
            label={t('people.role')}
            value={role}
            onPick={setRole}
            options={ROLES.map((key) => [key, t(`role.${key}`)] as const)}
          />
          <p className="hint">{t(`role_may.${role}`)}</p>
          {invite.isError ? <Trouble error={invite.error} /> : null}
          <Button
            type="submit"
            className="button primary"
            isDisabled={invite.isPending || name.trim() === ''}
          >
            {t('invite.make_link')}
          </Button>
        </Form>
      ) : (
        <div className="stack">
          <p className="banner warn">{t('invite.link_once')}</p>
          <code className="break link-box" dir="ltr">
            {invited.link}
          </code>
          <p className="hint">{t('invite.link_until', { moment: momentWords(invited.expiresAt) })}</p>
          <div className="dialog-foot">
            <Button
              className="button"
              onPress={() => {
                navigator.clipboard.writeText(invited.link).then(
                  () => notify(t('action.copied')),
                  () => notify(t('action.copy_failed')),
                )
              }}
            >
              {t('action.copy')}
            </Button>
            <Button className="button primary" onPress={onClose}>
              {t('action.done')}
            </Button>
          </div>
        </div>
      )}
    </DialogBox>
  )
}
