/** Draws what lies under the playhead; sizes in CSS pixels, drawn at the screen's own density. */
import type { ClipDetail, Waveform } from '../../../contract/clips.ts'

const STRIP_HEIGHT = 56
const WAVE_HEIGHT = 44
const WAVE_COLOUR = '#6fb7d6'
const FULL_SCALE = 128

function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const density = Math.max(1, window.devicePixelRatio)
  canvas.width = Math.round(width * density)
  canvas.height = Math.round(height * density)
  const context = canvas.getContext('2d')
  context?.scale(density, density)
  return context
}

/** Fills the width with tiles, each the picture of the time at its own middle. */
export function drawFilmstrip(
  canvas: HTMLCanvasElement,
  width: number,
  sprite: HTMLImageElement,
  strip: NonNullable<ClipDetail['filmstrip']>,
  durationMs: number,
): void {
  const context = prepare(canvas, width, STRIP_HEIGHT)
  if (context === null || width === 0 || strip.count === 0) return
  const tile = (STRIP_HEIGHT * strip.tileWidth) / strip.tileHeight
  for (let left = 0; left < width; left += tile) {
    const ms = (Math.min(width, left + tile / 2) / width) * durationMs
    const index = Math.min(strip.count - 1, Math.floor(ms / strip.everyMs))
    context.drawImage(
      sprite,
      (index % strip.columns) * strip.tileWidth,
      Math.floor(index / strip.columns) * strip.tileHeight,
      strip.tileWidth,
      strip.tileHeight,
      left,
      0,
      tile,
      STRIP_HEIGHT,
    )
  }
}

/** One column a pixel, from the lowest to the highest peak that falls into it. */
export function drawWaveform(
  canvas: HTMLCanvasElement,
  width: number,
  wave: Waveform,
  durationMs: number,
): void {
  const context = prepare(canvas, width, WAVE_HEIGHT)
  if (context === null || width === 0 || durationMs <= 0) return
  const windows = wave.peaks.length / 2
  const middle = WAVE_HEIGHT / 2
  context.fillStyle = WAVE_COLOUR
  for (let column = 0; column < width; column += 1) {
    const first = Math.floor(((column / width) * durationMs) / wave.windowMs)
    const end = Math.max(first + 1, Math.ceil((((column + 1) / width) * durationMs) / wave.windowMs))
    let low = 0
    let high = 0
    for (let index = first; index < Math.min(end, windows); index += 1) {
      low = Math.min(low, wave.peaks[2 * index] ?? 0)
      high = Math.max(high, wave.peaks[2 * index + 1] ?? 0)
    }
    const top = middle - (high / FULL_SCALE) * middle
    context.fillRect(column, top, 1, Math.max(1, middle - (low / FULL_SCALE) * middle - top))
  }
}
