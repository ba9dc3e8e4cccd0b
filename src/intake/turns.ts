/**
 * One request at a time works on an upload, in the order in which they came.
 *
 * Who waits asks the holder to come to an end: a phone whose old connection is dead must not wait for its time-out.
 * The upload library's own locker polls in a busy loop and answers 500 when it gives up, which makes its client start
 * from the first byte.
 */
import type { Lock, Locker } from '@tus/utils'
import { AppError } from '../domain/errors.ts'

/** A holder that was asked ends within `lockDrainTimeout`, so a wait this long means that something hangs. */
const PATIENCE_MS = 5_000

type Waiter = { readonly release: () => void; readonly start: () => void; readonly signal: AbortSignal }

export type Turns = Locker & {
  /** How many requests hold an upload. */
  readonly held: number
  /** Aborted when the request that holds `id` must come to an end: another one waits, or its sender is gone. */
  signalOf(id: string): AbortSignal | undefined
  /** Asks every holder to come to an end, and returns when all have. */
  drain(): Promise<void>
}

/** Builds the turns of one process. Errors of `lock`: `upload_locked`. */
export function createTurns(): Turns {
  const holders = new Map<string, Waiter>()
  const queues = new Map<string, Waiter[]>()
  let onEmpty: (() => void)[] = []
  let draining = false

  const take = (id: string, waiter: Waiter): void => {
    holders.set(id, waiter)
    waiter.start()
    if (draining || (queues.get(id)?.length ?? 0) > 0) waiter.release()
  }
  const handOver = (id: string): void => {
    const queue = queues.get(id) ?? []
    const next = queue.shift()
    if (queue.length === 0) queues.delete(id)
    holders.delete(id)
    if (next !== undefined) take(id, next)
    else if (holders.size === 0) {
      for (const done of onEmpty) done()
      onEmpty = []
    }
  }
  const leave = (id: string, waiter: Waiter): void => {
    const queue = (queues.get(id) ?? []).filter((other) => other !== waiter)
    if (queue.length === 0) queues.delete(id)
    else queues.set(id, queue)
  }

  return {
    get held() {
      return holders.size
    },
    signalOf: (id) => holders.get(id)?.signal,
    newLock(id): Lock {
      return {
        async lock(signal, cancelRequest) {
          await new Promise<void>((resolve, reject) => {
            const giveUp = (error: AppError): void => {
              clearTimeout(timer)
              leave(id, waiter)
              reject(error)
            }
            const onAbort = (): void => {
              giveUp(new AppError('upload_locked'))
            }
            const waiter: Waiter = {
              signal,
              release: () => {
                void cancelRequest()
              },
              start: () => {
                clearTimeout(timer)
                signal.removeEventListener('abort', onAbort)
                resolve()
              },
            }
            const timer = setTimeout(() => {
              giveUp(new AppError('upload_locked'))
            }, PATIENCE_MS)
            if (signal.aborted) {
              onAbort()
              return
            }
            const holder = holders.get(id)
            if (holder === undefined) {
              take(id, waiter)
              return
            }
            signal.addEventListener('abort', onAbort, { once: true })
            queues.set(id, [...(queues.get(id) ?? []), waiter])
            holder.release()
          })
        },
        unlock() {
          handOver(id)
          return Promise.resolve()
        },
      }
    },
    async drain() {
      draining = true
      for (const holder of holders.values()) holder.release()
      if (holders.size > 0)
        await new Promise<void>((resolve) => {
          onEmpty.push(resolve)
        })
    },
  }
}
