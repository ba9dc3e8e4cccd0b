import { AppError } from '../../domain/errors.ts'
import type { Step } from '../step.ts'
/** waits */
export const derive: Step = { kind: 'derive', needs: 'sanitized', leaves: 'derived', run: () => Promise.reject(new AppError('tool_missing')) }
