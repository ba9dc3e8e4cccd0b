/** Time as a collaborator, so that tests can move it. */
export type Clock = {
  /** UTC milliseconds. */
  now(): number
}

/** The UTC date of `ms`, `YYYY-MM-DD`: the finest time kept about a contributor. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
