/** Calls to the server. The session is a cookie that scripts cannot see; nothing is kept in the browser. */
import type { UploadList, UploadStatus } from '../../contract/intake.ts'
import { BLOCK_DIGEST_HEADER, UPLOADS_PATH } from '../../domain/upload.ts'

/** A request that was answered with a refusal; 0 where there was no answer. */
export class Refused extends Error {
  readonly status: number

  constructor(status: number) {
    super('refused')
    this.status = status
  }
}

/** The caller's unfinished uploads. */
export async function listUnfinished(): Promise<UploadStatus[]> {
  return ((await call('GET', '/api/uploads')) as UploadList).uploads
}

/** Where one upload stands. */
export async function readStatus(id: string): Promise<UploadStatus> {
  return (await call('GET', `/api/uploads/${id}`)) as UploadStatus
}

/** Gives the phone's own digest to be compared. */
export async function claimDigest(id: string, blockDigest: string): Promise<UploadStatus> {
  return (await call('POST', `/api/uploads/${id}/digest`, { blockDigest })) as UploadStatus
}

/** How much of an upload is durable, and the digest of that. */
export async function readPlace(id: string): Promise<{ offset: number; digest: string | null }> {
  const answer = await fetch(`${UPLOADS_PATH}/${id}`, {
    method: 'HEAD',
    headers: { 'Tus-Resumable': '1.0.0' },
  })
  if (!answer.ok) throw new Refused(answer.status)
  return {
    offset: Number(answer.headers.get('Upload-Offset')),
    digest: answer.headers.get(BLOCK_DIGEST_HEADER),
  }
}

/** Removes an unfinished upload. */
export async function removeUpload(id: string): Promise<void> {
  const answer = await fetch(`${UPLOADS_PATH}/${id}`, {
    method: 'DELETE',
    headers: { 'Tus-Resumable': '1.0.0' },
  })
  if (!answer.ok && answer.status !== 404) throw new Refused(answer.status)
}

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(path, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Refused(0)
  })
  if (!answer.ok) throw new Refused(answer.status)
  return answer.json()
}
