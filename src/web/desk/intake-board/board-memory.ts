import { createContext, useContext } from 'react'
import type { ClipFilter } from '../api.ts'

/**
 * What the board remembers while another page is shown, so that going back finds it as it was. Kept by the open page
 * only: search words in an address or a store would stay on the computer.
 */
export type BoardMemory = {
  filter: ClipFilter
  scrollTop: number
  selectedId: string | undefined
}

/** A board as it is at first. */
export function createBoardMemory(): BoardMemory {
  return { filter: {}, scrollTop: 0, selectedId: undefined }
}

/** Handed down by the frame. */
export const BoardMemoryContext = createContext<BoardMemory | undefined>(undefined)

/** The board's memory. Only below the frame. */
export function useBoardMemory(): BoardMemory {
  const memory = useContext(BoardMemoryContext)
  if (memory === undefined) throw new Error('useBoardMemory outside the frame')
  return memory
}
