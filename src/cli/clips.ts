/** `clips`, `clip` and `verify`: what the catalogue holds and whether it is whole. */
import type { ClipView } from '../catalog/clip-views.ts'
import { withOperator, type Operator } from './operator.ts'
import { AppError } from '../domain/errors.ts'
import { verifyAll, verifyClip, type VerifiedClip } from '../process/verify.ts'
import { readArguments, type ExitStatus, type Verb } from './verb.ts'

/** Lists every clip with its state. */
export const clipsVerb: Verb = {
  name: 'clips',
  summary: 'lists clips with their states and reasons',
  usage: ['clips [--json]'],
  details: ['Newest day first, in no order inside a day.'],
  async run(args, out) {
    const { values } = readArguments(args, { json: 'boolean' }, { least: 0, most: 0 })
    return withOperator(async (operator): Promise<ExitStatus> => {
      const clips: Facts[] = []
      for await (const clip of operator.clips()) clips.push(factsOf(clip))
      if (values['json'] === true) out.json({ clips })
      else if (clips.length === 0) out.line('No clips yet.')
      else
        for (const clip of clips)
          out.line([clip.id, clip.reel, clip.state, clip.reason ?? '-', clip.release].join('\t'))
      return 0
    })
  },
}

/** Shows one clip. */
export const clipVerb: Verb = {
  name: 'clip',
  summary: 'shows one clip: state, reason, media facts, certificate, objects',
  usage: ['clip ID [--json]'],
  details: ["ID is the clip's id or its reel."],
  async run(args, out) {
    const { values, rest } = readArguments(args, { json: 'boolean' }, { least: 1, most: 1 })
    return withOperator(async (operator): Promise<ExitStatus> => {
      const clip = factsOf(await findClip(operator, rest[0] ?? ''))
      if (values['json'] === true) out.json(clip)
      else {
        for (const [name, value] of Object.entries(clip)) {
          if (value !== null)
            out.line(`${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
        }
      }
      return 0
    })
  },
}

/** Reads stored objects again and compares them with the digests in the catalogue. */
export const verifyVerb: Verb = {
  name: 'verify',
  summary: 're-reads stored objects and compares them with their digests',
  usage: ['verify [ID] [--json]'],
  details: ['Without ID every clip is checked. Ends with 1 when an object is missing or differs.'],
  async run(args, out) {
    const { values, rest } = readArguments(args, { json: 'boolean' }, { least: 0, most: 1 })
    return withOperator(async (operator): Promise<ExitStatus> => {
      const given = rest[0]
      const verified: VerifiedClip[] = []
      if (given === undefined) for await (const clip of verifyAll(operator.deps)) verified.push(clip)
      else verified.push(await verifyClip(operator.deps, (await findClip(operator, given)).row.id))
      const ok = verified.every((clip) => clip.ok)
      if (values['json'] === true) out.json({ ok, clips: verified })
      else {
        for (const clip of verified) {
          for (const object of clip.objects)
            if (object.found !== 'same') out.line(`${clip.clipId} ${object.kind}: ${object.found}`)
        }
        const objects = verified.reduce((sum, clip) => sum + clip.objects.length, 0)
        out.line(
          `${String(objects)} objects of ${String(verified.length)} clips read: ${ok ? 'all as they were stored' : 'NOT all as they were stored'}`,
        )
      }
      return ok ? 0 : 1
    })
  },
}

async function findClip(operator: Operator, idOrReel: string): Promise<ClipView> {
  for await (const clip of operator.clips()) {
    if (clip.row.id === idOrReel || clip.row.reel.toLowerCase() === idOrReel.toLowerCase()) return clip
  }
  throw new AppError('not_found')
}

/** What the command line tells of a clip. Picked field by field. */
type Facts = ReturnType<typeof factsOf>

function factsOf(view: ClipView) {
  const { row } = view
  return {
    id: row.id,
    reel: row.reel,
    title: row.title,
    alias: view.alias,
    state: row.state,
    reason: row.reason,
    reasonDetail: row.reason_detail,
    release: row.release,
    care: view.care,
    tags: view.tags,
    rating: row.rating,
    receivedDay: row.received_day,
    originalBytes: row.original_bytes,
    originalSha256: row.original_sha256,
    partial: row.partial === 1,
    media: view.media,
    certificate: view.certificate,
    objects: [...view.blobs].sort(),
  }
}
