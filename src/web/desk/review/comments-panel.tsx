import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { ClipDetail } from '../../../contract/clips.ts'
import { clipTimecode } from '../../../domain/timecode.ts'
import { addComment, removeComment } from '../api.ts'
import { momentWords } from '../format.ts'
import { keys, useAct } from '../queries.ts'
import { useSession } from '../session.ts'
import { useComplain } from '../ui/notices.tsx'
import type { Playback } from './playback.ts'

type Props = {
  readonly clip: ClipDetail
  /** Absent for stills: their comments have no time. */
  readonly playback: Playback | undefined
  /** Changes when the reader asked to write. */
  readonly writeAt: number
}

/**
 * What was said about the clip, frame by frame. Typing pauses the player and holds the frame; Enter sends and lets it
 * run on if it ran.
 */
export function CommentsPanel({ clip, playback, writeAt }: Props): React.JSX.Element {
  const { t } = useTranslation()
  const session = useSession()
  const complain = useComplain()
  const box = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState('')
  const [resume, setResume] = useState(false)
  const add = useAct(
    (comment: { frame: number; text: string }) => addComment(clip.id, comment),
    [keys.clip(clip.id)],
  )
  const remove = useAct((commentId: string) => removeComment(clip.id, commentId), [keys.clip(clip.id)])

  const hold = (): void => {
    if (playback?.snapshot().playing !== true) return
    setResume(true)
    playback.stop()
  }
  useEffect(() => {
    if (writeAt > 0) box.current?.focus()
  }, [writeAt])

  const send = (): void => {
    if (text.trim() === '' || add.isPending) return
    add.mutate(
      { frame: playback?.snapshot().frame ?? 0, text: text.trim() },
      {
        onSuccess: () => {
          setText('')
          box.current?.blur()
          if (resume) playback?.toggle()
          setResume(false)
        },
        onError: complain,
      },
    )
  }
  const comments = [...clip.comments].sort((a, b) => a.frame - b.frame || a.at.localeCompare(b.at))

  return (
    <div className="stack">
      <form
        className="stack tight"
        onSubmit={(event) => {
          event.preventDefault()
          send()
        }}
      >
        <label htmlFor="comment-box" className="label">
          {playback === undefined ? t('comment.write') : <AtFrame playback={playback} />}
        </label>
        <textarea
          id="comment-box"
          ref={box}
          rows={2}
          dir="auto"
          maxLength={4000}
          value={text}
          onFocus={hold}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') event.currentTarget.blur()
            if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
            event.preventDefault()
            send()
          }}
        />
        <div className="row">
          <Button type="submit" className="button small" isDisabled={text.trim() === '' || add.isPending}>
            {t('comment.send')}
          </Button>
          <span className="hint">{t('comment.hint')}</span>
        </div>
      </form>
      {comments.length === 0 ? <p className="hint">{t('comment.none')}</p> : null}
      <ol className="notes">
        {comments.map((comment) => (
          <li key={comment.id} className="note-card">
            <div className="row">
              {playback === undefined ? null : (
                <button
                  type="button"
                  className="timecode link"
                  dir="ltr"
                  onClick={() => playback.goTo(comment.frame)}
                >
                  {clipTimecode(comment.frame, playback.rate)}
                </button>
              )}
              <strong>
                <bdi>{comment.by}</bdi>
              </strong>
              <span className="spacer" />
              {comment.by === session.name || session.role === 'admin' ? (
                <Button
                  className="button ghost icon"
                  aria-label={t('comment.remove')}
                  isDisabled={remove.isPending}
                  onPress={() => remove.mutate(comment.id, { onError: complain })}
                >
                  <span aria-hidden="true">✕</span>
                </Button>
              ) : null}
            </div>
            <p dir="auto">{comment.text}</p>
            <time dateTime={comment.at} className="hint">
              {momentWords(comment.at)}
            </time>
          </li>
        ))}
      </ol>
    </div>
  )
}

function AtFrame({ playback }: { readonly playback: Playback }): React.JSX.Element {
  const { t } = useTranslation()
  const { frame } = useSyncExternalStore(playback.subscribe, playback.snapshot)
  return (
    <>
      {t('comment.write_at')}{' '}
      <bdi dir="ltr" className="timecode">
        {clipTimecode(frame, playback.rate)}
      </bdi>
    </>
  )
}
