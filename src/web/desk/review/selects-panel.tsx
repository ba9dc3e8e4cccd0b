import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { ClipDetail } from '../../../contract/clips.ts'
import { clipTimecode } from '../../../domain/timecode.ts'
import { removeSelect } from '../api.ts'
import { keys, useAct } from '../queries.ts'
import { useComplain } from '../ui/notices.tsx'
import type { Playback } from './playback.ts'
import { timecodeLength } from './timing.ts'

type Props = {
  readonly clip: ClipDetail
  readonly playback: Playback | undefined
  readonly onBin: (selectId: string) => void
}

/** The marked ranges: play one, put it into a bin, take it away. */
export function SelectsPanel({ clip, playback, onBin }: Props): React.JSX.Element {
  const { t } = useTranslation()
  const complain = useComplain()
  const remove = useAct((selectId: string) => removeSelect(clip.id, selectId), [keys.clip(clip.id)])
  if (playback === undefined) return <p className="hint">{t('select.none')}</p>
  const selects = [...clip.selects].sort((a, b) => a.inFrame - b.inFrame || a.outFrame - b.outFrame)
  return (
    <div className="stack">
      {selects.length === 0 ? <p className="hint">{t('select.none')}</p> : null}
      <ol className="notes">
        {selects.map((select, index) => (
          <li key={select.id} className="note-card">
            <button
              type="button"
              className="select-play"
              onClick={() => playback.playRange(select.inFrame, select.outFrame)}
            >
              <span aria-hidden="true">▶</span>
              <span>
                {select.label === '' ? (
                  t('select.numbered', { number: index + 1 })
                ) : (
                  <bdi>{select.label}</bdi>
                )}
              </span>
              <bdi dir="ltr" className="timecode">
                {clipTimecode(select.inFrame, playback.rate)} – {clipTimecode(select.outFrame, playback.rate)}
              </bdi>
              <span className="hint">
                {t('select.length', {
                  length: timecodeLength(select.outFrame - select.inFrame, playback.rate),
                })}
              </span>
            </button>
            <div className="row">
              <span className="hint">
                <bdi>{select.by}</bdi>
              </span>
              <span className="spacer" />
              <Button className="button ghost small" onPress={() => onBin(select.id)}>
                {t('bin.add')}
              </Button>
              <Button
                className="button ghost small"
                isDisabled={remove.isPending}
                onPress={() => remove.mutate(select.id, { onError: complain })}
              >
                {t('action.remove')}
              </Button>
            </div>
          </li>
        ))}
      </ol>
    </div>
  )
}
