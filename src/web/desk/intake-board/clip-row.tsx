import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { ClipSummary } from '../../../contract/clips.ts'
import { bytesWords, dayWords, durationWords } from '../format.ts'
import { CareChips, FactChips, ReleaseChip, StateChips } from '../ui/chips.tsx'
import { Stars } from '../ui/stars.tsx'
import { HoverPoster } from './hover-poster.tsx'

type Props = {
  readonly clip: ClipSummary
  /** Translators do not see whose clip it is. */
  readonly withAlias: boolean
  readonly onBin?: () => void
}

/** One clip on the board. */
export function ClipRow({ clip, withAlias, onBin }: Props): React.JSX.Element {
  const { t } = useTranslation()
  return (
    <article className="clip-row">
      <HoverPoster clip={clip} />
      <div className="clip-what">
        <Link to="/clips/$clipId" params={{ clipId: clip.id }} className="clip-name">
          <span className="title">{clip.title === '' ? clip.reel : <bdi>{clip.title}</bdi>}</span>
          {clip.title === '' ? null : (
            <bdi dir="ltr" className="reel">
              {clip.reel}
            </bdi>
          )}
        </Link>
        <div className="chips">
          <StateChips clip={clip} />
          {clip.partial ? <span className="chip warn">{t('fact.partial')}</span> : null}
          <ReleaseChip clip={clip} />
          <CareChips care={clip.care} />
        </div>
        <div className="chips quiet">
          <FactChips media={clip.media} />
          {clip.tags.map((tag) => (
            <span key={tag} className="chip tag">
              <bdi>{tag}</bdi>
            </span>
          ))}
        </div>
      </div>
      <div className="clip-facts">
        <Stars rating={clip.rating} />
        <span className="length">
          {clip.media === null || clip.media.kind === 'still' ? (
            bytesWords(clip.originalBytes)
          ) : (
            <bdi dir="ltr">{durationWords(clip.media.durationMs)}</bdi>
          )}
        </span>
        {withAlias ? (
          <span className="alias">
            <bdi>{clip.alias}</bdi>
          </span>
        ) : null}
        <span className="day">{dayWords(clip.receivedDay)}</span>
      </div>
      {onBin === undefined ? null : (
        <button
          type="button"
          className="button ghost small row-bin"
          onClick={onBin}
          aria-label={t('bin.add_named', { name: clip.reel })}
        >
          {t('bin.add')}
        </button>
      )}
    </article>
  )
}
