import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Button, SwitchButton, SwitchField } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { ServerState } from '../../../contract/access.ts'
import { getServerState, retryJob, setIntakeDoor } from '../api.ts'
import { LoadingPage, MissingPage, Trouble } from '../fallback-pages.tsx'
import { bytesWords, numberWords, waitWords } from '../format.ts'
import { reasonWords } from '../problem.ts'
import { keys, useAct } from '../queries.ts'
import { useSession } from '../session.ts'
import { ConfirmBox } from '../ui/dialog.tsx'
import { notify, useComplain } from '../ui/notices.tsx'
import '../styles/admin.css'

const REFRESH_MS = 5000

/** Is all well? The door, room on the disk, the queue, the sandbox, and what failed. */
export function ServerPage(): React.JSX.Element {
  const { t } = useTranslation()
  const { role } = useSession()
  const server = useQuery({
    queryKey: keys.server,
    queryFn: ({ signal }) => getServerState(signal),
    enabled: role === 'admin',
    refetchInterval: REFRESH_MS,
  })
  if (role !== 'admin') return <MissingPage />
  return (
    <section className="page">
      <h1>{t('nav.server')}</h1>
      {server.isPending ? <LoadingPage /> : null}
      {server.isError ? <Trouble error={server.error} onRetry={() => void server.refetch()} /> : null}
      {server.data === undefined ? null : (
        <>
          <div className="tiles">
            <Door state={server.data} />
            <Storage storage={server.data.storage} />
            <Queue state={server.data} />
            <Walls state={server.data} />
          </div>
          <Failing failing={server.data.failing} />
          <h2>{t('server.versions')}</h2>
          <dl className="facts" dir="ltr">
            {Object.entries(server.data.versions).map(([name, version]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{version}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </section>
  )
}

function TileBox(props: {
  readonly title: string
  readonly tone?: 'good' | 'bad' | undefined
  readonly children: React.ReactNode
}): React.JSX.Element {
  return (
    <section className={`figure ${props.tone ?? ''}`}>
      <h2>{props.title}</h2>
      {props.children}
    </section>
  )
}

function Door({ state }: { readonly state: ServerState }): React.JSX.Element {
  const { t } = useTranslation()
  const complain = useComplain()
  const [closing, setClosing] = useState(false)
  const door = useAct(setIntakeDoor, [keys.server])
  const set = (open: boolean): void => door.mutate(open, { onError: complain })
  return (
    <TileBox title={t('server.intake')} tone={state.intakeOpen ? 'good' : 'bad'}>
      <SwitchField
        isSelected={state.intakeOpen}
        isDisabled={door.isPending || !state.vaultReady}
        onChange={(open) => {
          if (open) set(true)
          else setClosing(true)
        }}
      >
        <SwitchButton className="switch">
          <span className="switch-track" aria-hidden="true" />
          {state.intakeOpen ? t('server.open') : t('server.closed')}
        </SwitchButton>
      </SwitchField>
      {state.vaultReady ? null : (
        <p className="hint">
          {t('banner.vault')} <Link to="/vault">{t('banner.vault_link')}</Link>
        </p>
      )}
      {closing ? (
        <ConfirmBox
          title={t('server.close_title')}
          confirm={t('server.close')}
          onConfirm={() => set(false)}
          onClose={() => setClosing(false)}
        >
          <p>{t('server.close_effect')}</p>
        </ConfirmBox>
      ) : null}
    </TileBox>
  )
}

function Storage({ storage }: { readonly storage: ServerState['storage'] }): React.JSX.Element {
  const { t } = useTranslation()
  const all = storage.freeBytes + storage.usedBytes
  return (
    <TileBox title={t('server.storage')} tone={storage.freeBytes < all / 20 ? 'bad' : undefined}>
      <p className="number">{bytesWords(storage.freeBytes)}</p>
      <p className="hint">{t('server.free', { used: bytesWords(storage.usedBytes) })}</p>
    </TileBox>
  )
}

function Queue({ state }: { readonly state: ServerState }): React.JSX.Element {
  const { t } = useTranslation()
  const { queue } = state
  return (
    <TileBox title={t('server.queue')} tone={state.failing.length > 0 ? 'bad' : undefined}>
      <p className="number">{numberWords(queue.waiting)}</p>
      <p className="hint">
        {t('server.queue_now', {
          running: numberWords(queue.running),
          failing: numberWords(state.failing.length),
        })}
        {queue.waiting > 0 ? ` ${t('server.oldest', { wait: waitWords(queue.oldestWaitingSeconds) })}` : ''}
      </p>
    </TileBox>
  )
}

function Walls({ state }: { readonly state: ServerState }): React.JSX.Element {
  const { t } = useTranslation()
  return (
    <TileBox title={t('server.walls')} tone={state.sandbox.proven && state.separated ? 'good' : 'bad'}>
      <p>{state.sandbox.proven ? t('server.sandbox_proven') : t('server.sandbox_failed')}</p>
      {state.sandbox.failed.length === 0 ? null : (
        <ul className="plain-list" dir="ltr">
          {state.sandbox.failed.map((check) => (
            <li key={check}>{check}</li>
          ))}
        </ul>
      )}
      <p className="hint">{state.separated ? t('server.separated') : t('server.not_separated')}</p>
    </TileBox>
  )
}

function Failing({ failing }: { readonly failing: ServerState['failing'] }): React.JSX.Element {
  const { t } = useTranslation()
  const complain = useComplain()
  const retry = useAct(retryJob, [keys.server])
  return (
    <section aria-labelledby="failing">
      <h2 id="failing">{t('server.failing')}</h2>
      {failing.length === 0 ? <p className="hint">{t('server.none_failing')}</p> : null}
      <ul className="notes">
        {failing.map((job) => (
          <li key={job.jobId} className="note-card row">
            <div className="stack tight grow">
              <span className="row">
                <Link to="/clips/$clipId" params={{ clipId: job.clipId }}>
                  <bdi dir="ltr" className="reel">
                    {job.reel}
                  </bdi>
                </Link>
                <span className="chip bad">{reasonWords(t, job.reason, null)}</span>
              </span>
              <span className="hint">
                {t('server.attempts', { count: job.attempts })}
                {job.detail === null ? '' : ` · ${job.detail}`}
              </span>
            </div>
            <Button
              className="button small"
              isDisabled={retry.isPending}
              aria-label={t('server.retry_named', { reel: job.reel })}
              onPress={() =>
                retry.mutate(job.jobId, { onSuccess: () => notify(t('server.retrying')), onError: complain })
              }
            >
              {t('server.retry')}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  )
}
