/**
 * Reads CMX 3600 lists as an edit suite would, strictly: what it does not know, it refuses.
 *
 * Written from the format's description and from lists that other tools wrote, not from our writer.
 */

export type EdlEvent = {
  readonly number: number
  readonly reel: string
  readonly channels: string
  readonly source: readonly [number, number]
  readonly record: readonly [number, number]
  readonly comments: readonly string[]
}
export type Edl = {
  readonly title: string
  readonly drop: boolean | undefined
  readonly events: readonly EdlEvent[]
}

const CODE = String.raw`(\d{2}:\d{2}:\d{2}[:;]\d{2})`
const EVENT = new RegExp(
  String.raw`^(\d{3,6})\s+(\S{1,32})\s+(V|A|A2|AA|B|AA\/V|A2\/V)\s+C\s+${CODE}\s+${CODE}\s+${CODE}\s+${CODE}\s*$`,
)

/** Reads a list; timecode becomes a count of frames at `fps` (30 for 29.97), drop-frame labels taken out. */
export function readEdl(text: string, fps: number): Edl {
  let title: string | undefined
  let drop: boolean | undefined
  const events: (Omit<EdlEvent, 'comments'> & { comments: string[] })[] = []
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim()
    if (line === '') continue
    if (line.startsWith('TITLE:')) {
      title = line.slice(6).trim()
    } else if (line.startsWith('FCM:')) {
      const mode = line.slice(4).trim()
      if (mode !== 'DROP FRAME' && mode !== 'NON-DROP FRAME')
        throw new Error(`unknown frame code mode: ${line}`)
      drop = mode === 'DROP FRAME'
    } else if (line.startsWith('*')) {
      const event = events.at(-1)
      if (event === undefined) throw new Error(`a comment before the first event: ${line}`)
      event.comments.push(line.slice(1).trim())
    } else {
      const found = EVENT.exec(line)
      if (found === null) throw new Error(`not an event: ${line}`)
      const codes = found.slice(4).map((code) => frames(code, fps))
      const [sourceIn = 0, sourceOut = 0, recordIn = 0, recordOut = 0] = codes
      if (sourceOut - sourceIn !== recordOut - recordIn || sourceOut <= sourceIn) {
        throw new Error(`source and record differ in length: ${line}`)
      }
      events.push({
        number: Number(found[1]),
        reel: found[2] ?? '',
        channels: found[3] ?? '',
        source: [sourceIn, sourceOut],
        record: [recordIn, recordOut],
        comments: [],
      })
    }
  }
  if (title === undefined) throw new Error('no title')
  return { title, drop, events }
}

function frames(code: string, fps: number): number {
  const [hours = 0, minutes = 0, seconds = 0, rest = 0] = code.split(/[:;]/).map(Number)
  if (minutes > 59 || seconds > 59 || rest >= fps) throw new Error(`no such timecode: ${code}`)
  const label = ((hours * 60 + minutes) * 60 + seconds) * fps + rest
  if (!code.includes(';')) return label
  if (fps !== 30) throw new Error('drop-frame is for 29.97')
  const minute = hours * 60 + minutes
  if (minute % 10 !== 0 && seconds === 0 && rest < 2) throw new Error(`a label that is left out: ${code}`)
  return label - 2 * (minute - Math.floor(minute / 10))
}
