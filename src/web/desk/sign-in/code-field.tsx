import { useTranslation } from 'react-i18next'
import { Field } from '../ui/field.tsx'
import { latinDigits } from './digits.ts'

type Props = {
  readonly hint: string
  readonly value: string
  readonly onChange: (digits: string) => void
}

/** The six digits of a second factor; takes digits of any script. */
export function CodeField({ hint, value, onChange }: Props): React.JSX.Element {
  const { t } = useTranslation()
  return (
    <Field
      ltr
      label={t('sign_in.code')}
      hint={hint}
      value={value}
      onChange={(typed) => onChange(latinDigits(typed).slice(0, 6))}
      inputMode="numeric"
      autoComplete="one-time-code"
      isRequired
    />
  )
}
