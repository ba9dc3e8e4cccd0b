/** What the page knows from the server: one cache, filled by calls, kept fresh by the stream of events. */
import {
  MutationCache,
  QueryCache,
  QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import type {
  InfiniteData,
  UseInfiniteQueryResult,
  UseMutationResult,
  UseQueryResult,
} from '@tanstack/react-query'
import type { Person, Session, Translator } from '../../contract/access.ts'
import type { Bin, ChangeClip, ClipDetail, ClipPage, ClipSummary } from '../../contract/clips.ts'
import * as api from './api.ts'
import type { ClipFilter } from './api.ts'
import { CallError } from './problem.ts'

/** Names of what is cached. */
export const keys = {
  session: ['session'] as const,
  clips: ['clips'] as const,
  clip: (id: string) => ['clip', id] as const,
  waveform: (id: string) => ['waveform', id] as const,
  bins: ['bins'] as const,
  people: ['people'] as const,
  translators: ['translators'] as const,
  server: ['server'] as const,
}

/** Makes the cache. An answer that says "not signed in" anywhere ends the page's session at once. */
export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError: noticeEnd }),
    mutationCache: new MutationCache({ onError: noticeEnd }),
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        // What the server refused, it refuses again; only a missing or a busy answer may come out otherwise.
        retry: (failures, error) =>
          failures < 3 && error instanceof CallError && (error.status === 0 || error.status >= 502),
        networkMode: 'always',
      },
      mutations: { retry: false, networkMode: 'always' },
    },
  })
  function noticeEnd(error: unknown): void {
    if (!(error instanceof CallError) || error.code !== 'not_signed_in') return
    if (client.getQueryData(keys.session) !== null) endSession(client)
  }
  return client
}

/** Forgets everything that was fetched and shows the sign-in page; the address stays. */
export function endSession(client: QueryClient): void {
  client.setQueryData(keys.session, null)
  client.removeQueries({ predicate: (query) => query.queryKey[0] !== keys.session[0] })
}

/** Who is signed in; `null` data when nobody is. */
export function useSessionQuery(): UseQueryResult<Session | null> {
  return useQuery({
    queryKey: keys.session,
    queryFn: ({ signal }) => api.findSession(signal),
    staleTime: Infinity,
  })
}

/** The board's pages, in the server's order. */
export function useClips(filter: ClipFilter): UseInfiniteQueryResult<InfiniteData<ClipPage>> {
  return useInfiniteQuery({
    queryKey: [...keys.clips, filter],
    queryFn: ({ pageParam, signal }) => api.listClips(filter, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: (before) => before,
  })
}

/** One clip with everything said about it. */
export function useClip(id: string): UseQueryResult<ClipDetail> {
  return useQuery({ queryKey: keys.clip(id), queryFn: ({ signal }) => api.getClip(id, signal) })
}

/** All bins. */
export function useBins(): UseQueryResult<Bin[]> {
  return useQuery({ queryKey: keys.bins, queryFn: ({ signal }) => api.listBins(signal) })
}

/** Contributors and colleagues, for administrators. */
export function usePeople(enabled: boolean): UseQueryResult<Person[]> {
  return useQuery({ queryKey: keys.people, queryFn: ({ signal }) => api.listPeople(signal), enabled })
}

/** Whom clips can be assigned to. */
export function useTranslators(): UseQueryResult<Translator[]> {
  return useQuery({ queryKey: keys.translators, queryFn: ({ signal }) => api.listTranslators(signal) })
}

type Pages = InfiniteData<ClipPage>

/** Puts `fresh` into every list and detail that holds this clip; false when no list did. */
export function spreadClip(client: QueryClient, fresh: ClipSummary): boolean {
  let seen = false
  client.setQueriesData<Pages>({ queryKey: keys.clips }, (data) => {
    const holds = data?.pages.some((page) => page.clips.some((clip) => clip.id === fresh.id)) ?? false
    if (data === undefined || !holds) return data
    seen = true
    const pages = data.pages.map((page) => ({
      ...page,
      clips: page.clips.map((clip) =>
        clip.id === fresh.id && clip.revision <= fresh.revision ? fresh : clip,
      ),
    }))
    return { ...data, pages }
  })
  const detail = client.getQueryData<ClipDetail>(keys.clip(fresh.id))
  if (detail !== undefined && detail.revision < fresh.revision) {
    client.setQueryData<ClipDetail>(keys.clip(fresh.id), { ...detail, ...fresh })
    void client.invalidateQueries({ queryKey: keys.clip(fresh.id) })
  }
  return seen
}

function patchEverywhere(client: QueryClient, id: string, change: ChangeClip): void {
  // Only what is really given: an explicit undefined would wipe the field on screen.
  const given = Object.fromEntries(
    Object.entries(change).filter(([, value]) => value !== undefined),
  ) as Partial<ClipDetail>
  client.setQueriesData<Pages>({ queryKey: keys.clips }, (data) =>
    data === undefined
      ? data
      : {
          ...data,
          pages: data.pages.map((page) => ({
            ...page,
            clips: page.clips.map((clip) => (clip.id === id ? { ...clip, ...given } : clip)),
          })),
        },
  )
  client.setQueryData<ClipDetail>(keys.clip(id), (detail) =>
    detail === undefined ? detail : { ...detail, ...given },
  )
}

/** Changes a clip at once on screen, then on the server; what the server refuses is taken back. */
export function useChangeClip(): UseMutationResult<void, Error, { id: string; change: ChangeClip }> {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ id, change }: { id: string; change: ChangeClip }) => api.changeClip(id, change),
    onMutate: ({ id, change }) => patchEverywhere(client, id, change),
    onSettled: async (_done, error, { id, change }) => {
      const whole = error !== null || change.tags !== undefined
      await Promise.all([
        client.invalidateQueries({ queryKey: keys.clip(id) }),
        ...(whole ? [client.invalidateQueries({ queryKey: keys.clips })] : []),
      ])
    },
  })
}

/** A call that changes something, after which the named parts of the cache are fetched anew. */
export function useAct<Input, Output>(
  act: (input: Input) => Promise<Output>,
  stale: readonly (readonly string[])[],
): UseMutationResult<Output, Error, Input> {
  const client = useQueryClient()
  return useMutation({
    mutationFn: act,
    onSettled: async () => {
      await Promise.all(stale.map((queryKey) => client.invalidateQueries({ queryKey })))
    },
  })
}
