/** Counts attempts in memory, by what was attempted and never by who attempts it: there are no addresses here. */
import type { Clock } from '../domain/clock.ts'

export type Limiter = {
  /** Takes one from the key's bucket; false when it is empty. */
  take(key: string): boolean
}

/** Strangers can invent keys; the oldest are forgotten first. */
const MAX_KEYS = 10_000

/** Makes buckets that hold `burst` attempts each and fill by one every `refillMs`. */
export function createLimiter(
  clock: Clock,
  limits: { readonly burst: number; readonly refillMs: number },
): Limiter {
  const buckets = new Map<string, { left: number; at: number }>()
  return {
    take(key) {
      const now = clock.now()
      const before = buckets.get(key) ?? { left: limits.burst, at: now }
      const left = Math.min(limits.burst, before.left + Math.max(0, now - before.at) / limits.refillMs)
      const granted = left >= 1
      buckets.delete(key)
      buckets.set(key, { left: granted ? left - 1 : left, at: now })
      if (buckets.size > MAX_KEYS) {
        const [oldest] = buckets.keys()
        if (oldest !== undefined) buckets.delete(oldest)
      }
      return granted
    },
  }
}
