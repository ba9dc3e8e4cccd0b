/** `clips`, `clip` and `verify`: what the catalogue holds and whether it is whole. */
import { openOperator } from '../context.ts'
import { parseId } from '../domain/clip.ts'
import { AppError } from '../domain/errors.ts'
import { verifyAll, verifyClip } from '../process/verify.ts'
import { readArguments, UsageError, type Verb } from './verb.ts'

/** Lists every clip with its state. */
export const clipsVerb: Verb = {
  name: 'clips',
  summary: 'lists clips with their states and reasons',
  usage: ['clips [--json]'],
  details: [],
  async run(args, out) {
    const { values } = readArguments(args, { json: 'boolean' }, { least: 0, most: 0 })
    const operator = await openOperator()
    try {
      const clips = await operator.clips()
      if (values['json'] === true) out.json({ clips })
      else if (clips.length === 0) out.line('No clips yet.')
      else {
        for (const clip of clips) {
          out.line([clip.id, clip.reel, clip.state, clip.reason ?? '', clip.release].join('\t'))
        }
      }
      return 0
    } finally {
      await operator.close()
    }
  },
}

/** Shows one clip. */
export const clipVerb: Verb = {
  name: 'clip',
  summary: 'shows one clip: state, reason, media facts, certificate, objects',
  usage: ['clip ID [--json]'],
  details: ['ID is the clip\'s id or its reel.'],
  async run(args, out) {
    const { values, rest } = readArguments(args, { json: 'boolean' }, { least: 1, most: 1 })
    const operator = await openOperator()
    try {
      const clip = await operator.clip(rest[0] ?? '')
      if (clip === undefined) throw new AppError('not_found')
      if (values['json'] === true) out.json(clip)
      else {
        for (const [name, value] of Object.entries(clip)) {
          out.line(`${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
        }
      }
      return 0
    } finally {
      await operator.close()
    }
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
    const operator = await openOperator()
    try {
      const given = rest[0]
      const id = given === undefined ? undefined : parseId('clip', given)
      if (given !== undefined && id === undefined) throw new UsageError('ID must be a clip\'s id')
      const report = id === undefined ? await verifyAll(operator) : await verifyClip(operator, id)
      if (values['json'] === true) out.json(report)
      else {
        for (const finding of report.findings) out.line(`${finding.clipId} ${finding.kind}: ${finding.problem}`)
        out.line(`${String(report.checked)} objects checked, ${String(report.findings.length)} findings`)
      }
      return report.findings.length === 0 ? 0 : 1
    } finally {
      await operator.close()
    }
  },
}
