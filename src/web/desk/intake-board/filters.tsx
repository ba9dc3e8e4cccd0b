import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { RELEASE_STATES } from '../../../domain/clip.ts'
import type { ClipPage } from '../../../contract/clips.ts'
import type { ClipFilter } from '../api.ts'
import { numberWords } from '../format.ts'

const TYPING_PAUSE_MS = 200
const STATES = ['working', 'published', 'failed'] as const
const RATINGS = [1, 2, 3, 4, 5] as const

type Props = {
  readonly filter: ClipFilter
  readonly tags: ClipPage['tags']
  readonly searchRef: React.RefObject<HTMLInputElement | null>
  readonly onChange: (filter: ClipFilter) => void
}

/** The filter with one of its parts changed, or taken out when `value` is undefined. */
function changed<Name extends keyof ClipFilter>(
  filter: ClipFilter,
  name: Name,
  value: ClipFilter[Name] | undefined,
): ClipFilter {
  const { [name]: _before, ...rest } = filter
  return value === undefined ? rest : { ...rest, [name]: value }
}

/** What narrows the board: words, state, release, rating, tags with their counts. */
export function Filters({ filter, tags, searchRef, onChange }: Props): React.JSX.Element {
  const { t } = useTranslation()
  const [typed, setTyped] = useState(filter.q ?? '')
  const [knownWords, setKnownWords] = useState(filter.q)
  // The words were changed from outside, by "Show all clips".
  if (filter.q !== knownWords) {
    setKnownWords(filter.q)
    if (typed.trim() !== (filter.q ?? '')) setTyped(filter.q ?? '')
  }
  const latest = useRef({ filter, onChange })
  useEffect(() => {
    latest.current = { filter, onChange }
  })
  useEffect(() => {
    const words = typed.trim()
    if (words === (latest.current.filter.q ?? '')) return
    const timer = window.setTimeout(
      () => latest.current.onChange(changed(latest.current.filter, 'q', words === '' ? undefined : words)),
      TYPING_PAUSE_MS,
    )
    return () => window.clearTimeout(timer)
  }, [typed])

  const toggle = <Name extends keyof ClipFilter>(name: Name, value: NonNullable<ClipFilter[Name]>): void =>
    onChange(changed(filter, name, filter[name] === value ? undefined : value))
  const active = Object.keys(filter).length

  return (
    <search className="filters">
      <div className="field">
        <label htmlFor="board-search" className="only-read">
          {t('filter.search')}
        </label>
        <input
          id="board-search"
          ref={searchRef}
          type="search"
          dir="auto"
          autoComplete="off"
          placeholder={t('filter.search')}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') {
              if (typed === '') event.currentTarget.blur()
              setTyped('')
            }
          }}
        />
      </div>
      <details className="filter-more" open={window.matchMedia('(min-width: 900px)').matches}>
        <summary>
          {t('filter.title')}
          {active > 0 ? <span className="badge">{numberWords(active)}</span> : null}
        </summary>
        <Group label={t('filter.state')}>
          {STATES.map((state) => (
            <Toggle key={state} on={filter.state === state} onPress={() => toggle('state', state)}>
              {t(`filter.states.${state}`)}
            </Toggle>
          ))}
        </Group>
        <Group label={t('release.title')}>
          {RELEASE_STATES.map((release) => (
            <Toggle key={release} on={filter.release === release} onPress={() => toggle('release', release)}>
              {t(`release.${release}`)}
            </Toggle>
          ))}
        </Group>
        <Group label={t('filter.rating')}>
          {RATINGS.map((rating) => (
            <Toggle
              key={rating}
              on={filter.rating === rating}
              onPress={() => toggle('rating', rating)}
              label={t('filter.at_least', { rating })}
            >
              <bdi dir="ltr">{rating}★+</bdi>
            </Toggle>
          ))}
        </Group>
        {tags.length === 0 ? null : (
          <Group label={t('filter.tags')}>
            {tags.map(({ tag, count }) => (
              <Toggle key={tag} on={filter.tag === tag} onPress={() => toggle('tag', tag)}>
                <bdi>{tag}</bdi> <span className="badge">{numberWords(count)}</span>
              </Toggle>
            ))}
          </Group>
        )}
        {active > 0 ? (
          <button
            type="button"
            className="button small"
            onClick={() => {
              setTyped('')
              onChange({})
            }}
          >
            {t('filter.clear')}
          </button>
        ) : null}
      </details>
    </search>
  )
}

function Group(props: { readonly label: string; readonly children: React.ReactNode }): React.JSX.Element {
  return (
    <fieldset className="filter-group">
      <legend>{props.label}</legend>
      {props.children}
    </fieldset>
  )
}

type ToggleProps = {
  readonly on: boolean
  readonly onPress: () => void
  readonly label?: string
  readonly children: React.ReactNode
}

function Toggle({ on, onPress, label, children }: ToggleProps): React.JSX.Element {
  return (
    <button type="button" className="toggle" aria-pressed={on} aria-label={label} onClick={onPress}>
      {children}
    </button>
  )
}
