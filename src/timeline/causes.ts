import type { CauseKind } from '../model/timeline.ts';

/**
 * What texts of libvirt and QEMU mean, most telling first. Templates: libvirt 7.0–11.3, QEMU 5.2–10.0 (qemu_migration.c, cpu.c,
 * cpu_x86.c, virportallocator.c, virnet*.c, virdomainjob.c, storage_source.c; migration/*.c, util/qemu-sockets.c).
 */
const MEANINGS: readonly { readonly kind: CauseKind; readonly pattern: RegExp }[] = [
  {
    kind: 'cpu-incompatible',
    pattern:
      /guest CPU doesn't match specification|the CPU is incompatible with host CPU|guest and host CPU are not compatible|Host CPU does not provide required features|Host CPU provides forbidden feature|Host CPU does not strictly match guest CPU|host CPU vendor does not match required CPU vendor|Host doesn't support requested features/,
  },
  { kind: 'unsafe-cache-mode', pattern: /Unsafe migration: / },
  {
    // before no-free-port: a console's port is none of the range for migrations
    kind: 'cannot-listen',
    pattern:
      /Failed to bind socket(?: to \S+)?: Cannot assign requested address|(?:-vnc|VNC server)\b[^\n]*: (?:Failed to bind socket|Failed to find an available port)/,
  },
  {
    kind: 'no-free-port',
    pattern:
      /Unable to find an unused port in range|Failed to reserve port|Unable to bind to port|Failed to bind socket: Address already in use|Failed to find an available port/,
  },
  {
    kind: 'version-or-machine-mismatch',
    pattern:
      /Machine type received is|incoming version_id \d+ is too (?:new|old)|Unknown savevm section or instance|Unknown ramblock|Capability \S+ is \S+, but received capability|Received unknown capability|Received TARGET_PAGE_BITS|Mismatched RAM page size|Postcopy needs matching|Unsupported migration stream version|savevm: unsupported version|unsupported configuration: Target .* does not match source|nsupported machine type|does not support machine type|not supported (?:by|with|in) this QEMU binary|Migration option '[^']*' is not supported|migration cookie feature|CPU model \S+ is not supported by hypervisor|UUID received is/,
  },
  {
    kind: 'disk-locked',
    pattern:
      /Failed to get (?:shared )?"[^"]+" lock|Is another process using the image|Lockspace resource '[^']*' is locked|Failed to acquire lock|Unable to acquire lock on|Source host lock driver/,
  },
  {
    kind: 'out-of-memory',
    pattern: /Cannot allocate memory|cannot set up guest memory|[Oo]ut of memory/,
  },
  {
    kind: 'device-state-rejected',
    pattern:
      /error while loading state for instance 0x[0-9a-f]+ of device '(?!ram')|Failed to load [\w-]+:[\w-]+|Features 0x[0-9a-f]+ unsupported|VQ \d+ size 0x|Missing section footer|Sibling indicated error|load of migration failed: (?:Operation not permitted|No such file)|Load state of device \S+ failed/,
  },
  {
    kind: 'storage-unavailable',
    pattern:
      // the second: QEMU's namespace on the destination (qemu_namespace.c), as apache/cloudstack issue 10582 quotes it
      /Cannot access (?:storage|backing) file|Process exited prior to exec: .*Unable to stat \/|Could not open '[^']+'|Read-only file system|Stale file handle|failed due to I\/O error|cannot migrate domain with I\/O error|bdrv_inactivate_all\(\) failed|Block inactivate failed|failed to connect physical disks/i,
  },
  {
    kind: 'blocked-by-device',
    pattern:
      /State blocked by|non-migratable|cannot migrate a? ?domain with|cannot migrate domain: |domain has active block job|VFIO migration is not supported|vDPA devices cannot be migrated|slirp-helper cannot be migrated|virtiofs device is not supported|Migration disabled: |does not support live migration|'invtsc' CPU feature|domain is marked for auto destroy|shmem device|Migration without shared storage|non-shared storage migration/,
  },
  {
    kind: 'tls-rejected',
    pattern:
      /TLS handshake failed|TLS directory not configured|Unable to access credentials|[Cc]ertificate|server verification \(of our certificate|from TLS channel|to TLS channel|only with VIR_MIGRATE_TLS/,
  },
  { kind: 'lock-timeout', pattern: /cannot acquire state change lock/ },
  {
    kind: 'address-unreachable',
    pattern:
      /No route to host|unable to connect to server at '[^']*': Connection timed out|Failed to connect to '[^']*': Connection timed out|Network is unreachable|Unable to resolve address|address resolution failed|hostname on destination resolved to localhost|Name or service not known|Cannot assign requested address/,
  },
  {
    kind: 'connection-refused',
    pattern: /Connection refused|refused connection to destination|connection to destination \[[^\]]*\] was refused/,
  },
  {
    kind: 'network-interrupted',
    pattern: /keepalive timeout|after \d+ keepalive messages|Connection timed out|Network dropped connection/,
  },
];

