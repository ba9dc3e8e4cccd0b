import { useNavigate, useParams } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'
import { Button, Tab, TabList, TabPanel, Tabs } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { ClipDetail } from '../../../contract/clips.ts'
import type { MediaInfo } from '../../../domain/media.ts'
import { markFrames, markRate } from '../../../domain/timecode.ts'
import { addSelect } from '../api.ts'
import { LoadingPage, Trouble } from '../fallback-pages.tsx'
import { AddToBin } from '../find/add-to-bin.tsx'
import { useBoardMemory } from '../intake-board/board-memory.ts'
import { useKeys } from '../keys.ts'
import { keys, useAct, useChangeClip, useClip, useClips } from '../queries.ts'
import { useSession } from '../session.ts'
import { CareChips, FactChips, ReleaseChip, StateChips } from '../ui/chips.tsx'
import { KeyHelp } from '../ui/key-help.tsx'
import { notify, useComplain } from '../ui/notices.tsx'
import { RateStars } from '../ui/stars.tsx'
import { CommentsPanel } from './comments-panel.tsx'
import { DetailsPanel } from './details-panel.tsx'
import { NotPlayable, StillView } from './other-views.tsx'
import { OriginPanel } from './origin-panel.tsx'
import { Playback } from './playback.ts'
import { Player } from './player.tsx'
import { SelectsPanel } from './selects-panel.tsx'
import '../styles/review.css'

/** One clip: its picture and sound by frames, and everything said about it. */
export function ReviewPage(): React.JSX.Element {
  const { clipId } = useParams({ from: '/desk/clips/$clipId' })
  const clip = useClip(clipId)
  const { t } = useTranslation()
  const navigate = useNavigate()
  const memory = useBoardMemory()
  const list = useClips(memory.filter)
  const row = useMemo(
    () => list.data?.pages.flatMap((page) => page.clips.map(({ id }) => id)) ?? [],
    [list.data],
  )
  const place = row.indexOf(clipId)

  useEffect(() => {
    memory.selectedId = clipId
  }, [memory, clipId])

  const go = (id: string | undefined): void => {
    if (id !== undefined) void navigate({ to: '/clips/$clipId', params: { clipId: id }, replace: true })
  }
  const before = row[place - 1]
  const after = place === -1 ? undefined : row[place + 1]
  const back = (): void => void navigate({ to: '/' })
  useKeys({ Escape: back, ArrowUp: () => go(before), ArrowDown: () => go(after) })

  return (
    <div className="review">
      <div className="review-walk">
        <Button className="button ghost small" onPress={back}>
          <span className="turns" aria-hidden="true">
            ←
          </span>{' '}
          {t('nav.clips')}
        </Button>
        <span className="spacer" />
        <Button className="button ghost small" isDisabled={before === undefined} onPress={() => go(before)}>
          {t('review.previous')}
        </Button>
        <Button className="button ghost small" isDisabled={after === undefined} onPress={() => go(after)}>
          {t('review.next')}
        </Button>
      </div>
      {clip.isPending ? <LoadingPage /> : null}
      {clip.isError ? <Trouble error={clip.error} onRetry={() => void clip.refetch()} /> : null}
      {clip.data === undefined ? null : <ClipView key={clipId} clip={clip.data} />}
    </div>
  )
}

type Marks = { readonly inFrame: number | undefined; readonly outFrame: number | undefined }

