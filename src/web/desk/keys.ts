import { useEffect, useRef } from 'react'

/** What each key does; names are those of `keyName`. */
export type KeyMap = Readonly<Record<string, (event: KeyboardEvent) => void>>

const TYPING =
  'input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable=true]'
/** Widgets that use the arrow keys, Home and End themselves. */
const ARROWED =
  '[role=radiogroup], [role=listbox], [role=menu], [role=tablist], [role=slider]:not(.scrubber), [type=radio], [role=grid]'
const PRESSED =
  'button, a[href], summary, [role=button], [role=tab], [role=option], [type=checkbox], [type=radio], [role=switch]'

/**
 * The key in our words: a capital letter, a digit, `Space`, `ArrowUp` and so on; `Shift+` before the arrows only.
 * A letter of another script counts as the Latin letter printed on the same key, so J K L work on an Arabic keyboard.
 */
export function keyName(event: Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey'>): string {
  if (event.key === ' ') return 'Space'
  if (event.key.startsWith('Arrow') && event.shiftKey) return `Shift+${event.key}`
  if (event.key.length > 1) return event.key
  if (/^[a-z]$/i.test(event.key)) return event.key.toUpperCase()
  if (/^\P{ASCII}$/u.test(event.key)) {
    if (event.key === '؟') return '?'
    const onKey = /^(?:Key([A-Z])|Digit(\d)|Numpad(\d))$/.exec(event.code)
    return onKey?.[1] ?? onKey?.[2] ?? onKey?.[3] ?? event.key
  }
  return event.key
}

function isTaken(event: KeyboardEvent, name: string): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true
  if (document.querySelector('[role=dialog], [role=alertdialog], [role=menu]') !== null) return true
  const target = event.target instanceof Element ? event.target : null
  if (target === null) return false
  if (target.closest(TYPING) !== null) return true
  if (name === 'Space' || name === 'Enter') return target.closest(PRESSED) !== null
  return (name.includes('Arrow') || name === 'Home' || name === 'End') && target.closest(ARROWED) !== null
}

/**
 * Listens for single keys on the whole page while the component is there, except in text fields, under dialogs,
 * and where the focused control uses the key itself.
 */
export function useKeys(map: KeyMap): void {
  const latest = useRef(map)
  useEffect(() => {
    latest.current = map
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const name = keyName(event)
      const act = Object.hasOwn(latest.current, name) ? latest.current[name] : undefined
      if (act === undefined || isTaken(event, name)) return
      event.preventDefault()
      event.stopPropagation()
      act(event)
    }
    window.addEventListener('keydown', listen, true)
    return () => window.removeEventListener('keydown', listen, true)
  }, [])
}
