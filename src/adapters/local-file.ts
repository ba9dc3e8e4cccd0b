/** A file on the laptop that sends it: read in pieces, wherever one likes. */
import { open } from 'node:fs/promises'
import { AppError } from '../domain/errors.ts'

export type LocalFile = {
  readonly sizeBytes: number
  /** Reads up to `bytes` bytes from byte `offset`; fewer only at the end. Errors: `file_unreadable`. */
  read(offset: number, bytes: number): Promise<Buffer>
  close(): Promise<void>
}

/** Opens the file at `path`. Errors: `file_unreadable`. */
export async function openLocalFile(path: string): Promise<LocalFile> {
  const file = await readable(open(path, 'r'))
  const { size, isFile } = await readable(
    file.stat().then((stat) => ({ size: stat.size, isFile: stat.isFile() })),
  )
  if (!isFile) {
    await file.close()
    throw new AppError('file_unreadable')
  }
  return {
    sizeBytes: size,
    async read(offset, bytes) {
      const buffer = Buffer.allocUnsafe(Math.min(bytes, Math.max(0, size - offset)))
      let got = 0
      while (got < buffer.length) {
        const { bytesRead } = await readable(file.read(buffer, got, buffer.length - got, offset + got))
        // Shorter than it was: what was sent so far would not be this file.
        if (bytesRead === 0) throw new AppError('file_unreadable')
        got += bytesRead
      }
      return buffer
    },
    close: () => file.close(),
  }
}

async function readable<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (cause) {
    throw new AppError('file_unreadable', { cause })
  }
}
