/** Counts what a cleaning took away, by class. Pure. */

import type { Tag } from '../../adapters/tools/exiftool.ts'
import { classOfTag, isBlank } from './tag-classes.ts'

/** Numbers by class: tags of the source, and the tracks and boxes that were left behind. Never a value. */
export function removedClasses(
  sourceTags: readonly Tag[],
  left: Readonly<Record<string, number>>,
): Record<string, number> {
  const removed: Record<string, number> = { ...left }
  for (const tag of sourceTags) {
    const kind = classOfTag(tag)
    if (kind !== undefined && !isBlank(tag.value)) removed[kind] = (removed[kind] ?? 0) + 1
  }
  return removed
}
