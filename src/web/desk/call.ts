import type { ZodType } from 'zod'
import { CallError, readProblem } from './problem.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

async function send(
  method: Method,
  path: string,
  body: unknown,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const init: RequestInit = { method, credentials: 'same-origin', cache: 'no-store', redirect: 'error' }
  if (body !== undefined) {
    init.body = JSON.stringify(body)
    init.headers = { 'content-type': 'application/json' }
  }
  if (signal !== undefined) init.signal = signal
  try {
    return await fetch(path, init)
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new CallError('offline', 0, '', '')
  }
}

/** Calls the desk and reads its answer with `schema`. Errors: `CallError`. */
export async function call<T>(
  schema: ZodType<T>,
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const answer = await send(method, path, body, signal)
  if (!answer.ok) throw await readProblem(answer)
  let parsed
  try {
    parsed = schema.safeParse(await answer.json())
  } catch {
    throw new CallError('unreadable_answer', answer.status, '', '')
  }
  if (!parsed.success) throw new CallError('unreadable_answer', answer.status, '', '')
  return parsed.data
}

/** Calls the desk where the answer's body does not matter. Errors: `CallError`. */
export async function callFor(method: Method, path: string, body?: unknown): Promise<void> {
  const answer = await send(method, path, body, undefined)
  if (!answer.ok) throw await readProblem(answer)
}
