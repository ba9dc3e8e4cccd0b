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
    const finish = (): void => done.current()
    window.addEventListener('afterprint', finish)
    document.title = '\u00a0'
    const timer = window.setTimeout(() => window.print())
    return () => {
      window.clearTimeout(timer)
      document.title = title
      window.removeEventListener('afterprint', finish)
    }
  }, [])
  return createPortal(props.children, document.getElementById('print-root') ?? document.body)
}
