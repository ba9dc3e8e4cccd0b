/** The waveform as the desk draws it: one line, however many channels were recorded. */
import type { WaveformFile } from './waveform.ts'

/**
 * Mixes a `WaveformFile` to one channel, as JSON bytes.
 *
 * Shape: `{ windowMs, peaks }`; `peaks` holds the lowest and the highest sample of each window over all channels,
 * −128 to 127 (`waveformSchema` in contract/clips.ts).
 */
export function mixPeaks(file: Uint8Array): Buffer {
  const { windowMs, channels, windows, peaks } = JSON.parse(
    Buffer.from(file).toString('utf8'),
  ) as WaveformFile
  const samples = Buffer.from(peaks, 'base64')
  const mixed: number[] = []
  for (let window = 0; window < windows; window++) {
    let low = 127
    let high = -128
    for (let channel = 0; channel < channels; channel++) {
      const at = (window * channels + channel) * 2
      low = Math.min(low, samples.readInt8(at))
      high = Math.max(high, samples.readInt8(at + 1))
    }
    mixed.push(low, high)
  }
  return Buffer.from(JSON.stringify({ windowMs, peaks: mixed }))
}
