import { describe, expect, it } from 'vitest'
import { hourFrame } from '../../src/domain/timecode.ts'
import { keyName } from '../../src/web/desk/keys.ts'
import { frameOfEntry, timecodeLength } from '../../src/web/desk/review/timing.ts'
import { latinDigits } from '../../src/web/desk/sign-in/digits.ts'
import { passwordStrength } from '../../src/web/desk/sign-in/password-strength.ts'

const press = (key: string, code = '', shiftKey = false): string => keyName({ key, code, shiftKey })

describe('a key', () => {
  it('is the Latin letter on it, whatever script the keyboard writes', () => {
    expect([press('j', 'KeyJ'), press('J', 'KeyJ', true), press('ت', 'KeyJ'), press('о', 'KeyJ')]).toEqual([
      'J',
      'J',
      'J',
      'J',
    ])
  })

  it('is the letter that is printed, where a Latin keyboard puts it elsewhere', () => {
    expect(press('m', 'Semicolon')).toBe('M')
  })

  it('is a digit in every script, and a question mark in Arabic', () => {
    expect([press('3', 'Digit3'), press('٣', 'Digit3'), press('؟', 'Slash', true)]).toEqual(['3', '3', '?'])
  })

  it('tells an arrow with Shift from one without', () => {
    expect([press('ArrowLeft'), press('ArrowLeft', '', true), press(' ')]).toEqual([
      'ArrowLeft',
      'Shift+ArrowLeft',
      'Space',
    ])
  })
})

describe('the digits of a sign-in code', () => {
  it('are read by their value in any script', () => {
    for (const typed of ['123 456', '١٢٣٤٥٦', '۱۲۳۴۵۶', '१२३४५६', '၁၂၃၄၅၆', '１２３-４５６', '𝟙𝟚𝟛𝟜𝟝𝟞']) {
      expect(latinDigits(typed)).toBe('123456')
    }
    expect(latinDigits('٠٩')).toBe('09')
  })
})

describe('a typed timecode', () => {
  const ntsc = { num: 30_000, den: 1001 }
  const pal = { num: 25, den: 1 }

  it('counts from one o’clock, as the player shows it', () => {
    expect(frameOfEntry('01:00:02:00', pal, 7)).toBe(50)
    expect(frameOfEntry('01:00:02;00', ntsc, 7)).toBe(60)
  })

  it('below one o’clock counts from the start of the clip', () => {
    expect(frameOfEntry('1:00', pal, 7)).toBe(25)
    expect(frameOfEntry('100', pal, 7)).toBe(25)
  })

  it('with a sign moves from where the player is, and not before the start', () => {
    expect(frameOfEntry('+12', ntsc, 7)).toBe(19)
    expect(frameOfEntry('-3', ntsc, 7)).toBe(4)
    expect(frameOfEntry('-9', ntsc, 7)).toBe(0)
    expect(hourFrame(ntsc)).toBe(107_892)
  })

  it('that means nothing is refused', () => {
    for (const typed of ['', 'x', '1:2:3:4:5', '01:00:00:99'])
      expect(frameOfEntry(typed, pal, 0)).toBeUndefined()
  })

  it('of a length drops no labels', () => {
    expect(timecodeLength(1800, ntsc)).toBe('00:01:00:00')
    expect(timecodeLength(-1, ntsc)).toBe('00:00:00:00')
  })
})

describe('the word for a password', () => {
  it('follows what it takes to guess it', () => {
    expect(passwordStrength('lantern copper')).toBe('too_short')
    expect(passwordStrength('aaaaaaaaaaaaaaaaaaaa')).toBe('weak')
    expect(passwordStrength('abcdefghijklmnopqrst')).toBe('weak')
    expect(passwordStrength('1212121212121212121212')).toBe('weak')
    expect(passwordStrength('correct horse bo')).toBe('fair')
    expect(passwordStrength('lantern copper tide walnut')).toBe('strong')
  })
})
