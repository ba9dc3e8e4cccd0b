import { useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ClipDetail, ClipSummary } from '../../../contract/clips.ts'
import { getClip, media } from '../api.ts'
import { keys } from '../queries.ts'

/** A pointer that only passes over fetches nothing. */
const REST_MS = 120

type Strip = NonNullable<ClipDetail['filmstrip']>

/**
 * The poster; the filmstrip under a moving pointer. A clip marked graphic is blurred and does not move: nobody meets
 * such pictures by brushing over them.
 */
export function HoverPoster({ clip }: { readonly clip: ClipSummary }): React.JSX.Element {
  const { t } = useTranslation()
  const client = useQueryClient()
  const timer = useRef<number>(undefined)
  const [strip, setStrip] = useState<Strip>()
  const [at, setAt] = useState<number>()
  const graphic = clip.care.includes('graphic')
  const movable = clip.hasProxy && !graphic && clip.media?.kind === 'video'

  const load = async (): Promise<void> => {
    const detail = await client
      .query({ queryKey: keys.clip(clip.id), queryFn: () => getClip(clip.id) })
      .catch(() => undefined)
    setStrip(detail?.filmstrip ?? undefined)
  }

  if (!clip.hasProxy || clip.media?.kind === 'audio') {
    return (
      <div className="poster blank" aria-hidden="true">
        {clip.reason === null ? (clip.media?.kind === 'audio' ? '♪' : '…') : '!'}
      </div>
    )
  }
  return (
    <div
      className={graphic ? 'poster graphic' : 'poster'}
      {...(movable
        ? {
            onPointerEnter: (event: React.PointerEvent) => {
              if (event.pointerType !== 'mouse') return
              timer.current = window.setTimeout(() => void load(), REST_MS)
            },
            onPointerMove: (event: React.PointerEvent) => {
              if (event.pointerType !== 'mouse') return
              const box = event.currentTarget.getBoundingClientRect()
              setAt(Math.min(0.999, Math.max(0, (event.clientX - box.left) / box.width)))
            },
            onPointerLeave: () => {
              window.clearTimeout(timer.current)
              setAt(undefined)
            },
          }
        : {})}
    >
      <img src={media.poster(clip.id)} alt="" loading="lazy" decoding="async" draggable={false} />
      {graphic ? <span className="veil-word">{t('care.graphic')}</span> : null}
      {strip !== undefined && at !== undefined ? <Tile clipId={clip.id} strip={strip} at={at} /> : null}
    </div>
  )
}

/** The tile at `at` (0 to 1 of the length) of the sprite, over the poster. */
function Tile({
  clipId,
  strip,
  at,
}: {
  readonly clipId: string
  readonly strip: Strip
  readonly at: number
}): React.JSX.Element {
  const index = Math.min(strip.count - 1, Math.floor(at * strip.count))
  const rows = Math.ceil(strip.count / strip.columns)
  const across = strip.columns === 1 ? 0 : ((index % strip.columns) / (strip.columns - 1)) * 100
  const down = rows === 1 ? 0 : (Math.floor(index / strip.columns) / (rows - 1)) * 100
  return (
    <span className="tile-frame" aria-hidden="true">
      <span
        className="tile"
        style={{
          backgroundImage: `url("${media.filmstrip(clipId)}")`,
          backgroundSize: `${strip.columns * 100}% ${rows * 100}%`,
          backgroundPosition: `${across}% ${down}%`,
          aspectRatio: `${strip.tileWidth} / ${strip.tileHeight}`,
        }}
      />
      <span className="tile-place" style={{ left: `${at * 100}%` }} />
    </span>
  )
}
