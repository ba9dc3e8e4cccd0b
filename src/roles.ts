/** What each of the three processes does: intake receives, desk shows, worker processes. */
import type { Accounts } from './adapters/accounts.ts'
import type { Config, FrontConfig } from './config/config.ts'
import { readCertificate, selfSignedCertificate, type TlsMaterial } from './adapters/tls.ts'
import { storagePaths } from './adapters/storage-layout.ts'
import { openDesk, openIntake, openWorker } from './context.ts'
import { configureIntakeServer, createIntakeApp } from './intake-app.ts'
import { configureDeskServer, createDeskApp } from './desk-app.ts'
import { listenFront } from './http/listen.ts'
import { startWorker } from './jobs/worker.ts'

export type RoleReport = {
  readonly role: keyof Accounts['roles']
  readonly url?: string
  /** SHA-256 of a self-signed certificate, for people to compare. */
  readonly fingerprint?: string
  readonly sandbox?: { readonly proven: boolean; readonly checks: number; readonly failed: readonly string[] }
}

export type RunningRole = { readonly report: RoleReport; stop(): Promise<void> }
