import { useEffect, useRef } from 'react'
import { createPortal } from 'react-dom'

/**
 * Prints its children and nothing else of the page, then calls `onPrinted`.
 *
 * The title is emptied meanwhile: browsers write it on the paper, and the paper may be found.
 */
export function PrintSheet(props: {
  readonly children: React.ReactNode
  readonly onPrinted: () => void
}): React.JSX.Element {
  const done = useRef(props.onPrinted)
  useEffect(() => {
    done.current = props.onPrinted
  })
  useEffect(() => {
    const title = document.title
    // The page is hidden while it prints, and what is hidden loses the focus.
    const focused = document.activeElement
    const finish = (): void => done.current()
    window.addEventListener('afterprint', finish)
    document.title = '\u00a0'
    const timer = window.setTimeout(() => window.print())
    return () => {
      window.clearTimeout(timer)
      document.title = title
      if (focused instanceof HTMLElement) focused.focus()
      window.removeEventListener('afterprint', finish)
    }
  }, [])
  return createPortal(props.children, document.getElementById('print-root') ?? document.body)
}
