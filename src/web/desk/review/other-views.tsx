import { useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { ClipDetail } from '../../../contract/clips.ts'
import { media } from '../api.ts'
import { problemWords, CallError } from '../problem.ts'
import { StateChips } from '../ui/chips.tsx'
import { Veil } from './veil.tsx'

/** A still: fitted, or at its own size by a press. */
export function StillView({ clip }: { readonly clip: ClipDetail }): React.JSX.Element {
  const { t } = useTranslation()
  const [veiled, setVeiled] = useState(clip.care.includes('graphic'))
  const [whole, setWhole] = useState(true)
  return (
    <div className="player">
      <div className={whole ? 'stage' : 'stage full-size'}>
        <img
          className={veiled ? 'veiled' : ''}
          src={media.proxy(clip.id)}
          alt={t('review.picture_of', { name: clip.title === '' ? clip.reel : clip.title })}
        />
        {veiled ? <Veil onShow={() => setVeiled(false)} /> : null}
      </div>
      <div className="mark-row">
        <Button className="button small" onPress={() => setWhole(!whole)}>
          {whole ? t('review.full_size') : t('review.fit')}
        </Button>
      </div>
    </div>
  )
}

/** A clip that cannot be watched: how far it is, or why it stopped and what to do. */
export function NotPlayable({ clip }: { readonly clip: ClipDetail }): React.JSX.Element {
  const { t } = useTranslation()
  const remedy =
    clip.reason === null
      ? undefined
      : problemWords(t, new CallError(clip.reason, 0, clip.reasonTitle ?? clip.reason, '')).remedy
  return (
    <div className="player">
      <div className="stage">
        <div className="stage-words">
          <StateChips clip={clip} />
          <p>{clip.reason === null ? t('review.not_yet') : remedy}</p>
          {clip.reasonDetail === null ? null : (
            <p className="hint">
              <bdi>{clip.reasonDetail}</bdi>
            </p>
          )}
        </div>
      </div>
    </div>
  )
}