function ClipView({ clip }: { readonly clip: ClipDetail }): React.JSX.Element {
  const { t } = useTranslation()
  const session = useSession()
  const complain = useComplain()
  const change = useChangeClip()
  const mayEdit = session.role !== 'translator'
  const kind = clip.media?.kind
  const graphic = clip.care.includes('graphic')
  const playable = clip.hasProxy && clip.media !== null && clip.media.kind !== 'still'
  // The contract's optional fields are absent, never undefined: that is how JSON arrives.
  const facts = clip.media as MediaInfo | null
  const { num: rateNum, den: rateDen } = facts === null ? { num: 25, den: 1 } : markRate(facts)
  const frames = facts === null ? 1 : markFrames(facts)
  // Live updates bring new objects with the same facts; the player must survive them.
  const playback = useMemo(
    () => (playable ? new Playback({ num: rateNum, den: rateDen }, frames, graphic) : undefined),
    [playable, rateNum, rateDen, frames, graphic],
  )
  const [marks, setMarks] = useState<Marks>({ inFrame: undefined, outFrame: undefined })
  const [tab, setTab] = useState<string>('comments')
  const [binning, setBinning] = useState<{ clipId: string; selectId?: string }>()
  const [writeAt, setWriteAt] = useState(0)
  const save = useAct(
    (range: { inFrame: number; outFrame: number; label: string }) => addSelect(clip.id, range),
    [keys.clip(clip.id)],
  )

  const markIn = (): void => {
    if (playback === undefined) return
    const { frame } = playback.snapshot()
    setMarks(({ outFrame }) => ({
      inFrame: frame,
      outFrame: outFrame !== undefined && outFrame > frame ? outFrame : undefined,
    }))
  }
  const markOut = (): void => {
    if (playback === undefined) return
    // The frame on screen belongs to the range; the end is written exclusive.
    const end = playback.snapshot().frame + 1
    setMarks(({ inFrame }) => ({
      inFrame: inFrame !== undefined && inFrame < end ? inFrame : undefined,
      outFrame: end,
    }))
  }
  const saveSelect = (label = ''): void => {
    if (playback === undefined || !mayEdit) return
    const range = { inFrame: marks.inFrame ?? 0, outFrame: marks.outFrame ?? playback.frames, label }
    if (marks.inFrame === undefined && marks.outFrame === undefined) {
      notify(t('select.mark_first'))
      return
    }
    save.mutate(range, {
      onSuccess: () => {
        setMarks({ inFrame: undefined, outFrame: undefined })
        setTab('selects')
        notify(t('select.saved'))
      },
      onError: complain,
    })
  }
  const write = (): void => {
    setTab('comments')
    setWriteAt((count) => count + 1)
  }
  const rate = (rating: number): void => {
    if (mayEdit) change.mutate({ id: clip.id, change: { rating } }, { onError: complain })
  }

  useKeys({
    ...(playback === undefined
      ? {}
      : {
          Space: () => playback.toggle(),
          J: () => playback.shuttle(-1),
          K: () => playback.stop(),
          L: () => playback.shuttle(1),
          ArrowLeft: () => playback.step(-1),
          ArrowRight: () => playback.step(1),
          'Shift+ArrowLeft': () => playback.step(-Math.round(rateNum / rateDen)),
          'Shift+ArrowRight': () => playback.step(Math.round(rateNum / rateDen)),
          Home: () => playback.goTo(0),
          End: () => playback.goTo(playback.frames - 1),
          I: markIn,
          O: markOut,
          S: () => saveSelect(),
          X: () => setMarks({ inFrame: undefined, outFrame: undefined }),
        }),
    M: write,
    C: write,
    B: () => {
      if (mayEdit) setBinning({ clipId: clip.id })
    },
    ...Object.fromEntries([0, 1, 2, 3, 4, 5].map((stars) => [String(stars), () => rate(stars)])),
  })

  return (
    <div className="clip">
      <header className="clip-head">
        <h1>
          {clip.title === '' ? null : (
            <>
              <bdi>{clip.title}</bdi>{' '}
            </>
          )}
          <bdi dir="ltr" className="reel">
            {clip.reel}
          </bdi>
        </h1>
        <div className="chips">
          <StateChips clip={clip} />
          {clip.partial ? <span className="chip warn">{t('fact.partial')}</span> : null}
          <ReleaseChip clip={clip} />
          <CareChips care={clip.care} />
          <FactChips media={clip.media} />
        </div>
        <div className="row">
          {mayEdit ? <RateStars rating={clip.rating} onRate={rate} /> : null}
          {mayEdit ? (
            <Button className="button small" onPress={() => setBinning({ clipId: clip.id })}>
              {t('bin.add')}
            </Button>
          ) : null}
          <KeyHelp
            rows={[
              [['Space'], t('keys.play')],
              [['J', 'K', 'L'], t('keys.shuttle')],
              [['←', '→'], t('keys.frame')],
              [['Shift', '←', '→'], t('keys.second')],
              ...(mayEdit
                ? ([
                    [['I', 'O'], t('keys.marks')],
                    [['S'], t('keys.select')],
                    [['X'], t('keys.clear_marks')],
                    [['1', '5', '0'], t('keys.rate')],
                    [['B'], t('keys.bin')],
                  ] as const)
                : []),
              [['M', 'C'], t('keys.comment')],
              [['↑', '↓'], t('keys.clip_walk')],
              [['Esc'], t('keys.back')],
            ]}
          />
        </div>
      </header>
      <div className="clip-body">
        <section className="clip-picture" aria-label={t('review.picture')}>
          {playback === undefined ? (
            kind === 'still' && clip.hasProxy ? (
              <StillView clip={clip} />
            ) : (
              <NotPlayable clip={clip} />
            )
          ) : (
            <Player
              clip={clip}
              playback={playback}
              marks={marks}
              {...(mayEdit ? { onMarkIn: markIn, onMarkOut: markOut, onSave: saveSelect } : {})}
              onComment={write}
            />
          )}
        </section>
        <Tabs className="clip-side" selectedKey={tab} onSelectionChange={(key) => setTab(String(key))}>
          <TabList className="tabs" aria-label={t('review.panels')}>
            <Tab className="tab" id="comments">
              {t('comment.title')}
            </Tab>
            {mayEdit ? (
              <>
                {kind === 'still' ? null : (
                  <Tab className="tab" id="selects">
                    {t('select.title')}
                  </Tab>
                )}
                <Tab className="tab" id="details">
                  {t('details.title')}
                </Tab>
              </>
            ) : null}
            <Tab className="tab" id="origin">
              {t('origin.title')}
            </Tab>
          </TabList>
          <TabPanel id="comments">
            <CommentsPanel clip={clip} playback={playback} writeAt={writeAt} />
          </TabPanel>
          {mayEdit ? (
            <>
              <TabPanel id="selects">
                <SelectsPanel
                  clip={clip}
                  playback={playback}
                  onBin={(selectId) => setBinning({ clipId: clip.id, selectId })}
                />
              </TabPanel>
              <TabPanel id="details">
                <DetailsPanel clip={clip} />
              </TabPanel>
            </>
          ) : null}
          <TabPanel id="origin">
            <OriginPanel clip={clip} />
          </TabPanel>
        </Tabs>
      </div>
      {binning === undefined ? null : (
        <AddToBin
          item={binning}
          title={clip.title === '' ? clip.reel : clip.title}
          onClose={() => setBinning(undefined)}
        />
      )}
    </div>
  )
}
