import { useState } from 'react'
import { Button, Form } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { addToBin, createBin } from '../api.ts'
import { LoadingPage, Trouble } from '../fallback-pages.tsx'
import { numberWords } from '../format.ts'
import { keys, useAct, useBins } from '../queries.ts'
import { DialogBox } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { notify } from '../ui/notices.tsx'

type Props = {
  readonly item: { readonly clipId: string; readonly selectId?: string }
  readonly title: string
  readonly onClose: () => void
}

/** Asks which bin, or makes one, and puts the clip or select at its end. */
export function AddToBin({ item, title, onClose }: Props): React.JSX.Element {
  const { t } = useTranslation()
  const bins = useBins()
  const [name, setName] = useState('')
  const add = useAct(
    async (target: { id: string; name: string } | { newName: string }) => {
      const bin = 'id' in target ? target : await createBin(target.newName)
      await addToBin(bin.id, item)
      return bin.name
    },
    [keys.bins],
  )
  const done = {
    onSuccess: (binName: string) => {
      notify(t('bin.added', { bin: binName }))
      onClose()
    },
  }
  return (
    <DialogBox title={t('bin.add_named', { name: title })} onClose={onClose}>
      {bins.isPending ? <LoadingPage /> : null}
      {bins.isError ? <Trouble error={bins.error} onRetry={() => void bins.refetch()} /> : null}
      {add.isError ? <Trouble error={add.error} /> : null}
      <ul className="choices">
        {bins.data?.map((bin, index) => (
          <li key={bin.id}>
            <Button
              className="choice"
              autoFocus={index === 0}
              isDisabled={add.isPending}
              onPress={() => add.mutate(bin, done)}
            >
              <bdi>{bin.name}</bdi>
              <span className="badge">{numberWords(bin.items.length)}</span>
            </Button>
          </li>
        ))}
      </ul>
      <Form
        className="row end"
        onSubmit={(event) => {
          event.preventDefault()
          // The name of a bin that is there means that bin.
          const there = bins.data?.find((bin) => bin.name === name.trim())
          add.mutate(there ?? { newName: name.trim() }, done)
        }}
      >
        <Field label={t('bin.new_name')} value={name} onChange={setName} maxLength={80} />
        <Button type="submit" className="button primary" isDisabled={name.trim() === '' || add.isPending}>
          {t('bin.create_and_add')}
        </Button>
      </Form>
    </DialogBox>
  )
}
