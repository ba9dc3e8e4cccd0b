import { useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { clipTimecode } from '../../../domain/timecode.ts'
import type { Playback } from './playback.ts'
import { frameOfEntry } from './timing.ts'

/** Where the player is: timecode that can be typed over, and the frame number. */
export function TimecodeField({ playback }: { readonly playback: Playback }): React.JSX.Element {
  const { t } = useTranslation()
  const { frame } = useSyncExternalStore(playback.subscribe, playback.snapshot)
  const [typed, setTyped] = useState<string>()
  const [wrong, setWrong] = useState(false)
  return (
    <form
      className="timecode-form"
      onSubmit={(event) => {
        event.preventDefault()
        const found = frameOfEntry(typed ?? '', playback.rate, frame)
        setWrong(found === undefined)
        if (found === undefined) return
        playback.goTo(found)
        setTyped(undefined)
      }}
    >
      <input
        className="timecode big"
        aria-label={t('review.timecode')}
        aria-invalid={wrong}
        title={t('review.timecode_hint')}
        inputMode="numeric"
        autoComplete="off"
        spellCheck={false}
        value={typed ?? clipTimecode(frame, playback.rate)}
        onFocus={(event) => event.currentTarget.select()}
        onChange={(event) => {
          setTyped(event.currentTarget.value)
          setWrong(false)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') event.currentTarget.blur()
        }}
        onBlur={() => {
          setTyped(undefined)
          setWrong(false)
        }}
      />
      <span className="frame-number" aria-label={t('review.frame_of', { frame, last: playback.frames - 1 })}>
        {frame} / {playback.frames - 1}
      </span>
    </form>
  )
}
