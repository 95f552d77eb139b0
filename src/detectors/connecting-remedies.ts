import { shell } from '../lib/shell.ts';
import type { Remedy } from '../model/finding.ts';
import type { CauseKind, Migration } from '../model/timeline.ts';
import { destinationOf, sourceOf } from './words.ts';

/** What a cause means in a sentence, and what to do about it. */
export interface Explanation {
  /** Follows "failed after 5 s: ". */
  why(migration: Migration): string;
  remedies(migration: Migration): readonly Remedy[];
}

/** The address that the cause's text names, else the one that the source was told, else the destination's name, else a word to be replaced. */
export function addressOf(migration: Migration): string {
  const told = /(?:server at|resolve address|connect to) '\[?([^'\]]+?)\]?(?::\d+)?'/.exec(migration.cause?.text ?? '')?.[1];
  return told ?? migration.destinationAddress ?? migration.destination ?? 'DESTINATION';
}

/** Where libvirt's daemons listen, over TCP and TLS. */
const DAEMON_PORTS: ReadonlySet<string> = new Set(['16509', '16514']);

/** The destination by name, unless the text names an address that is not the one the source was told. */
function targetOf(migration: Migration): string {
  const address = addressOf(migration);
  return address === migration.destinationAddress ? destinationOf(migration) : address;
}

/** The port that the cause's text names (`'10.0.0.2:16509'`); 16509 is libvirt's own, 49152 and up are memory streams. */
function portIn({ cause }: Migration): string {
  return /:(\d{2,5})'/.exec(cause?.text ?? '')?.[1] ?? '16509';
}

/** A remedy to type on the destination. */
export function onDestination(migration: Migration, what: string, command: string): Remedy {
  return { what: `on ${destinationOf(migration)}: ${what}`, command };
}

/** A remedy to type on the source. */
export function onSource(migration: Migration, what: string, command: string): Remedy {
  return { what: `on ${sourceOf(migration)}: ${what}`, command };
}

/** libvirt's own connection, as opposed to QEMU's stream, for which libvirt has answered already. */
function isOfDaemon(migration: Migration): boolean {
  return DAEMON_PORTS.has(portIn(migration));
}

function daemonRemedies(migration: Migration): readonly Remedy[] {
  return [
    onDestination(migration, 'is libvirt running', 'systemctl status libvirtd'),
    onDestination(migration, 'does it listen; no line means no', shell`ss -ltnp 'sport = :${portIn(migration)}'`),
    onDestination(
      migration,
      'on which address and with which authentication (CloudStack needs TCP 16509 or TLS 16514)',
      "grep -E '^(listen_|tcp_port|tls_port|auth_)' /etc/libvirt/libvirtd.conf",
    ),
  ];
}

function streamPortRemedies(migration: Migration): readonly Remedy[] {
  const address = addressOf(migration);
  return [
    onDestination(migration, `whether ${address} is an address of it: another host would refuse`, 'ip -br address'),
    onDestination(
      migration,
      'whether a firewall rejects the ports of memory streams; all of 49152-49215 have to be open between the hosts',
      'nft list ruleset',
    ),
    onDestination(
      migration,
      'on which address and ports QEMU waits for migrations; nothing means the defaults',
      "grep -n -E '^migration_(address|host|port)' /etc/libvirt/qemu.conf",
    ),
  ];
}

/** TLS of QEMU's stream, as opposed to that of libvirt's own connection, which has other certificates (crypto/tls*.c). */
const OF_STREAM =
  /Unable to access credentials|TLS channel|job 'migration|migration (?:out )?job|^Certificate does not match the hostname|^The certificate (?!\S+ has expired)/;

