/** One chosen clip from choice to receipt. */
import type { UploadStatus } from '../../contract/intake.ts'
import { claimDigest, readPlace, readStatus, Refused, removeUpload } from './api.ts'
import { canHash, digestOf, isReadable, type FileDigest } from './block-digest.ts'
import { createCard, type Card, type CardAction, type CardView } from './card.ts'
import { createTransfer, type Transfer } from './transfer.ts'
import type { Words } from './words.ts'

const POLL_FIRST_MS = 1_500
const POLL_MOST_MS = 15_000

/** What a person reads when something is in the way, by the server's code. */
const REASONS: Record<string, string> = {
  intake_closed: 'closed',
  disk_full: 'full',
  upload_too_large: 'tooLarge',
  quota_exceeded: 'quota',
  too_many_uploads: 'tooMany',
  upload_empty: 'empty',
  not_signed_in: 'signedOut',
  unreadable: 'readFailed',
  internal: 'failed',
}

export type Clip = {
  readonly card: Card
  /** Compares with what the server has, then waits for its turn. */
  prepare(): Promise<void>
  /** Its turn: sends, and resolves when the last byte is over or it cannot go on. */
  send(): Promise<void>
  /** Would leaving the page stop it? */
  readonly busy: boolean
}

type Phase = 'preparing' | 'queued' | 'sending' | 'paused' | 'checking' | 'ended' | 'removed'

type Hooks = {
  /** The clip wants its turn, possibly again. */
  readonly onReady: (clip: Clip) => void
  /** It is the rest of an unfinished upload. */
  readonly onRecognised: (id: string) => void
  readonly onRemoved: (clip: Clip) => void
}

/** Makes a clip of a chosen file. `unfinished`: uploads that may be its beginning. */
export function createClip(
  file: File,
  unfinished: () => readonly UploadStatus[],
  words: Words,
  { onReady, onRecognised, onRemoved }: Hooks,
): Clip {
  const readable = (): Promise<boolean> => isReadable(file)
  let digest: FileDigest = digestOf(file)
  let transfer: Transfer | undefined
  let known: string | undefined
  let sentBytes = 0
  let done: () => void = () => undefined
  let phase: Phase = 'preparing'
  // A button may have changed it during any wait.
  const is = (one: Phase): boolean => phase === one

  const show = (view: Omit<CardView, 'sentBytes' | 'totalBytes'>): void => {
    card.show({ ...view, sentBytes, totalBytes: file.size })
  }
  const end = (view: Omit<CardView, 'sentBytes' | 'totalBytes'>): void => {
    phase = 'ended'
    show(view)
    done()
  }
  const queue = (): void => {
    phase = 'queued'
    show({ state: 'stateQueued', actions: ['remove'] })
    onReady(clip)
  }
  const card = createCard(words, (action) => void act(action))

  async function act(action: CardAction): Promise<void> {
    switch (action) {
      case 'pause':
        phase = 'paused'
        transfer?.pause()
        show({ state: 'statePaused', actions: ['continue', 'remove'] })
        done()
        return
      case 'continue':
        queue()
        return
      case 'retry':
        // A new upload: what is wrong with the old one stays wrong.
        transfer = undefined
        known = undefined
        sentBytes = 0
        digest = digestOf(file)
        queue()
        return
      case 'remove': {
        const id = transfer?.id ?? known
        phase = 'removed'
        transfer?.pause()
        done()
        onRemoved(clip)
        // If it does not reach the server, the clip is offered as unfinished next time.
        if (id !== undefined) await removeUpload(id).catch(() => undefined)
      }
    }
  }

  function begin(): Transfer {
    return createTransfer(file, known, readable, {
      onAcknowledged(bytes) {
        sentBytes = bytes
        if (phase !== 'sending') return
        show({ state: 'stateSending', actions: ['pause', 'remove'] })
        if (canHash()) digest.prepare(bytes).catch(() => undefined)
      },
      onSending() {
        show({ state: 'stateSending', actions: ['pause', 'remove'] })
      },
      onWaiting(code) {
        const reason = code === undefined ? undefined : REASONS[code]
        show({
          state: 'stateWaiting',
          ...(reason === undefined || reason === 'failed' ? {} : { note: words(reason) }),
          actions: ['pause', 'remove'],
        })
      },
      onDone() {
        sentBytes = file.size
        void check()
      },
      onStopped(code) {
        const actions: CardAction[] =
          code === 'unreadable' || code === 'not_signed_in' ? [] : ['retry', 'remove']
        end({ state: 'stateStopped', note: words(REASONS[code] ?? 'failed'), tone: 'trouble', actions })
      },
    })
  }

  /** The receipt: our digest against the server's, then the worker's seal. Only then may the clip be deleted. */
  async function check(): Promise<void> {
    phase = 'checking'
    show({ state: 'stateChecking', note: words('arrivedChecking'), actions: [] })
    // The next clip need not wait for this.
    done()
    const id = transfer?.id
    if (id === undefined) return
    for (let wait = POLL_FIRST_MS; is('checking'); wait = Math.min(POLL_MOST_MS, wait * 1.5)) {
      try {
        let status = await readStatus(id)
        if (canHash() && status.matched === null) status = await claimDigest(id, await digest.upTo(file.size))
        if (status.state === 'damaged' || status.matched === false) {
          end({ state: 'stateDamaged', note: words('damagedNote'), tone: 'trouble', actions: ['retry'] })
        } else if (status.state === 'sealed') {
          const note = status.matched === true ? words('arrivedKeep') : words('receiptUncompared')
          end({ state: 'stateArrived', note, tone: 'good', actions: [] })
        }
      } catch (error) {
        if (error instanceof Refused && error.status === 401) {
          end({ state: 'stateStopped', note: words('signedOut'), tone: 'trouble', actions: [] })
        } else if (!(error instanceof Refused) && !(await readable())) {
          end({ state: 'stateStopped', note: words('readFailed'), tone: 'trouble', actions: [] })
        }
      }
      if (is('checking')) await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }

  const clip: Clip = {
    card,
    async prepare() {
      show({ state: 'stateReading', actions: ['remove'] })
      if (!(await readable())) {
        end({
          state: 'stateStopped',
          note: words(file.size === 0 ? 'empty' : 'readFailed'),
          tone: 'trouble',
          actions: ['remove'],
        })
        return
      }
      known = await findBeginning(file, unfinished(), digest)
      if (known !== undefined) onRecognised(known)
      if (phase === 'preparing') queue()
    },
    send() {
      if (phase !== 'queued') return Promise.resolve()
      phase = 'sending'
      transfer = transfer ?? begin()
      const over = new Promise<void>((resolve) => {
        done = resolve
      })
      transfer.start()
      return over
    },
    get busy() {
      return phase === 'preparing' || phase === 'queued' || phase === 'sending'
    },
  }
  return clip
}

/** The unfinished upload whose durable bytes are this file's first ones: proved by digest, never by size alone. */
async function findBeginning(
  file: File,
  unfinished: readonly UploadStatus[],
  digest: FileDigest,
): Promise<string | undefined> {
  if (!canHash()) return undefined
  for (const { id, length, offset } of unfinished) {
    if (length !== file.size || offset === 0) continue
    try {
      const place = await readPlace(id)
      if (place.digest !== null && place.digest === (await digest.upTo(place.offset))) return id
    } catch {
      // Gone, or not to be reached just now: a new upload costs bytes, a wrong one costs the clip.
    }
  }
  return undefined
}
