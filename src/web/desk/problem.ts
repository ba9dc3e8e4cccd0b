import type { TFunction } from 'i18next'
import { problemSchema } from '../../contract/problem.ts'
import en from './locales/en.json'

/**
 * What went wrong with a call, in the server's own code and words.
 *
 * Two codes are the page's own: `offline` (no answer at all) and `unreadable_answer` (an answer that is not
 * what the contract says).
 */
export class CallError extends Error {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly remedy: string
  readonly requestId: string | undefined

  constructor(code: string, status: number, title: string, remedy: string, requestId?: string) {
    super(title)
    this.name = 'CallError'
    this.code = code
    this.status = status
    this.title = title
    this.remedy = remedy
    this.requestId = requestId
  }
}

/** Reads an error answer; one that is not problem+json becomes `unreadable_answer` with its status. */
export async function readProblem(answer: Response): Promise<CallError> {
  try {
    const problem = problemSchema.parse(await answer.json())
    return new CallError(problem.code, answer.status, problem.title, problem.remedy, problem.requestId)
  } catch {
    return new CallError('unreadable_answer', answer.status, '', '')
  }
}

function isKnown(code: string): code is keyof typeof en.problem {
  return Object.hasOwn(en.problem, code)
}

/** The title and remedy of a failure in the reader's language; the server's words where we have none of our own. */
export function problemWords(t: TFunction, error: unknown): { title: string; remedy: string } {
  if (!(error instanceof CallError))
    return { title: t('problem.page_fault.title'), remedy: t('problem.page_fault.remedy') }
  if (isKnown(error.code))
    return { title: t(`problem.${error.code}.title`), remedy: t(`problem.${error.code}.remedy`) }
  return { title: error.title, remedy: error.remedy }
}

/** The title of a registered code in the reader's language, else `fallback`. */
export function reasonWords(t: TFunction, code: string, fallback: string | null): string {
  return isKnown(code) ? t(`problem.${code}.title`) : (fallback ?? code)
}
