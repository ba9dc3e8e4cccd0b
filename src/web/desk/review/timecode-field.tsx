import { useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import type { Rational } from '../../../domain/media.ts'
import { clipTimecode, formatTimecode, hourFrame, parseTimecodeEntry } from '../../../domain/timecode.ts'
import type { Playback } from './playback.ts'

/** A number of frames as a length; a length drops no labels. */
export function timecodeLength(frames: number, rate: Rational): string {
  return formatTimecode(Math.max(0, frames), rate)
}

/**
 * The frame that an entry means, from the clip's start; undefined where it means none. What is below one o'clock is
 * taken from the start of the clip, so that `1:00` is one second into it.
 */
export function frameOfEntry(typed: string, rate: Rational, current: number): number | undefined {
  const hour = hourFrame(rate)
  const found = parseTimecodeEntry(typed, rate, hour + current, true)
  if (found === undefined) return undefined
  return found >= hour ? found - hour : /^\s*[+-]/.test(typed) ? 0 : found
}

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
