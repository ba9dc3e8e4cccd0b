/**
 * The walls around a media program, as an argument list. Pure: nothing is started here.
 *
 * A program sees `/usr` read-only, one input at `/in`, at most one writable folder at `/out`, a
 * small `/tmp` in memory, its own processes and no network at all. bubblewrap builds the walls,
 * prlimit sets the ceilings inside of them.
 *
 * Started as root the program must not stay root: `RLIMIT_NPROC` does nothing for uid 0. An outer
 * bubblewrap, which only adds mounts, first binds the files to a place that an ordinary user can
 * reach (the folders above them are private), setpriv changes to a user that owns nothing, and the
 * real sandbox is built by that user.
 */

/** Ceilings of one run. Bytes are plain numbers: prlimit misreads `1500M`. */
export type SandboxLimits = {
  readonly addressSpaceBytes: number
  /** Memory that can be written to; what is only reserved does not count. */
  readonly dataBytes: number
  readonly cpuSeconds: number
  /** Largest file the program may write. */
  readonly fileBytes: number
  readonly openFiles: number
  /** Processes and threads together. */
  readonly processes: number
  readonly tmpBytes: number
}

/** A file or folder of ours that a program needs to see, read-only, at a name we choose. */
export type SandboxMount = { readonly from: string; readonly at: string }

/** What to run between which walls. `program` is an absolute path inside the sandbox. */
export type SandboxPlan = {
  readonly program: string
  readonly args: readonly string[]
  readonly input?: string
  readonly outputDir?: string
  readonly mounts: readonly SandboxMount[]
  readonly limits: SandboxLimits
}

/** Where the helper programs are, and whether we are root. */
export type SandboxHost = {
  readonly bwrap: string
  readonly prlimit: string
  readonly setpriv: string
  readonly root: boolean
}

/** The user a program runs as when we are root: owns nothing, and is not the `nobody` that other services use. */
const MEDIA_UID = 65533

const STAGE = '/mnt'

/** Returns the command that runs `plan` between the walls. */
export function sandboxCommand(plan: SandboxPlan, host: SandboxHost): { file: string; args: string[] } {
  const shared: { from: string; at: string; writable: boolean }[] = [
    ...plan.mounts.map((mount) => ({ ...mount, writable: false })),
    ...(plan.input === undefined ? [] : [{ from: plan.input, at: '/in', writable: false }]),
    ...(plan.outputDir === undefined ? [] : [{ from: plan.outputDir, at: '/out', writable: true }]),
  ]
  if (!host.root) return { file: host.bwrap, args: innerArgs(plan, host, shared) }

  const staged = shared.map((share, index) => ({ ...share, from: `${STAGE}/${index}`, original: share.from }))
  const outer = [
    ...['--dev-bind', '/', '/', '--tmpfs', STAGE],
    ...staged.flatMap((share) => [share.writable ? '--bind' : '--ro-bind', share.original, share.from]),
    // Processes of its own, so that its end is theirs: the kernel does not let a dying root without
    // capabilities signal a child that has become another user.
    ...['--unshare-pid', '--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID', '--die-with-parent', '--'],
    ...[
      host.setpriv,
      `--reuid=${MEDIA_UID}`,
      `--regid=${MEDIA_UID}`,
      '--clear-groups',
      '--no-new-privs',
      '--',
    ],
    host.bwrap,
  ]
  return { file: host.bwrap, args: [...outer, ...innerArgs(plan, host, staged)] }
}

function innerArgs(
  plan: SandboxPlan,
  host: SandboxHost,
  shared: readonly { from: string; at: string; writable: boolean }[],
): string[] {
  const { limits } = plan
  return [
    ...['--unshare-all', '--unshare-user', '--uid', '65534', '--gid', '65534', '--disable-userns'],
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--hostname', 'x'],
    ...['--clearenv', '--setenv', 'PATH', '/usr/bin', '--setenv', 'LC_ALL', 'C'],
    ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64'],
    ...['--symlink', 'usr/bin', '/bin'],
    // Debian's ffmpeg finds BLAS through /etc/alternatives; without it, it ends with 127.
    ...['--ro-bind-try', '/etc/alternatives', '/etc/alternatives'],
    ...['--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache'],
    ...['--proc', '/proc', '--dev', '/dev', '--size', String(limits.tmpBytes), '--tmpfs', '/tmp'],
    ...shared.flatMap((share) => [share.writable ? '--bind' : '--ro-bind', share.from, share.at]),
    // The root itself is memory of the sandbox: writable, it would have no limit of size.
    ...['--remount-ro', '/', '--chdir', '/tmp', '--'],
    // Inside, so that the count of processes is that of this sandbox and not of everything our user runs.
    host.prlimit,
    `--as=${limits.addressSpaceBytes}`,
    `--data=${limits.dataBytes}`,
    // First SIGXCPU, which tells this end from others, then SIGKILL.
    `--cpu=${limits.cpuSeconds}:${limits.cpuSeconds + 2}`,
    `--fsize=${limits.fileBytes}`,
    `--nofile=${limits.openFiles}`,
    `--nproc=${limits.processes}`,
    '--core=0',
    '--',
    plan.program,
    ...plan.args,
  ]
}
