import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
} from '@tanstack/react-router'
import { FaultPage, LoadingPage, MissingPage } from './fallback-pages.tsx'
import { BoardPage } from './intake-board/board-page.tsx'
import { Shell } from './shell.tsx'

const root = createRootRoute({ component: Outlet, notFoundComponent: MissingPage, errorComponent: FaultPage })

const join = createRoute({
  getParentRoute: () => root,
  path: '/join',
  component: lazyRouteComponent(() => import('./sign-in/join-page.tsx'), 'JoinPage'),
})

const desk = createRoute({
  getParentRoute: () => root,
  id: 'desk',
  component: Shell,
  errorComponent: FaultPage,
})

const board = createRoute({ getParentRoute: () => desk, path: '/', component: BoardPage })
const review = createRoute({
  getParentRoute: () => desk,
  path: '/clips/$clipId',
  component: lazyRouteComponent(() => import('./review/review-page.tsx'), 'ReviewPage'),
})
const bins = createRoute({
  getParentRoute: () => desk,
  path: '/bins',
  component: lazyRouteComponent(() => import('./find/bins-page.tsx'), 'BinsPage'),
})
const people = createRoute({
  getParentRoute: () => desk,
  path: '/people',
  component: lazyRouteComponent(() => import('./admin/people-page.tsx'), 'PeoplePage'),
})
const server = createRoute({
  getParentRoute: () => desk,
  path: '/server',
  component: lazyRouteComponent(() => import('./admin/server-page.tsx'), 'ServerPage'),
})
const vault = createRoute({
  getParentRoute: () => desk,
  path: '/vault',
  component: lazyRouteComponent(() => import('./sign-in/vault-page.tsx'), 'VaultPage'),
})

const routeTree = root.addChildren([join, desk.addChildren([board, review, bins, people, server, vault])])

/** Makes the page's router. Addresses hold opaque ids only: no search words, names or frames in the history. */
export function createDeskRouter() {
  return createRouter({
    routeTree,
    defaultPendingComponent: LoadingPage,
    defaultNotFoundComponent: MissingPage,
    scrollRestoration: false,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createDeskRouter>
  }
}
