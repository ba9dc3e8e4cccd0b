import { FieldError, Input, Label, Text, TextArea, TextField } from 'react-aria-components'
import type { TextFieldProps } from 'react-aria-components'

type Props = Omit<TextFieldProps, 'children' | 'className'> & {
  readonly label: string
  readonly hint?: string | undefined
  readonly error?: string | undefined
  readonly lines?: number
  /** Codes, keys and names for signing in are written left to right in every language. */
  readonly ltr?: boolean
}

/** A labelled line of text, or several, with its hint and its error. */
export function Field({ label, hint, error, lines, ltr = false, ...field }: Props): React.JSX.Element {
  const direction = { dir: ltr ? 'ltr' : 'auto' } as const
  return (
    <TextField {...field} className="field" isInvalid={error !== undefined}>
      <Label>{label}</Label>
      {lines === undefined ? <Input {...direction} /> : <TextArea rows={lines} {...direction} />}
      {hint === undefined ? null : (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <FieldError>{error}</FieldError>
    </TextField>
  )
}
