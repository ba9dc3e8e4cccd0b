/** What a benchmark is, and the little arithmetic they share. */

/** Keys are stable once published: add, never rename. */
export type Figures = Readonly<Record<string, number | boolean>>

export type BenchOptions = {
  /** The larger size instead of the quick one. */
  readonly full: boolean
  /** An empty folder of this run; removed afterwards by whoever made it. */
  readonly folder: string
  /** Says how far it is, to people. */
  note(text: string): void
}

export type Benchmark = {
  readonly name: string
  /** One line: what is measured against what. */
  readonly summary: string
  run(options: BenchOptions): Promise<Figures>
}

/** The middle value; of an even number the mean of the two in the middle. `values` is not empty. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Rounds to `digits` significant digits: a figure should not look more exact than it is. */
export function rounded(value: number, digits = 3): number {
  return Number(value.toPrecision(digits))
}
