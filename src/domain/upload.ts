/** The few facts about uploads that a phone, a laptop and intake must agree on. */

/** Where tus uploads are created; each then has an address of its own below. */
export const UPLOADS_PATH = '/files'

/** Header of HEAD and PATCH answers: lower-case hex of the block digest of everything durable so far. */
export const BLOCK_DIGEST_HEADER = 'Upload-Block-Digest'

/** The block digest is SHA-256 over the SHA-256s of a file's 1 MiB blocks. */
export const DIGEST_BLOCK_BYTES = 1_048_576
