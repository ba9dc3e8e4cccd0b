import { Button, Label, ListBox, ListBoxItem, Popover, Select, SelectValue } from 'react-aria-components'

type Props<Key extends string> = {
  readonly label: string
  readonly value: Key
  readonly options: readonly (readonly [Key, string])[]
  readonly onPick: (key: Key) => void
  /** The label is read aloud but not shown. */
  readonly bare?: boolean
}

/** One choice out of a few. */
export function Pick<Key extends string>({
  label,
  value,
  options,
  onPick,
  bare = false,
}: Props<Key>): React.JSX.Element {
  return (
    <Select
      className="field"
      {...(bare ? { 'aria-label': label } : {})}
      value={value}
      onChange={(key) => {
        const found = options.find(([option]) => option === key)
        if (found !== undefined) onPick(found[0])
      }}
    >
      {bare ? null : <Label>{label}</Label>}
      <Button className="button pick">
        <SelectValue />
        <span aria-hidden="true">▾</span>
      </Button>
      <Popover className="popover">
        <ListBox className="listbox">
          {options.map(([key, words]) => (
            <ListBoxItem key={key} id={key} textValue={words} className="option">
              {words}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  )
}
