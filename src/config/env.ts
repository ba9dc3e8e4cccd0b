/** The only reader of the environment: hands over strings by name and nothing else. */

/** Every variable that Footbridge reads. `.env.example` explains each; a test compares the two. */
export const VARIABLES = [
  'FOOTBRIDGE_STORAGE',
  'FOOTBRIDGE_INTAKE_LISTEN',
  'FOOTBRIDGE_DESK_LISTEN',
  'FOOTBRIDGE_INTAKE_URL',
  'FOOTBRIDGE_DESK_URL',
  'FOOTBRIDGE_TLS_CERT',
  'FOOTBRIDGE_TLS_KEY',
  'FOOTBRIDGE_MAX_UPLOAD',
  'FOOTBRIDGE_RESERVE',
  'FOOTBRIDGE_PROCESSING_WINDOW',
  'FOOTBRIDGE_PAGE_TITLE',
  'FOOTBRIDGE_LOG_LEVEL',
] as const
export type Variable = (typeof VARIABLES)[number]
export type Environment = Readonly<Partial<Record<Variable, string>>>

/**
 * Returns the variables that are set and not empty.
 *
 * A variable that begins like ours and is not ours is returned as `unknown`: a misspelt setting must stop the start.
 */
export function readEnvironment(source: NodeJS.ProcessEnv = process.env): {
  readonly environment: Environment
  readonly unknown: readonly string[]
} {
  const environment: Partial<Record<Variable, string>> = {}
  for (const name of VARIABLES) {
    const value = source[name]
    if (value !== undefined && value !== '') environment[name] = value
  }
  const known: readonly string[] = VARIABLES
  const unknown = Object.keys(source).filter(
    (name) => name.startsWith('FOOTBRIDGE_') && !known.includes(name),
  )
  return { environment, unknown }
}
