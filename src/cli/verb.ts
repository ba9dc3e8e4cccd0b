/** What every verb of the command line is, and how it ends. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { AppError } from '../domain/errors.ts'

/** 0 done, 1 failed, 2 wrong usage, 3 refused (the media's fault). */
export type ExitStatus = 0 | 1 | 2 | 3

export type Verb = {
  readonly name: string
  /** One line for the list of verbs. */
  readonly summary: string
  /** Everything behind `footbridge`, one line a form. */
  readonly usage: readonly string[]
  readonly details: readonly string[]
  run(args: readonly string[], out: Output): Promise<ExitStatus>
}

/** Standard output and error, so that verbs can be tested. */
export type Output = {
  /** One line for people, or one JSON value where `--json` was given. */
  line(text: string): void
  json(value: unknown): void
  /** To standard error. */
  note(text: string): void
  /** Replaces the line of standard error that was rewritten last; for progress on a terminal. */
  rewrite(text: string): void
  readonly isTerminal: boolean
}

/** Thrown by a verb that was called wrongly; ends with status 2 and the verb's usage. */
export class UsageError extends Error {}

type Values = Readonly<Record<string, string | boolean | undefined>>

/** Reads a verb's arguments strictly. Errors: `UsageError`. */
export function readArguments(
  args: readonly string[],
  options: Readonly<Record<string, 'string' | 'boolean'>>,
  positionals: { readonly least: number; readonly most: number },
): { readonly values: Values; readonly rest: readonly string[] } {
  const config: ParseArgsOptionsConfig = Object.fromEntries(
    Object.entries(options).map(([name, type]) => [name, { type }]),
  )
  try {
    const parsed = parseArgs({ args: [...args], options: config, allowPositionals: true, strict: true })
    const { least, most } = positionals
    if (parsed.positionals.length < least) throw new UsageError('something is missing')
    if (parsed.positionals.length > most)
      throw new UsageError(`too many words: ${String(parsed.positionals[most])}`)
    return { values: parsed.values as Values, rest: parsed.positionals }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(
      error instanceof Error ? error.message.replace(/\. To specify.*$/s, '') : 'wrong arguments',
    )
  }
}

/** A string option, or undefined. */
export function text(values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** Which status an error ends with: refusals are the media's fault, the rest is ours or the machine's. */
export function statusOf(error: unknown): ExitStatus {
  if (error instanceof UsageError) return 2
  return error instanceof AppError && error.kind === 'unsupported' ? 3 : 1
}

/** One line for standard error: the code first, so that scripts can read it. */
export function explain(error: unknown): string {
  if (error instanceof UsageError) return `usage: ${error.message}`
  if (!(error instanceof AppError))
    return `internal: ${error instanceof Error ? error.message : 'something went wrong'}`
  const details = Object.entries(error.details).map(([key, value]) => `${key}: ${String(value)}`)
  return [`${error.code}: ${error.message}`, ...details].join('; ')
}
