import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { clipSummarySchema } from '../../contract/clips.ts'
import { keys, spreadClip } from './queries.ts'

const LONGEST_WAIT_MS = 30_000

/**
 * Keeps the cached clips as the server has them while the component is there. Returns whether the stream stands.
 *
 * A browser gives up on a stream that was refused (a restart behind a proxy, an ended session); so we open a new one
 * ourselves, waiting longer each time. What happened in between is fetched when the new stream says `ready`.
 */
export function useLiveClips(): boolean {
  const client = useQueryClient()
  const [standing, setStanding] = useState(true)
  useEffect(() => {
    let source: EventSource | undefined
    let timer: number | undefined
    let failures = 0
    let missed = false
    const refreshLists = (): void => void client.invalidateQueries({ queryKey: keys.clips })

    const open = (): void => {
      source = new EventSource('/api/clips/events')
      source.addEventListener('ready', () => {
        failures = 0
        setStanding(true)
        if (missed) {
          missed = false
          refreshLists()
          void client.invalidateQueries({ queryKey: ['clip'] })
        }
      })
      source.addEventListener('clip', (event: MessageEvent<string>) => {
        const parsed = clipSummarySchema.safeParse(JSON.parse(event.data))
        if (parsed.success && !spreadClip(client, parsed.data)) refreshLists()
      })
      source.onerror = () => {
        source?.close()
        missed = true
        failures += 1
        if (failures > 1) setStanding(false)
        // The session may have ended: this call finds out, and the page then shows the sign-in.
        void client.refetchQueries({ queryKey: keys.session })
        timer = window.setTimeout(open, Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures))
      }
    }
    open()
    return () => {
      window.clearTimeout(timer)
      source?.close()
    }
  }, [client])
  return standing
}