/** A connection that does not come about ends no QEMU that runs. */
export const NOT_CONNECTED: ReadonlySet<CauseKind> = new Set(['address-unreachable', 'connection-refused', 'tls-rejected']);

/** What a daemon prints of disks and connections, whatever it wants them for. */
export const OF_ANYTHING: ReadonlySet<CauseKind | null> = new Set([...NOT_CONNECTED, 'storage-unavailable']);

/** The client's side cancelled the job; libvirt's words for it, before and since 9.0, and QEMU's status. */
export const CANCELLED = /canceled by client/;

/** libvirt lost its QEMU, which had said nothing to explain it. */
export const CLOSED_WITHOUT_WORD =
  /(?:unexpectedly closed the monitor(?: \(vm='[^']*'\))?|End of file from qemu monitor(?: \(vm='[^']*'\))?|domain is no longer running)\.?$/i;

/** Not `Requested operation is not valid: …`, which refuses to begin. */
export const SOURCE_GONE = /(?:^|Message from the source host: )operation failed: domain is not running/;

/**
 * What a client is told when a daemon closed its connection (virnetsocket.c; the first is virsh's own). Only the client's text says
 * something: daemons print the second whenever any client leaves.
 */
export const DAEMON_GONE = /^(?:Disconnected from \S+ due to end of file|End of file while (?:reading|writing) data)/;

/** The source's daemon says how its job ended. */
export const JOB_OVER = /^operation (?:failed|aborted): (?:job 'migration out'|migration (?:out )?job|migration out)(?!\w)/;

/** The source's daemon can reach the destination's no more: the network, or that daemon, is gone. */
export const LINK_LOST = /Lost connection to destination host/;

/** What virsh prints when the daemon of its own host, at an address without a host, does not answer: no network is between the two. */
export const DAEMON_SILENT = /^Disconnected from \w+:\/\/\/\S* due to keepalive timeout/;

/** What a daemon prints when a client leaves without closing its connection, as one does that is killed. */
export const CLIENT_GONE = /^End of file while reading data: Input\/output error/;

/** The copy of a disk that migrates with its VM (NBD) broke: by the disk, or because the destination's QEMU or the link went. */
export const DISK_COPY_BROKEN = /migration of disk \S+ failed/;

/** The guest was left in pieces. */
export const POSTCOPY_BROKEN = /failed during post-copy|failed in post-copy phase|post-copy phase failed|IO failure for postcopy/;

/** Daemons and QEMU speak of post-copy only where it is on: then the guest runs on the destination. */
export function tellsPostcopy(text: string): boolean {
  return /post-copy|migration status in postcopy-/.test(text) && !/not supported|recover/.test(text);
}

/** A stream that ended early, whatever ended it: on both sides an echo, never a cause. */
export const STREAM_BROKEN =
  /Unable to (?:write to|read from|shutdown) socket|Channel error|failed to save SaveStateEntry|load of migration failed: (?:Input\/output error|Invalid argument|Channel error)|check_section_footer|Unknown combination of migration flags|section id \d+\(ram\)|unexpectedly failed/;

/** What a text means by itself; `null` where it is an echo of something else, or unknown. */
export function meaningOf(text: string): CauseKind | null {
  return MEANINGS.find(({ pattern }) => pattern.test(text))?.kind ?? null;
}

/** Parts of a client's error that quote the two hosts (libvirt 11.3), each to be read for itself. */
export function messageParts(text: string): readonly string[] {
  const match = /Message from the source host: ([^]*?)\.? Message from the destination host: ([^]*)$/.exec(text);
  return match === null ? [text] : [match[1] ?? '', match[2] ?? ''];
}

/** The sentence of a text that says most: its first line, without libvirt's prefixes, QEMU's time and name, and its full stop. */
export function cutToMeaning(text: string): string {
  const parts = messageParts(text);
  const telling =
    parts.flatMap((part) => part.split('\n')).find((line) => meaningOf(line) !== null) ?? parts.at(-1)?.split('\n')[0] ?? text;
  return telling
    .replace(/^.*?\d{4}-\d\d-\d\dT[\d:.]+Z \S+: /, '')
    .replace(
      /^(?:internal error|operation failed|operation aborted|unsupported configuration|Requested operation is not valid): /,
      '',
    )
    .trim()
    .replace(/(?<!\.)\.$/, '');
}
