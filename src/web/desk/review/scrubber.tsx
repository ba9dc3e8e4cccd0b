import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import type { ClipDetail } from '../../../contract/clips.ts'
import { clipTimecode } from '../../../domain/timecode.ts'
import { getWaveform, media } from '../api.ts'
import { keys } from '../queries.ts'
import type { Playback } from './playback.ts'
import { drawFilmstrip, drawWaveform } from './scrub-canvas.ts'

type Props = {
  readonly clip: ClipDetail
  readonly playback: Playback
  readonly marks: { readonly inFrame: number | undefined; readonly outFrame: number | undefined }
  /** The strip of a graphic clip stays blurred as long as its picture does. */
  readonly veiled: boolean
}

function usePicture(address: string | undefined): HTMLImageElement | undefined {
  const [loaded, setLoaded] = useState<HTMLImageElement>()
  useEffect(() => {
    if (address === undefined) return
    const image = new Image()
    image.onload = () => setLoaded(image)
    image.src = address
    return () => {
      image.onload = null
    }
  }, [address])
  return loaded
}

function useWidth(element: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    if (element.current === null) return
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)))
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [element])
  return width
}

/** Filmstrip over waveform as one slider over the frames, with selects, comments and the marked range on it. */
export function Scrubber({ clip, playback, marks, veiled }: Props): React.JSX.Element {
  const { t } = useTranslation()
  const { frame } = useSyncExternalStore(playback.subscribe, playback.snapshot)
  const track = useRef<HTMLDivElement>(null)
  const pictures = useRef<HTMLCanvasElement>(null)
  const sound = useRef<HTMLCanvasElement>(null)
  const width = useWidth(track)
  const { filmstrip } = clip
  const sprite = usePicture(filmstrip === null ? undefined : media.filmstrip(clip.id))
  const wave = useQuery({
    queryKey: keys.waveform(clip.id),
    queryFn: ({ signal }) => getWaveform(clip.id, signal),
    enabled: clip.hasWaveform,
    staleTime: Infinity,
  })
  const durationMs = (playback.frames * 1000 * playback.rate.den) / playback.rate.num

  useEffect(() => {
    if (pictures.current !== null && filmstrip !== null && sprite !== undefined)
      drawFilmstrip(pictures.current, width, sprite, filmstrip, durationMs)
  }, [width, sprite, filmstrip, durationMs])
  useEffect(() => {
    if (sound.current !== null && wave.data !== undefined)
      drawWaveform(sound.current, width, wave.data, durationMs)
  }, [width, wave.data, durationMs])

  const percent = (at: number): string => `${(at / playback.frames) * 100}%`
  const span = (inFrame: number, outFrame: number): { left: string; width: string } => ({
    left: percent(inFrame),
    width: percent(outFrame - inFrame),
  })
  const follow = (event: React.PointerEvent<HTMLDivElement>): void => {
    const box = event.currentTarget.getBoundingClientRect()
    playback.goTo(Math.floor(((event.clientX - box.left) / box.width) * playback.frames))
  }

  return (
    <div
      ref={track}
      className="scrubber"
      dir="ltr"
      role="slider"
      tabIndex={0}
      aria-label={t('review.scrubber')}
      aria-valuemin={0}
      aria-valuemax={playback.frames - 1}
      aria-valuenow={frame}
      aria-valuetext={clipTimecode(frame, playback.rate)}
      onPointerDown={(event) => {
        if (event.button !== 0) return
        event.currentTarget.setPointerCapture(event.pointerId)
        follow(event)
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) follow(event)
      }}
    >
      {filmstrip === null ? null : (
        <canvas ref={pictures} className={veiled ? 'strip veiled' : 'strip'} aria-hidden="true" />
      )}
      {clip.hasWaveform ? <canvas ref={sound} className="wave" aria-hidden="true" /> : null}
      {filmstrip === null && !clip.hasWaveform ? <span className="strip plain" /> : null}
      <span className="lane" aria-hidden="true">
        {clip.selects.map((select) => (
          <span
            key={select.id}
            className="lane-select"
            style={span(select.inFrame, Math.min(select.outFrame, playback.frames))}
          />
        ))}
        {clip.comments.map((comment) => (
          <span key={comment.id} className="lane-comment" style={{ left: percent(comment.frame + 0.5) }} />
        ))}
      </span>
      {marks.inFrame === undefined && marks.outFrame === undefined ? null : (
        <span
          className="marked-range"
          style={span(marks.inFrame ?? 0, marks.outFrame ?? playback.frames)}
          aria-hidden="true"
        />
      )}
      <span className="playhead" style={{ left: percent(frame + 0.5) }} aria-hidden="true" />
    </div>
  )
}