function certificateRemedies({ cause, vm }: Migration): readonly Remedy[] {
  const text = cause?.text ?? '';
  const show = (what: string, file: string): Remedy => ({
    what: `on both hosts: ${what}`,
    command: shell`openssl x509 -noout -subject -issuer -enddate -ext subjectAltName -in ${file}`,
  });
  if (!OF_STREAM.test(text))
    return [
      show('whose certificate it is, for which names, and until when it is valid', '/etc/pki/libvirt/servercert.pem'),
      {
        what: 'then renew it: "Provision host security keys" of the host in CloudStack; libvirtd restarts, VMs stay',
        command: null,
      },
    ];
  return [
    {
      what: 'on both hosts: where QEMU looks for certificates (/etc/pki/qemu unless told otherwise), and what is there',
      command: "grep -n -E '^(default|migrate)_tls' /etc/libvirt/qemu.conf; ls -l /etc/pki/qemu",
    },
    show('whose certificate it is, for which names and addresses, and until when it is valid', '/etc/pki/qemu/server-cert.pem'),
    {
      what: `CloudStack asks for no TLS of the stream and keeps no such certificates: migrate ${vm} without --tls, or put certificates of one authority there that name the address it is migrated to`,
      command: null,
    },
  ];
}

function isConsole({ cause }: Migration): boolean {
  return /\bvnc\b/i.test(cause?.text ?? '');
}

function listenRemedies(migration: Migration): readonly Remedy[] {
  const addresses = onDestination(migration, 'the addresses that it has', 'ip -br address');
  const holders = onDestination(migration, 'who listens already', 'ss -ltnp');
  const which = /in use/.test(migration.cause?.text ?? '') ? holders : addresses;
  if (!isConsole(migration))
    return [
      onDestination(
        migration,
        'on which address QEMU is told to wait for migrations',
        "grep -n -E '^migration_(address|host)' /etc/libvirt/qemu.conf",
      ),
      which,
    ];
  return [
    onSource(
      migration,
      'on which address and port the VM has its console; CloudStack puts the address of the destination in, a migration by hand does not',
      shell`virsh dumpxml --migratable ${migration.vm} | grep -A 2 '<graphics'`,
    ),
    which,
  ];
}

/** Causes that have to do with an address, a port or a certificate. */
export const CONNECTING = {
  'connection-refused': {
    why: (m) => `${targetOf(m)} refused the connection`,
    remedies: (m) => (isOfDaemon(m) ? daemonRemedies(m) : streamPortRemedies(m)),
  },
  'address-unreachable': {
    why: (m) => `${sourceOf(m)} cannot reach ${targetOf(m)}`,
    remedies: (m) => [
      /resolv/.test(m.cause?.text ?? '')
        ? onSource(m, 'whether the name has an address; nothing means no', shell`getent hosts ${addressOf(m)}`)
        : onSource(m, 'which way packets take', shell`ip route get ${addressOf(m)}`),
      onSource(
        m,
        'whether the port is open: libvirt answers at 16509 or 16514; at 49152-49215 a refusal is right while nothing migrates, a timeout is a firewall',
        shell`nc -vz -w 5 ${addressOf(m)} ${portIn(m)}`,
      ),
      onDestination(m, 'whether a firewall drops it', 'nft list ruleset'),
    ],
  },
  'cannot-listen': {
    why: (m) => `QEMU on ${destinationOf(m)} cannot listen ${isConsole(m) ? 'for the console of the VM' : 'where it is told to'}`,
    remedies: listenRemedies,
  },
  'no-free-port': {
    why: (m) => `${destinationOf(m)} has no free port for the memory stream`,
    remedies: (m) => [
      onDestination(
        m,
        'the range of ports; default 49152-49215',
        "grep -E '^ *#? *migration_port_(min|max)' /etc/libvirt/qemu.conf",
      ),
      onDestination(m, 'who uses them', 'ss -tnlp'),
      {
        what: `wait until other migrations to ${destinationOf(m)} are over, or widen the range in /etc/libvirt/qemu.conf and restart libvirtd there (running VMs stay)`,
        command: null,
      },
    ],
  },
  'tls-rejected': {
    why: ({ cause }) =>
      /Unable to access credentials/.test(cause?.text ?? '')
        ? 'TLS was asked for, and a host has no certificates for QEMU'
        : 'a TLS certificate was not accepted',
    remedies: certificateRemedies,
  },
} as const satisfies Partial<Record<CauseKind, Explanation>>;
