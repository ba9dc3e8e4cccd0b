/** `vault` and `totp`: keys of people. */
import { resolve } from 'node:path'
import { writePrivately } from '../adapters/key-files.ts'
import { generateKeyPair } from '../adapters/sealing.ts'
import { withOperator } from './operator.ts'
import { currentTotp } from '../access/passwords.ts'
import { AppError } from '../domain/errors.ts'
import { readArguments, text, UsageError, type ExitStatus, type Verb } from './verb.ts'

/** Makes the vault key on this machine instead of in the administrator's browser. */
export const vaultVerb: Verb = {
  name: 'vault',
  summary: 'makes the vault key: only its holder can open a sealed original',
  usage: ['vault create --out FILE [--json]'],
  details: [
    'Writes the secret to FILE (an age identity, readable by you alone) and gives the server the public half.',
    'Move FILE to a machine that is never online, and keep a second copy on paper: without it no original opens.',
  ],
  async run(args, out) {
    const { values, rest } = readArguments(args, { out: 'string', json: 'boolean' }, { least: 1, most: 1 })
    if (rest[0] !== 'create') throw new UsageError('there is only "vault create"')
    const path = text(values, 'out')
    if (path === undefined) throw new UsageError('--out FILE is needed')
    return withOperator(async (operator): Promise<ExitStatus> => {
      if (await operator.hasVault()) throw new AppError('vault_already_set')
      const pair = await generateKeyPair()
      await writePrivately(resolve(path), pair.identity)
      await operator.setVaultRecipient(pair.recipient)
      if (values['json'] === true) out.json({ recipient: pair.recipient, file: resolve(path) })
      else {
        out.line(`Vault key written to ${resolve(path)}`)
        out.line(`Public half: ${pair.recipient}`)
        out.line('Intake is open. Move the file off this machine and keep a copy on paper.')
      }
      return 0
    })
  },
}

/** The six digits of a second factor, for tests and for trying the demo. */
export const totpVerb: Verb = {
  name: 'totp',
  summary: 'prints the present six digits of a second factor',
  usage: ['totp SECRET'],
  details: ['For the demo and for tests. A real second factor belongs on a phone, not beside the server.'],
  async run(args, out) {
    const { rest } = readArguments(args, {}, { least: 1, most: 1 })
    out.line(await currentTotp(rest[0] ?? ''))
    return 0
  },
}
