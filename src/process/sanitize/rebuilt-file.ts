/** The same as `rebuildMp4`, between two files of the scratch space. */

import {
  createLocalFile,
  localFileSize,
  removeLocalFile,
  withLocalFile,
} from '../../adapters/tools/local-file.ts'
import { AppError } from '../../domain/errors.ts'
import { rebuildMp4, type RebuildOptions } from './rebuild-mp4.ts'

/** Writes the clean MP4 at `to` and removes `from`, which it was made of. Errors: `media_damaged`, `disk_full`. */
export async function rebuiltMp4(from: string, to: string, options: RebuildOptions): Promise<void> {
  if (((await localFileSize(from)) ?? 0) === 0) throw new AppError('media_damaged')
  const target = await createLocalFile(to)
  try {
    await withLocalFile(from, (source) => rebuildMp4(source, target, options))
  } finally {
    await target.close()
  }
  await removeLocalFile(from)
}
