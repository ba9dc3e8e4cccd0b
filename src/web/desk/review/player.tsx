import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { ClipDetail } from '../../../contract/clips.ts'
import { media } from '../api.ts'
import { Trouble } from '../fallback-pages.tsx'
import { numberWords } from '../format.ts'
import { useKeys } from '../keys.ts'
import { CallError } from '../problem.ts'
import type { Playback } from './playback.ts'
import { Scrubber } from './scrubber.tsx'
import { TimecodeField } from './timecode-field.tsx'
import { timecodeLength } from './timing.ts'
import { Veil } from './veil.tsx'

type Props = {
  readonly clip: ClipDetail
  readonly playback: Playback
  readonly marks: { readonly inFrame: number | undefined; readonly outFrame: number | undefined }
  readonly onMarkIn?: () => void
  readonly onMarkOut?: () => void
  readonly onSave?: (label: string) => void
  readonly onComment: () => void
}

/** Picture, controls, marks and scrubber of a clip with a running time. */
export function Player(props: Props): React.JSX.Element {
  const { clip, playback, marks } = props
  const { t } = useTranslation()
  const state = useSyncExternalStore(playback.subscribe, playback.snapshot)
  const stage = useRef<HTMLDivElement>(null)
  const element = useRef<HTMLVideoElement>(null)
  const graphic = clip.care.includes('graphic')
  const [veiled, setVeiled] = useState(graphic)
  const [label, setLabel] = useState('')
  const sound = clip.media?.kind === 'audio'

  useEffect(() => (element.current === null ? undefined : playback.attach(element.current)), [playback])

  const fullScreen = (): void => {
    const leaving = document.fullscreenElement !== null
    void (leaving ? document.exitFullscreen() : stage.current?.requestFullscreen())?.catch(() => undefined)
  }
  useKeys({ F: fullScreen, N: () => playback.toggleMute() })

  return (
    <div className="player" ref={stage}>
      <div className={sound ? 'stage sound' : 'stage'}>
        <video
          ref={element}
          className={veiled ? 'veiled' : ''}
          src={media.proxy(clip.id)}
          preload="auto"
          playsInline
          tabIndex={-1}
          aria-label={t('review.picture_of', { name: clip.title === '' ? clip.reel : clip.title })}
          onClick={() => playback.toggle()}
        />
        {sound ? (
          <span className="sound-mark" aria-hidden="true">
            ♪
          </span>
        ) : null}
        {veiled ? <Veil onShow={() => setVeiled(false)} /> : null}
        {state.ready || state.failed ? null : (
          <span className="stage-note" role="status">
            {t('loading')}
          </span>
        )}
        {state.failed ? (
          <Trouble
            error={new CallError('playback_failed', 0, '', '')}
            onRetry={() => element.current?.load()}
          />
        ) : null}
      </div>
      <Scrubber clip={clip} playback={playback} marks={marks} veiled={veiled} />
      <div className="transport" dir="ltr">
        <TimecodeField playback={playback} />
        <div className="transport-keys" role="group" aria-label={t('review.controls')}>
          <Button
            className="button ghost icon"
            aria-label={t('review.backwards')}
            onPress={() => playback.shuttle(-1)}
          >
            <span aria-hidden="true">◀◀</span>
          </Button>
          <Button
            className="button ghost icon"
            aria-label={t('review.frame_back')}
            onPress={() => playback.step(-1)}
          >
            <span aria-hidden="true">❘◀</span>
          </Button>
          <Button
            className="button icon play"
            aria-label={state.playing ? t('review.pause') : t('review.play')}
            onPress={() => playback.toggle()}
          >
            <span aria-hidden="true">{state.playing ? '❚❚' : '▶'}</span>
          </Button>
          <Button
            className="button ghost icon"
            aria-label={t('review.frame_on')}
            onPress={() => playback.step(1)}
          >
            <span aria-hidden="true">▶❘</span>
          </Button>
          <Button
            className="button ghost icon"
            aria-label={t('review.faster')}
            onPress={() => playback.shuttle(1)}
          >
            <span aria-hidden="true">▶▶</span>
          </Button>
        </div>
        <output className="speed" aria-label={t('review.speed')}>
          {state.playing && state.speed !== 1 ? `${numberWords(state.speed)}×` : ''}
        </output>
        <span className="spacer" />
        <Button className="button ghost small" onPress={() => playback.toggleMute()}>
          {state.muted ? t('review.sound_on') : t('review.sound_off')}
        </Button>
        <Button className="button ghost small" onPress={fullScreen}>
          {t('review.full_screen')}
        </Button>
      </div>
      <div className="mark-row">
        {props.onMarkIn === undefined ? null : (
          <>
            <Button className="button small" onPress={props.onMarkIn}>
              <kbd>I</kbd> {t('select.in')}
            </Button>
            <Button
              className="button small"
              {...(props.onMarkOut === undefined ? {} : { onPress: props.onMarkOut })}
            >
              <kbd>O</kbd> {t('select.out')}
            </Button>
            <span className="marked" role="status">
              {marks.inFrame === undefined && marks.outFrame === undefined
                ? t('select.none_marked')
                : t('select.marked', {
                    length: timecodeLength(
                      (marks.outFrame ?? playback.frames) - (marks.inFrame ?? 0),
                      playback.rate,
                    ),
                  })}
            </span>
            <input
              className="select-label"
              dir="auto"
              aria-label={t('select.label')}
              placeholder={t('select.label')}
              maxLength={200}
              value={label}
              onChange={(event) => setLabel(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === 'Escape') event.currentTarget.blur()
                if (event.key !== 'Enter') return
                props.onSave?.(label.trim())
                setLabel('')
                event.currentTarget.blur()
              }}
            />
            <Button
              className="button small"
              isDisabled={marks.inFrame === undefined && marks.outFrame === undefined}
              onPress={() => {
                props.onSave?.(label.trim())
                setLabel('')
              }}
            >
              <kbd>S</kbd> {t('select.save')}
            </Button>
          </>
        )}
        <span className="spacer" />
        <Button className="button small" onPress={props.onComment}>
          <kbd>M</kbd> {t('comment.here')}
        </Button>
      </div>
    </div>
  )
}
