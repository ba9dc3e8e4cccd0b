/** Makes guessing dear: Argon2id for codes and passwords, with a bound on how much of the machine guesses may take. */
import { hash, hashRaw, verify } from '@node-rs/argon2'
import { AppError } from '../domain/errors.ts'

/**
 * 64 MiB, three passes, one lane: about 50 to 100 ms of one core, above OWASP's floor of 19 MiB and two passes.
 * The library's default kind is Argon2id.
 */
const COST = { memoryCost: 65_536, timeCost: 3, parallelism: 1, outputLen: 32 } as const

export type Stretcher = {
  /** 32 bytes from a generated secret and the installation's salt. Errors: `busy`. */
  stretch(secret: string, salt: Uint8Array): Promise<Buffer>
  /** A password's line for the database, with a salt of its own, in the PHC format. Errors: `busy`. */
  hashPassword(password: string): Promise<string>
  /** Compares; with `stored` undefined it does the same work and says no. Errors: `busy`. */
  verifyPassword(stored: string | undefined, password: string): Promise<boolean>
}

/** Two at once leave a core for the rest on the smallest machine we run on; sixteen more may wait, about a second. */
const AT_ONCE = 2
const MAY_WAIT = 16

/** Makes the one stretcher of a process: everything dear goes through its gate, whoever asks. */
export function createStretcher(limits: { atOnce?: number; mayWait?: number } = {}): Stretcher {
  const pass = createGate(limits.atOnce ?? AT_ONCE, limits.mayWait ?? MAY_WAIT)
  return {
    stretch: (secret, salt) => pass(() => hashRaw(secret, { ...COST, salt })),
    hashPassword: (password) => pass(() => hash(prepare(password), COST)),
    verifyPassword: (stored, password) =>
      pass(async () => {
        const matches = await verify(stored ?? NOBODY, prepare(password))
        return matches && stored !== undefined
      }),
  }
}

/** Hash of 32 random bytes that were thrown away. Same cost as ours. */
const NOBODY =
  '$argon2id$v=19$m=65536,t=3,p=1$A9ONTsPrR094cr0hbAVi4A$Pogg8ADSUzu00z9RPtxKjqMsX8RkdHaMWm0GtX/X1pA'

/** The same password typed on two keyboards is the same. */
const prepare = (password: string): string => password.normalize('NFKC')

/** Runs at most `atOnce` works at a time, keeps `mayWait` in line, and turns the rest away with `busy`. */
function createGate(atOnce: number, mayWait: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0
  const line: (() => void)[] = []
  return async (work) => {
    if (running >= atOnce) {
      if (line.length >= mayWait) throw new AppError('busy', { details: { retryAfterSeconds: 2 } })
      await new Promise<void>((resolve) => line.push(resolve))
    } else {
      running++
    }
    try {
      return await work()
    } finally {
      const next = line.shift()
      // Handing the place on, rather than giving it back, keeps a newcomer from slipping in between.
      if (next === undefined) running--
      else next()
    }
  }
}
