import { useQueryClient } from '@tanstack/react-query'
import { Link, Outlet } from '@tanstack/react-router'
import { Suspense, useMemo, useState, useSyncExternalStore } from 'react'
import { Button, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import * as api from './api.ts'
import { LoadingPage, Trouble } from './fallback-pages.tsx'
import { currentLanguage, LANGUAGES, setLanguage } from './i18n.ts'
import { BoardMemoryContext, createBoardMemory } from './intake-board/board-memory.ts'
import { useLiveClips } from './live.ts'
import { endSession, useSessionQuery } from './queries.ts'
import { SessionContext, useSession } from './session.ts'
import { SignInPage } from './sign-in/sign-in-page.tsx'
import { Notices } from './ui/notices.tsx'

function subscribeOnline(listener: () => void): () => void {
  window.addEventListener('online', listener)
  window.addEventListener('offline', listener)
  return () => {
    window.removeEventListener('online', listener)
    window.removeEventListener('offline', listener)
  }
}

/** The gate and the frame: shows the page that was asked for to whoever is signed in, else the sign-in at the same address. */
export function Shell(): React.JSX.Element {
  const session = useSessionQuery()
  const [wasIn, setWasIn] = useState(false)
  if (session.data !== null && session.data !== undefined && !wasIn) setWasIn(true)
  if (session.data === undefined) {
    return session.isError ? (
      <main className="quiet-page">
        <Trouble error={session.error} onRetry={() => void session.refetch()} />
      </main>
    ) : (
      <LoadingPage />
    )
  }
  if (session.data === null) return <SignInPage ended={wasIn} />
  return (
    <SessionContext value={session.data}>
      <Frame />
    </SessionContext>
  )
}

function Frame(): React.JSX.Element {
  const { t } = useTranslation()
  const session = useSession()
  const live = useLiveClips()
  const memory = useMemo(createBoardMemory, [])
  return (
    <BoardMemoryContext value={memory}>
      <a className="skip-link" href="#content">
        {t('nav.skip')}
      </a>
      <header className="top">
        <span className="brand">
          <bdi>{session.project.name}</bdi>
        </span>
        <nav aria-label={t('nav.title')}>
          <Link to="/" activeOptions={{ exact: true }}>
            {t('nav.clips')}
          </Link>
          {session.role === 'translator' ? null : <Link to="/bins">{t('nav.bins')}</Link>}
          {session.role === 'admin' ? <Link to="/people">{t('nav.people')}</Link> : null}
          {session.role === 'admin' ? <Link to="/server">{t('nav.server')}</Link> : null}
        </nav>
        <AccountMenu />
      </header>
      <Banners live={live} />
      <main id="content" tabIndex={-1}>
        <Suspense fallback={<LoadingPage />}>
          <Outlet />
        </Suspense>
      </main>
      <Notices />
    </BoardMemoryContext>
  )
}

function Banners({ live }: { readonly live: boolean }): React.JSX.Element | null {
  const { t } = useTranslation()
  const session = useSession()
  const online = useSyncExternalStore(subscribeOnline, () => navigator.onLine)
  if (online && live && session.vaultReady) return null
  return (
    <section className="banners" aria-label={t('banner.title')}>
      {online && live ? null : (
        <p className="banner warn" role="alert">
          {online ? t('banner.stream') : t('banner.offline')}
        </p>
      )}
      {session.vaultReady ? null : (
        <p className="banner warn">
          {t('banner.vault')}{' '}
          {session.role === 'admin' ? (
            <Link to="/vault">{t('banner.vault_link')}</Link>
          ) : (
            t('banner.vault_ask')
          )}
        </p>
      )}
    </section>
  )
}

function AccountMenu(): React.JSX.Element {
  const { t } = useTranslation()
  const session = useSession()
  const client = useQueryClient()
  const leave = async (): Promise<void> => {
    // Leaving must work even when the server does not answer: the page forgets first and tells the server after.
    endSession(client)
    await api.signOut().catch(() => undefined)
  }
  return (
    <MenuTrigger>
      <Button className="button ghost account">
        <bdi>{session.name}</bdi> <span aria-hidden="true">▾</span>
      </Button>
      <Popover className="popover" placement="bottom end">
        <Menu
          className="listbox"
          onAction={(key) => {
            if (key === 'leave') void leave()
            else if (key === 'en' || key === 'ar') void setLanguage(key)
          }}
        >
          <MenuItem id="role" className="option note" isDisabled textValue={t(`role.${session.role}`)}>
            {t(`role.${session.role}`)}
          </MenuItem>
          {Object.entries(LANGUAGES)
            .filter(([code]) => code !== currentLanguage())
            .map(([code, name]) => (
              <MenuItem key={code} id={code} className="option" textValue={name}>
                <span lang={code}>{name}</span>
              </MenuItem>
            ))}
          <MenuItem id="leave" className="option">
            {t('action.sign_out')}
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  )
}
