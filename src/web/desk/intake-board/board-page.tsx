import { useNavigate } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ClipSummary } from '../../../contract/clips.ts'
import type { ClipFilter } from '../api.ts'
import { Trouble } from '../fallback-pages.tsx'
import { AddToBin } from '../find/add-to-bin.tsx'
import { useKeys } from '../keys.ts'
import { useChangeClip, useClips } from '../queries.ts'
import { useSession } from '../session.ts'
import { KeyHelp } from '../ui/key-help.tsx'
import { useComplain } from '../ui/notices.tsx'
import { useBoardMemory } from './board-memory.ts'
import { ClipRow } from './clip-row.tsx'
import { EmptyBoard } from './empty-board.tsx'
import { Filters } from './filters.tsx'
import '../styles/board.css'

const ROW_PX = 104
/** Rows from the end at which the next page is fetched. */
const AHEAD = 20

/** The clips as they arrive, and where they are found again. */
export function BoardPage(): React.JSX.Element {
  const { t } = useTranslation()
  const session = useSession()
  const memory = useBoardMemory()
  const navigate = useNavigate()
  const complain = useComplain()
  const [filter, setFilter] = useState(memory.filter)
  const [selectedId, setSelectedId] = useState(memory.selectedId)
  const [binning, setBinning] = useState<ClipSummary>()
  const list = useClips(filter)
  const change = useChangeClip()
  const scroller = useRef<HTMLDivElement>(null)
  const search = useRef<HTMLInputElement>(null)

  const clips = useMemo(() => list.data?.pages.flatMap((page) => page.clips) ?? [], [list.data])
  const tags = list.data?.pages[0]?.tags ?? []
  const selected = clips.findIndex((clip) => clip.id === selectedId)
  const mayEdit = session.role !== 'translator'

  const rows = useVirtualizer({
    count: clips.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => clips[index]?.id ?? index,
    overscan: 8,
    initialOffset: memory.scrollTop,
  })
  const shown = rows.getVirtualItems()
  const last = shown.at(-1)?.index ?? 0

  useEffect(() => {
    if (list.hasNextPage && !list.isFetchingNextPage && last >= clips.length - AHEAD)
      void list.fetchNextPage()
  }, [last, clips.length, list])

  const applyFilter = (next: ClipFilter): void => {
    memory.filter = next
    memory.scrollTop = 0
    setFilter(next)
    scroller.current?.scrollTo({ top: 0 })
  }

  const select = (index: number): void => {
    const clip = clips[Math.max(0, Math.min(clips.length - 1, index))]
    if (clip === undefined) return
    memory.selectedId = clip.id
    setSelectedId(clip.id)
    rows.scrollToIndex(clips.indexOf(clip))
    // The row may only be drawn after the scroll.
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-clip="${clip.id}"] a`)?.focus(),
    )
  }

  const current = clips[selected]
  const rate = (rating: number): void => {
    if (current !== undefined && mayEdit)
      change.mutate({ id: current.id, change: { rating } }, { onError: complain })
  }
  useKeys({
    ArrowDown: () => select(selected + 1),
    ArrowUp: () => select(selected - 1),
    J: () => select(selected + 1),
    K: () => select(selected - 1),
    Home: () => select(0),
    End: () => select(clips.length - 1),
    Enter: () => {
      if (current !== undefined) void navigate({ to: '/clips/$clipId', params: { clipId: current.id } })
    },
    '/': () => search.current?.focus(),
    B: () => {
      if (mayEdit) setBinning(current)
    },
    ...Object.fromEntries([0, 1, 2, 3, 4, 5].map((stars) => [String(stars), () => rate(stars)])),
  })

  const filtered = Object.keys(filter).length > 0
  return (
    <div className="board">
      {mayEdit ? <Filters filter={filter} tags={tags} searchRef={search} onChange={applyFilter} /> : null}
      <section className="board-list" aria-label={t('nav.clips')}>
        <div className="board-head">
          <h1>{t('nav.clips')}</h1>
          <span className="count" role="status">
            {list.data === undefined
              ? t('loading')
              : t(list.hasNextPage ? 'board.count_more' : 'board.count', { count: clips.length })}
          </span>
          <KeyHelp
            rows={[
              [['↑', '↓', 'J', 'K'], t('keys.walk')],
              [['Enter'], t('keys.open')],
              ...(mayEdit
                ? ([
                    [['1', '5', '0'], t('keys.rate')],
                    [['B'], t('keys.bin')],
                    [['/'], t('keys.search')],
                  ] as const)
                : []),
              [['?'], t('keys.help')],
            ]}
          />
        </div>
        {list.isError ? <Trouble error={list.error} onRetry={() => void list.refetch()} /> : null}
        {list.isSuccess && clips.length === 0 ? (
          <EmptyBoard filtered={filtered} onClear={() => applyFilter({})} />
        ) : null}
        <div
          ref={scroller}
          className="board-scroll"
          onScroll={(event) => {
            memory.scrollTop = event.currentTarget.scrollTop
          }}
        >
          <ul className="clip-list" style={{ height: rows.getTotalSize() }}>
            {shown.map((item) => {
              const clip = clips[item.index]
              if (clip === undefined) return null
              return (
                <li
                  key={item.key}
                  ref={rows.measureElement}
                  data-index={item.index}
                  data-clip={clip.id}
                  aria-setsize={list.hasNextPage ? -1 : clips.length}
                  aria-posinset={item.index + 1}
                  className={clip.id === selectedId ? 'clip-place selected' : 'clip-place'}
                  style={{ transform: `translateY(${item.start}px)` }}
                  onFocus={() => {
                    memory.selectedId = clip.id
                    setSelectedId(clip.id)
                  }}
                >
                  <ClipRow
                    clip={clip}
                    withAlias={mayEdit}
                    {...(mayEdit ? { onBin: () => setBinning(clip) } : {})}
                  />
                </li>
              )
            })}
          </ul>
        </div>
      </section>
      {binning === undefined ? null : (
        <AddToBin
          item={{ clipId: binning.id }}
          title={binning.title === '' ? binning.reel : binning.title}
          onClose={() => setBinning(undefined)}
        />
      )}
    </div>
  )
}
