import { useState } from 'react'
import { Button, Form } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { DialogBox } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'

/** Quotas are set in decimal gigabytes, as they are shown. */
const GB = 1e9
const MOST_GB = 10_000

/** Reads whole or broken gigabytes as bytes; undefined where it is no amount we take. */
export function quotaBytesOf(typed: string): number | undefined {
  const gigabytes = Number(typed.replace(',', '.'))
  return typed.trim() !== '' && gigabytes >= 0.001 && gigabytes <= MOST_GB
    ? Math.round(gigabytes * GB)
    : undefined
}

type Props = {
  readonly name: string
  readonly bytes: number
  readonly onSave: (bytes: number) => void
  readonly onClose: () => void
}

/** Asks for a new limit. */
export function QuotaBox({ name, bytes, onSave, onClose }: Props): React.JSX.Element {
  const { t } = useTranslation()
  const [typed, setTyped] = useState(String(Math.round((bytes / GB) * 1000) / 1000))
  const wanted = quotaBytesOf(typed)
  return (
    <DialogBox title={t('people.quota_of', { name })} onClose={onClose}>
      <Form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (wanted === undefined) return
          onSave(wanted)
          onClose()
        }}
      >
        <Field
          ltr
          autoFocus
          label={t('people.quota_gb')}
          value={typed}
          onChange={setTyped}
          inputMode="decimal"
          error={wanted === undefined ? t('people.quota_bad') : undefined}
        />
        <Button type="submit" className="button primary" isDisabled={wanted === undefined}>
          {t('action.save')}
        </Button>
      </Form>
    </DialogBox>
  )
}
