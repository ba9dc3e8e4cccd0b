import { useState } from 'react'
import { Button, Label, Tag, TagGroup, TagList } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { Field } from '../ui/field.tsx'

type Props = { readonly tags: readonly string[]; readonly onChange: (tags: string[]) => void }

/** The clip's tags; Enter or a comma adds what was typed. */
export function TagField({ tags, onChange }: Props): React.JSX.Element {
  const { t } = useTranslation()
  const [typed, setTyped] = useState('')
  const add = (): void => {
    const fresh = typed
      .split(/[,،;]/)
      .map((tag) => tag.trim().slice(0, 60))
      .filter((tag) => tag !== '' && !tags.includes(tag))
    setTyped('')
    if (fresh.length > 0) onChange([...tags, ...new Set(fresh)])
  }
  return (
    <div className="stack tight">
      <TagGroup className="field" onRemove={(gone) => onChange(tags.filter((tag) => !gone.has(tag)))}>
        <Label>{t('tag.title')}</Label>
        <TagList
          className="tags"
          items={tags.map((tag) => ({ id: tag }))}
          renderEmptyState={() => <span className="hint">{t('tag.none')}</span>}
        >
          {(tag) => (
            <Tag className="chip tag" textValue={tag.id}>
              <bdi>{tag.id}</bdi>
              <Button slot="remove" className="tag-remove" aria-label={t('tag.remove', { tag: tag.id })}>
                <span aria-hidden="true">✕</span>
              </Button>
            </Tag>
          )}
        </TagList>
      </TagGroup>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          add()
        }}
      >
        <Field
          label={t('tag.add')}
          hint={t('tag.hint')}
          value={typed}
          onChange={setTyped}
          onBlur={add}
          autoComplete="off"
        />
      </form>
    </div>
  )
}
