import { useTranslation } from 'react-i18next'
import type { ClipSummary } from '../../../contract/clips.ts'
import type { ClipState, ReleaseState } from '../../../domain/clip.ts'
import { rateName } from '../../../domain/timecode.ts'
import { reasonWords } from '../problem.ts'

const STEPS = ['received', 'sealed', 'cleaned', 'proxy'] as const
/** How many of the steps are behind a clip in this state; undefined where it went off the road. */
const DONE: Readonly<Record<ClipState, number | undefined>> = {
  receiving: 0,
  quarantined: 1,
  sealed: 2,
  inspected: 2,
  sanitized: 3,
  derived: 4,
  published: 4,
  incomplete: undefined,
  corrupt: undefined,
  refused: undefined,
  stuck: undefined,
}

type StateFacts = Pick<ClipSummary, 'state' | 'reason' | 'reasonTitle'>

/** Where the clip is on its way: its state in words, the steps while it moves, the reason where it stopped. */
export function StateChips({ clip }: { readonly clip: StateFacts }): React.JSX.Element {
  const { t } = useTranslation()
  const done = DONE[clip.state]
  if (done === undefined) {
    return (
      <span className="chips">
        <span className="chip bad">{t(`state.${clip.state}`)}</span>
        {clip.reason === null ? null : (
          <span className="reason">{reasonWords(t, clip.reason, clip.reasonTitle)}</span>
        )}
      </span>
    )
  }
  if (clip.state === 'published') return <span className="chip good">{t('state.published')}</span>
  return (
    <span className="chips">
      <span className="chip busy">{t(`state.${clip.state}`)}</span>
      <ol className="steps" aria-label={t('step.title')}>
        {STEPS.map((step, index) => (
          <li key={step} className={index < done ? 'step done' : 'step'}>
            <span aria-hidden="true">{index < done ? '✓' : '·'}</span> {t(`step.${step}`)}
            <span className="only-read">{index < done ? t('step.done') : t('step.to_come')}</span>
          </li>
        ))}
      </ol>
    </span>
  )
}

const RELEASE_MARK: Readonly<Record<ReleaseState, string>> = { held: '◷', cleared: '✓', never: '✕' }

/** May it leave the desk? Says nothing while there is nothing that could leave and nobody has decided. */
export function ReleaseChip({
  clip,
}: {
  readonly clip: Pick<ClipSummary, 'release' | 'state'>
}): React.JSX.Element | null {
  const { t } = useTranslation()
  const { release, state } = clip
  if (release === 'held' && state !== 'published') return null
  return (
    <span className={`chip release-${release}`}>
      <span aria-hidden="true">{RELEASE_MARK[release]}</span> {t(`release.${release}`)}
    </span>
  )
}

/** What to know about the people in it. */
export function CareChips({ care }: { readonly care: ClipSummary['care'] }): React.JSX.Element {
  const { t } = useTranslation()
  return (
    <>
      {care.map((flag) => (
        <span key={flag} className="chip care">
          <span aria-hidden="true">⚑</span> {t(`care.${flag}`)}
        </span>
      ))}
    </>
  )
}

/** Size, direction, rate, HDR. */
export function FactChips({ media }: { readonly media: ClipSummary['media'] }): React.JSX.Element | null {
  const { t } = useTranslation()
  if (media === null) return null
  const { video } = media
  return (
    <>
      {media.kind === 'video' ? null : <span className="chip fact">{t(`kind.${media.kind}`)}</span>}
      {video === undefined ? null : (
        <>
          <span className="chip fact">
            <bdi dir="ltr">
              {video.width}×{video.height}
            </bdi>
          </span>
          {video.height > video.width ? <span className="chip fact">{t('fact.portrait')}</span> : null}
          {media.kind === 'video' ? (
            <span className="chip fact">
              <bdi dir="ltr">{rateName(video.frameRate)}</bdi> {t('fact.fps')}
            </span>
          ) : null}
          {video.hdr ? <span className="chip fact strong">HDR</span> : null}
        </>
      )}
    </>
  )
}
