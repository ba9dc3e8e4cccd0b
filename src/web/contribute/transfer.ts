/**
 * Brings one file over, for as long as it takes.
 *
 * The upload library's own retries give up, and after most answers to a HEAD it starts from the first byte; here each
 * failure ends the library's attempt, and ours decides whether and when to begin the next one at the server's offset.
 */
import Upload from 'tus-js-client/lib/upload.js'
import XhrStack from 'tus-js-client/lib/browser/httpStack.js'
import { UPLOADS_PATH } from '../../domain/upload.ts'

const FIRST_CHUNK_BYTES = 65_536
const LEAST_CHUNK_BYTES = 32_768
const MOST_CHUNK_BYTES = 8_388_608
/** An acknowledgement every twelve seconds, whatever the line: what is on its way then is all that a cut can cost. */
const CHUNK_SECONDS = 12
const WAITS_S = [1, 2, 4, 8, 15, 30, 60]
/** Without a sign of life for this long a connection is dead; browsers by themselves wait for ever. */
const SILENCE_MS = 45_000
/** Answers to a HEAD that mean what they say; any other is trouble that passes. */
const PLAIN_HEAD_ANSWERS = [403, 404, 410, 423]
/** Refusals that asking again does not change. */
const FINAL = [400, 401, 403, 413, 415]

export type Transfer = {
  start(): void
  /** Stops; what is acknowledged stays. */
  pause(): void
  /** Id of the upload, once it has one. */
  readonly id: string | undefined
}

export type TransferEvents = {
  /** Bytes that the server has, for good. */
  onAcknowledged(bytes: number): void
  /** Between two attempts; `code` is the server's, undefined when it could not be reached. */
  onWaiting(code: string | undefined): void
  onSending(): void
  /** Everything is on the server. */
  onDone(): void
  /** Refused for good, with the server's code; `unreadable` when the phone cannot read the file any more. */
  onStopped(code: string): void
}

/** Prepares to send `file`; with `id` as the rest of an upload that has begun. */
export function createTransfer(
  file: File,
  id: string | undefined,
  isReadable: () => Promise<boolean>,
  events: TransferEvents,
): Transfer {
  let running = false
  let failures = 0
  let status = 0
  let code: string | undefined
  let chunkStartedAt = 0
  let wake: ReturnType<typeof setTimeout> | undefined
  let watchdog: ReturnType<typeof setTimeout> | undefined

  const upload = new Upload(file, {
    ...Upload.defaultOptions,
    endpoint: UPLOADS_PATH,
    uploadUrl: id === undefined ? null : `${UPLOADS_PATH}/${id}`,
    metadata: { filetype: file.type.split('/')[0] ?? '', key: newKey() },
    chunkSize: FIRST_CHUNK_BYTES,
    retryDelays: null,
    storeFingerprintForResuming: false,
    fingerprint: () => Promise.resolve(''),
    urlStorage: NOTHING_STORED,
    httpStack: new XhrStack(),
    fileReader: {
      openFile: (input: File) =>
        Promise.resolve({
          size: input.size,
          slice: (start: number, end: number) =>
            Promise.resolve({ value: input.slice(start, end), done: end >= input.size }),
          close: () => undefined,
        }),
    },
    onBeforeRequest: () => {
      alive()
    },
    onAfterResponse: (request, response) => {
      alive()
      status = response.getStatus()
      code = status < 400 ? undefined : codeOf(response.getBody(), status)
      const plain = (status >= 200 && status < 300) || PLAIN_HEAD_ANSWERS.indexOf(status) >= 0
      if (request.getMethod() === 'HEAD' && !plain) throw new Error('not now')
    },
    onProgress: () => {
      alive()
    },
    onChunkComplete: (bytes, acknowledged) => {
      failures = 0
      adapt(bytes)
      events.onAcknowledged(acknowledged)
    },
    onSuccess: () => {
      quiet()
      running = false
      events.onDone()
    },
    onError: () => {
      quiet()
      void fail()
    },
  })
  const alive = (): void => {
    clearTimeout(watchdog)
    watchdog = setTimeout(() => {
      status = 0
      code = undefined
      void upload.abort().then(fail)
    }, SILENCE_MS)
  }
  const quiet = (): void => {
    clearTimeout(watchdog)
  }
  const adapt = (bytes: number): void => {
    const now = performance.now()
    const perSecond = bytes / Math.max(0.001, (now - chunkStartedAt) / 1000)
    chunkStartedAt = now
    const wanted = Math.min(perSecond * CHUNK_SECONDS, (upload.options.chunkSize ?? 0) * 2)
    upload.options.chunkSize = Math.round(Math.max(LEAST_CHUNK_BYTES, Math.min(MOST_CHUNK_BYTES, wanted)))
  }
  const attempt = (): void => {
    clearTimeout(wake)
    wake = undefined
    if (!running) return
    status = 0
    code = undefined
    chunkStartedAt = performance.now()
    events.onSending()
    upload.start()
  }
  const fail = async (): Promise<void> => {
    if (!running) return
    if (status === 0 && !(await isReadable())) {
      stop('unreadable')
      return
    }
    if (FINAL.indexOf(status) >= 0) {
      stop(code ?? 'internal')
      return
    }
    const chunk = upload.options.chunkSize ?? FIRST_CHUNK_BYTES
    upload.options.chunkSize = Math.max(LEAST_CHUNK_BYTES, Math.round(chunk / 2))
    const seconds = WAITS_S[Math.min(failures, WAITS_S.length - 1)] ?? 60
    failures++
    events.onWaiting(code)
    // Up to half on top, so that the phones of one shared line do not come back in step.
    wake = setTimeout(attempt, seconds * 1000 * (1 + randomShare() / 2))
  }
  const stop = (why: string): void => {
    running = false
    events.onStopped(why)
  }
  const comeBack = (): void => {
    if (running && wake !== undefined && document.visibilityState === 'visible') {
      attempt()
    }
  }
  addEventListener('online', comeBack)
  document.addEventListener('visibilitychange', comeBack)

  return {
    start() {
      if (running) return
      running = true
      failures = 0
      attempt()
    },
    pause() {
      running = false
      clearTimeout(wake)
      quiet()
      void upload.abort()
    },
    get id() {
      return upload.url === null ? id : upload.url.split('/').pop()
    },
  }
}

const NOTHING_STORED = {
  findAllUploads: () => Promise.resolve([]),
  findUploadsByFingerprint: () => Promise.resolve([]),
  removeUpload: () => Promise.resolve(),
  addUpload: () => Promise.resolve(''),
}

/** The code of a problem body; a HEAD has none, and neither has what a proxy writes. */
function codeOf(body: string, status: number): string {
  try {
    const { code } = JSON.parse(body) as { code?: unknown }
    if (typeof code === 'string') return code
  } catch {
    // Not ours.
  }
  return status === 401 ? 'not_signed_in' : 'internal'
}

/** Made on the phone, so that a creation whose answer was lost can be asked for again. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

function randomShare(): number {
  return (crypto.getRandomValues(new Uint8Array(1))[0] ?? 0) / 256
}
