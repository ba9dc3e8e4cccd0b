/** The editor's endpoints. Each file has the routes of one thing; the list is here, in the order of matching. */
import type { Route } from '../http/route.ts'
import { binRoutes } from './bin-routes.ts'
import { clipRoutes } from './clip-routes.ts'
import type { ReviewDeps } from './deps.ts'
import { markRoutes } from './mark-routes.ts'
import { playbackRoutes } from './playback.ts'
import { progressRoute } from './progress.ts'

/** Everything that editors and translators do with clips. `events` stands before `:id`, which would take it. */
export function reviewRoutes(deps: ReviewDeps): Route[] {
  return [
    progressRoute(deps),
    ...clipRoutes(deps),
    ...playbackRoutes(deps),
    ...markRoutes(deps),
    ...binRoutes(deps),
  ]
}
