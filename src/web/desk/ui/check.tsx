import { CheckboxButton, CheckboxField, RadioButton, RadioField } from 'react-aria-components'

type CheckProps = {
  readonly children: React.ReactNode
  /** Names it within a group. */
  readonly value?: string
  readonly isSelected?: boolean
  readonly onChange?: (selected: boolean) => void
}

/** A box to tick, alone or in a `CheckboxGroup`. */
export function Check({ children, ...field }: CheckProps): React.JSX.Element {
  return (
    <CheckboxField {...field}>
      <CheckboxButton className="check">
        <span className="box" aria-hidden="true" />
        {children}
      </CheckboxButton>
    </CheckboxField>
  )
}

/** One of the choices of a `RadioGroup`. */
export function Choice(props: {
  readonly children: React.ReactNode
  readonly value: string
}): React.JSX.Element {
  return (
    <RadioField value={props.value}>
      <RadioButton className="check">
        <span className="box round" aria-hidden="true" />
        {props.children}
      </RadioButton>
    </RadioField>
  )
}
