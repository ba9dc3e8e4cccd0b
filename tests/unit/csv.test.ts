import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { csvField, writeCsv } from '../../src/review/exports/csv.ts'
import { cutList, type CutClip } from '../../src/review/exports/cut-list.ts'
import { makeMedia } from '../support/factories.ts'

/** Reads RFC 4180 by the letter of its grammar, independent of our writer. */
function readCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  while (at < text.length) {
    let field = ''
    if (text[at] === '"') {
      for (at++; ; at++) {
        if (at >= text.length) throw new Error('a quote is not closed')
        if (text[at] !== '"') field += text[at] ?? ''
        else if (text[at + 1] === '"') field += text[at++] ?? ''
        else break
      }
      at++
    } else {
      while (at < text.length && text[at] !== ',' && text[at] !== '\r') {
        if (text[at] === '"' || text[at] === '\n') throw new Error('a bare quote or line feed')
        field += text[at++] ?? ''
      }
    }
    row.push(field)
    if (text[at] === ',') at++
    else if (text.startsWith('\r\n', at)) {
      at += 2
      rows.push(row)
      row = []
    } else throw new Error(`neither comma nor line end at ${String(at)}`)
  }
  return rows
}

function clip(more: Partial<CutClip> = {}): CutClip {
  return {
    reel: 'OAKFOX07',
    title: 'Corridor',
    published: true,
    media: makeMedia(),
    masterType: 'video/mp4',
    rating: 3,
    tags: ['ward', 'night'],
    release: 'cleared',
    care: ['child', 'patient'],
    comments: [],
    ...more,
  }
}

function table(text: string): Record<string, string>[] {
  const [head = [], ...rows] = readCsv(text.replace(/^\uFEFF/, ''))
  return rows.map((row) => {
    expect(row).toHaveLength(head.length)
    return Object.fromEntries(head.map((name, index) => [name, row[index] ?? '']))
  })
}

const range = { inFrame: 25, outFrame: 100, label: 'nurse, "looking" up' }

describe('a CSV of a bin', () => {
  it('is, to the letter, what spreadsheets expect', () => {
    const list = cutList('Bin', [{ position: 1, clip: clip(), range }])
    expect(writeCsv(list)).toBe(
      '\uFEFFPosition,Kind,Reel,File,Title,Text,In,Out,Duration,In frame,Out frame,Frames,In seconds,Out seconds,' +
        'Frames per second,Rating,Tags,Release,Care\r\n' +
        '1,select,OAKFOX07,OAKFOX07.mp4,Corridor,"nurse, ""looking"" up",01:00:01:00,01:00:04:00,00:00:03:00,25,100,75,' +
        '1.000000,4.000000,25,3,ward; night,cleared,child; patient\r\n',
    )
  })

  it('says the same in timecode, frames and seconds at a drop-frame rate', () => {
    const media = makeMedia({ rate: { num: 30000, den: 1001 }, frames: 3600 })
    const [row] = table(writeCsv(cutList('Bin', [{ position: 4, clip: clip({ media }), range: null }])))
    expect(row).toMatchObject({
      Kind: 'clip',
      In: '01:00:00;00',
      Out: '01:02:00;04',
      Duration: '00:02:00:00',
      Frames: '3600',
      'Out seconds': '120.120000',
      'Frames per second': '30000/1001',
    })
  })

  it('lists the comments that lie inside the range, and no others', () => {
    const comments = [
      { frame: 24, text: 'before' },
      { frame: 25, text: 'first' },
      { frame: 99, text: 'last' },
      { frame: 100, text: 'after' },
    ]
    const rows = table(writeCsv(cutList('Bin', [{ position: 1, clip: clip({ comments }), range }])))
    expect(rows.map((row) => [row['Kind'], row['Text'], row['In frame']])).toEqual([
      ['select', range.label, '25'],
      ['comment', 'first', '25'],
      ['comment', 'last', '99'],
    ])
  })

  it('lists stills without frames', () => {
    const media = { kind: 'still', container: 'jpeg', durationMs: 0, sizeBytes: 9 } as const
    const [row] = table(
      writeCsv(
        cutList('Bin', [{ position: 1, clip: clip({ media, masterType: 'image/jpeg' }), range: null }]),
      ),
    )
    expect(row).toMatchObject({
      File: 'OAKFOX07.jpg',
      Frames: '',
      In: '',
      'Frames per second': '',
      Release: 'cleared',
    })
  })

  it.each([
    '=cmd|calc',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    '  =1',
    '＝1',
    '＋1',
    '－1',
    '＠x',
    '=1"+"2',
  ])('defuses %j', (text) => {
    expect(readCsv(`${csvField(text)}\r\n`)).toEqual([[`'${text}`]])
  })

  it.each(['plain', 'a=b', 'مستشفى', '', '7', "it's", '👩‍⚕️'])('leaves %j alone', (text) => {
    expect(csvField(text)).toBe(text)
  })

  test.prop([fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 8 })])(
    'reads back every text, but for the apostrophe in front of a formula',
    (texts) => {
      const [row = []] = readCsv(`${texts.map(csvField).join(',')}\r\n`)
      expect(row.map((field, index) => (field === texts[index] ? field : field.slice(1)))).toEqual(texts)
      for (const field of row) expect(/^\s*[=+\-@＝＋－＠]/u.test(field)).toBe(false)
    },
  )

  it('holds nothing about who sent or who said something', () => {
    const text = writeCsv(
      cutList('Bin', [{ position: 1, clip: clip({ comments: [{ frame: 30, text: 'x' }] }), range }]),
    )
    expect(text.split('\r\n')[0]).not.toMatch(/alias|contributor|day|date|author|by/i)
  })
})
