/** The way in without scripts: one file a form, streamed into the same sealed segments as everything else. */
import type { Request, Response } from 'express'
import multer, { MulterError, type StorageEngine } from 'multer'
import { AppError } from '../domain/errors.ts'
import type { Contributor } from '../domain/people.ts'
import type { FormReceipt, Receiver } from './receive.ts'

/** Name of the file field. */
const FIELD = 'clip'
/** A Tor circuit can stall for minutes and come back; a script resumes, a form cannot. */
const IDLE_MS = 300_000
const LIMITS = { files: 1, fields: 4, fieldSize: 1_000, fieldNameSize: 50, parts: 6, headerPairs: 20 }

/**
 * Reads a form with one file. What came before the sender went away is kept; the answer then reaches nobody.
 *
 * File name and type are read past and never kept. Errors: `upload_empty` without a file, `invalid_request` for a form
 * that is none of ours; those of `Receiver.receiveForm`.
 */
export async function receiveFormRequest(
  req: Request,
  res: Response,
  who: Contributor,
  receiver: Receiver,
): Promise<FormReceipt> {
  let receiving: Promise<FormReceipt> | undefined
  const storage: StorageEngine = {
    _handleFile(_req, file, done) {
      const { stream } = file
      const cut = (): void => {
        if (!req.complete) stream.destroy(new AppError('upload_gone'))
      }
      req.once('close', cut)
      receiving = receiver.receiveForm(who, stream).finally(() => req.off('close', cut))
      receiving.then(
        () => {
          done(null, {})
        },
        (error: unknown) => {
          done(error)
        },
      )
    },
    // There is nothing to take back: what was acknowledged stays.
    _removeFile(_req, _file, done) {
      done(null)
    },
  }
  req.setTimeout(IDLE_MS)
  const parse = multer({ storage, limits: LIMITS }).single(FIELD)
  const parsed = new Promise<void>((resolve, reject) => {
    void parse(req, res, (error: unknown) => {
      if (error === undefined || error === null) resolve()
      else reject(error instanceof Error ? error : new AppError('internal'))
    })
  })
  const failure = await parsed.then(() => undefined, inOurWords)
  // The parser gives up when the sender goes away; what it had handed over is still being put in safety.
  const receipt = await receiving
  if (receipt !== undefined) return receipt
  throw failure ?? new AppError('upload_empty')
}

function inOurWords(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof MulterError)
    return new AppError('invalid_request', { cause: error, details: { rule: error.code } })
  return new AppError('invalid_request', { cause: error, details: { expected: 'multipart/form-data' } })
}
