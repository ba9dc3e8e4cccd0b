/** Samples in, compact peaks out: what the player draws as a waveform. Pure but for what it remembers. */

/** Length of one window. */
const WINDOW_MS = 20

/**
 * The file that the desk reads.
 *
 * `peaks` is base64 of int8: for each window and in it for each channel the smallest and the
 * largest sample, −128 to 127. The last window may be shorter.
 */
export type WaveformFile = {
  readonly version: 1
  readonly windowMs: number
  readonly channels: number
  readonly windows: number
  readonly peaks: string
}

/** Collects 16-bit little-endian samples, channels interleaved, in pieces cut anywhere. */
export function createPeaks(
  channels: number,
  sampleRate: number,
): { take(chunk: Buffer): void; finish(): WaveformFile } {
  const perWindow = Math.round((sampleRate * WINDOW_MS) / 1000)
  const frameBytes = channels * 2
  let out = Buffer.alloc(64 * 1024)
  let filled = 0
  let rest: Buffer = Buffer.alloc(0)
  let inWindow = 0
  const low = new Int16Array(channels).fill(32767)
  const high = new Int16Array(channels).fill(-32768)

  const close = (): void => {
    if (inWindow === 0) return
    if (filled + frameBytes > out.length) out = Buffer.concat([out, Buffer.alloc(out.length)])
    for (let channel = 0; channel < channels; channel++) {
      filled = out.writeInt8((low[channel] ?? 0) >> 8, filled)
      filled = out.writeInt8((high[channel] ?? 0) >> 8, filled)
    }
    low.fill(32767)
    high.fill(-32768)
    inWindow = 0
  }

  return {
    take(chunk) {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const whole = data.length - (data.length % frameBytes)
      for (let at = 0; at < whole; at += frameBytes) {
        for (let channel = 0; channel < channels; channel++) {
          const sample = data.readInt16LE(at + channel * 2)
          if (sample < (low[channel] ?? 0)) low[channel] = sample
          if (sample > (high[channel] ?? 0)) high[channel] = sample
        }
        if (++inWindow === perWindow) close()
      }
      rest = Buffer.from(data.subarray(whole))
    },
    finish() {
      close()
      const peaks = out.subarray(0, filled)
      return {
        ...{ version: 1, windowMs: WINDOW_MS, channels, windows: filled / (channels * 2) },
        peaks: peaks.toString('base64'),
      }
    },
  }
}
