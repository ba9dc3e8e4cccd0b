import { useState } from 'react'
import { CheckboxGroup, Label, RadioGroup } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { ChangeClip, ClipDetail } from '../../../contract/clips.ts'
import { CARE_FLAGS, RELEASE_STATES } from '../../../domain/clip.ts'
import { useChangeClip, useTranslators } from '../queries.ts'
import { Check, Choice } from '../ui/check.tsx'
import { ConfirmBox } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { useComplain } from '../ui/notices.tsx'
import { TagField } from './tag-field.tsx'

/** What people say about the clip: words, tags, release, care, and who may watch it for translation. */
export function DetailsPanel({ clip }: { readonly clip: ClipDetail }): React.JSX.Element {
  const { t } = useTranslation()
  const complain = useComplain()
  const change = useChangeClip()
  const [title, setTitle] = useState(clip.title)
  const [note, setNote] = useState(clip.note)
  const [clearing, setClearing] = useState(false)
  const send = (given: ChangeClip): void =>
    change.mutate({ id: clip.id, change: given }, { onError: complain })

  return (
    <div className="stack">
      <Field
        label={t('details.name')}
        hint={t('details.name_hint')}
        value={title}
        onChange={setTitle}
        maxLength={200}
        onBlur={() => {
          if (title.trim() !== clip.title) send({ title: title.trim() })
        }}
      />
      <Field
        label={t('details.note')}
        lines={4}
        value={note}
        onChange={setNote}
        maxLength={8000}
        onBlur={() => {
          if (note.trim() !== clip.note) send({ note: note.trim() })
        }}
      />
      <TagField tags={clip.tags} onChange={(tags) => send({ tags })} />
      <RadioGroup
        className="field"
        value={clip.release}
        onChange={(value) => {
          const release = RELEASE_STATES.find((state) => state === value)
          if (release === 'cleared') setClearing(true)
          else if (release !== undefined) send({ release })
        }}
      >
        <Label>{t('release.title')}</Label>
        {RELEASE_STATES.map((release) => (
          <Choice key={release} value={release}>
            <span>
              {t(`release.${release}`)}
              <span className="hint block">{t(`release.allows.${release}`)}</span>
            </span>
          </Choice>
        ))}
      </RadioGroup>
      <CheckboxGroup
        className="field"
        value={[...clip.care]}
        onChange={(chosen) => send({ care: CARE_FLAGS.filter((flag) => chosen.includes(flag)) })}
      >
        <Label>{t('care.title')}</Label>
        {CARE_FLAGS.map((flag) => (
          <Check key={flag} value={flag}>
            {t(`care.${flag}`)}
          </Check>
        ))}
      </CheckboxGroup>
      <Assigned clip={clip} onChange={(assigned) => send({ assigned })} />
      {clearing ? (
        <ConfirmBox
          title={t('release.clear_title')}
          confirm={t('release.clear')}
          onConfirm={() => send({ release: 'cleared' })}
          onClose={() => setClearing(false)}
        >
          <p>{t('release.clear_effect')}</p>
          {clip.care.length > 0 ? (
            <p>{t('release.clear_care', { flags: clip.care.map((flag) => t(`care.${flag}`)).join(', ') })}</p>
          ) : null}
        </ConfirmBox>
      ) : null}
    </div>
  )
}

function Assigned({
  clip,
  onChange,
}: {
  readonly clip: ClipDetail
  readonly onChange: (assigned: string[]) => void
}): React.JSX.Element {
  const { t } = useTranslation()
  const translators = useTranslators().data ?? []
  return (
    <CheckboxGroup className="field" value={[...clip.assigned]} onChange={onChange}>
      <Label>{t('assigned.title')}</Label>
      {translators.length === 0 ? <p className="hint">{t('assigned.nobody')}</p> : null}
      {translators.map((person) => (
        <Check key={person.id} value={person.id}>
          <bdi>{person.name}</bdi>
        </Check>
      ))}
    </CheckboxGroup>
  )
}
