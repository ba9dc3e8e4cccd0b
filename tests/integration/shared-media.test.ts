/** Every real file that is at hand goes through the cleaning; the table of outcomes is printed. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { isRefusal } from '../../src/domain/errors.ts'
import { sanitizeFile } from '../../src/process/standalone.ts'
import { hostExiftool, mediaBench } from '../support/media.ts'

const FOLDER = fileURLToPath(new URL('../../../shared/media', import.meta.url))
const files = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name !== 'README.md') : []
const bench = mediaBench('shared')
const table: string[] = []

afterAll(() => {
  bench.remove()
  process.stdout.write(`\n${table.join('\n')}\n${table.length} real files tried\n`)
})

/** Words of tags that a clean file may not have for any reader. */
const TELLING =
  /^(GPS|Make$|Model$|.*Serial|Software|Artist|Author|Creator|.*Location|HandlerDescription|CompressorName|.*Identifier)/

// Without the folder one skipped test is counted, so that nobody takes silence for success.
describe('real files of phones and cameras (../shared/media)', () => {
  it.skipIf(files.length === 0).each(files.length === 0 ? ['none: ../shared/media is not here'] : files)(
    'come out clean or are refused with a reason: %s',
    async (name) => {
      const output = join(bench.root, name)
      try {
        const told = await sanitizeFile(join(FOLDER, name), output, bench.tools)
        const removed = Object.entries(told.certificate.removed).map(([kind, count]) => `${kind} ${count}`)
        table.push(
          `${name}: tier ${told.certificate.tier}, ${told.extension}${told.recovered ? ', recovered' : ''}; removed ${removed.join(', ') || 'nothing'}`,
        )
        const lines = (await hostExiftool('-a', '-G1', '-s', '-ee', '-u', output)).split('\n')
        const names = lines
          .filter((line) => !/^\[(System|ExifTool|Composite|File)\]/.test(line))
          .map((line) => line.slice(16).split(':')[0]?.trim() ?? '')
        expect(names.filter((one) => TELLING.test(one))).toEqual([])
        const data = readFileSync(output)
        for (const mark of [
          'Lavf',
          'x264 - core',
          'x265 (build',
          'Exif\0\0',
          'http://ns.adobe',
          'gpmd',
          'mebx',
          'mett',
        ]) {
          expect(data.length > 5_000_000 && mark.length < 5 ? false : data.includes(mark), mark).toBe(false)
        }
      } catch (error) {
        if (!isRefusal(error)) throw error
        table.push(`${name}: refused, ${error.code} ${JSON.stringify(error.details)}`)
      }
    },
  )
})
