import { create } from 'qrcode'
import { useMemo } from 'react'

/** Quiet zone of four modules: ISO/IEC 18004, section 6.3.8. */
const QUIET = 4

/** `text` as a QR code, drawn here: black on white in every theme, because some readers need it so. */
export function QrPicture({
  text,
  label,
}: {
  readonly text: string
  readonly label: string
}): React.JSX.Element {
  const { size, path } = useMemo(() => {
    const { modules } = create(text, { errorCorrectionLevel: 'M' })
    let dark = ''
    for (let row = 0; row < modules.size; row += 1) {
      for (let column = 0; column < modules.size; column += 1) {
        if (modules.get(row, column) !== 0) dark += `M${column + QUIET} ${row + QUIET}h1v1h-1z`
      }
    }
    return { size: modules.size + 2 * QUIET, path: dark }
  }, [text])
  return (
    <svg
      className="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}
