/**
 * The log: structured lines on standard error, made of an allow-list of fields.
 *
 * Nothing but ids, codes, counts and states can be logged: the type has no place for a name, an address, an agent, a
 * token, a file name or a tag's value, and the contributor's side logs to the hour.
 */
import { pino } from 'pino'
import { AppError } from '../domain/errors.ts'

/** The only things a line may carry. */
export type LogFields = {
  readonly clip?: string
  readonly job?: string
  readonly step?: string
  readonly code?: string
  readonly state?: string
  readonly staff?: string
  readonly requestId?: string
  readonly count?: number
  readonly durationMs?: number
  readonly role?: string
  readonly detail?: string
}

export type Logger = {
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  /** A bug or a fault of ours. Of the cause only class, code and our own stack lines are kept. */
  error(message: string, error: unknown, fields?: LogFields): void
}

const HOUR_MS = 3_600_000

/**
 * Makes the log of one process; `role` stands on every line. The clocks of intake and worker are kept to the hour: when
 * something arrived and when it was sealed is the same moment.
 */
export function createLogger(
  role: 'supervisor' | 'intake' | 'desk' | 'worker' | 'cli',
  level = 'info',
): Logger {
  const sink = pino(
    {
      level,
      base: { role },
      timestamp: () => `,"time":"${stamp(role === 'intake' || role === 'worker')}"`,
    },
    // Synchronous: a line must not be lost with the process that wrote it.
    pino.destination({ fd: 2, sync: true }),
  )
  return {
    info: (message, fields = {}) => {
      sink.info(fields, message)
    },
    warn: (message, fields = {}) => {
      sink.warn(fields, message)
    },
    error: (message, error, fields = {}) => {
      sink.error({ ...fields, ...describe(error) }, message)
    },
  }
}

function stamp(coarse: boolean): string {
  const now = Date.now()
  return new Date(coarse ? now - (now % HOUR_MS) : now).toISOString()
}

/** An error's message may quote input or paths, so only its kind and the places in our own code are kept. */
function describe(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return { error: typeof error }
  const causeCode = error.cause instanceof Error ? nodeCode(error.cause) : undefined
  return {
    error: error.name,
    ...(error instanceof AppError
      ? { code: error.code }
      : nodeCode(error) === undefined
        ? {}
        : { code: nodeCode(error) ?? '' }),
    ...(causeCode === undefined ? {} : { cause: causeCode }),
    at: (error.stack ?? '')
      .split('\n')
      .filter((line) => /^\s+at .*\/src\//.test(line))
      .map((line) => line.replace(/^.*\/src\//, 'src/').replace(/\)$/, ''))
      .slice(0, 6)
      .join(' < '),
  }
}

function nodeCode(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
