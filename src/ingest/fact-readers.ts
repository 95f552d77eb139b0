import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  addressFacts,
  agentFacts,
  capabilityFacts,
  cpuFacts,
  domainCapabilityFacts,
  OF_GUESTS,
  packageFacts,
  serviceFacts,
  versionFacts,
  type Facts,
} from './fact-texts.ts';
import type { Masker } from './mask.ts';
import { mountsOf, poolMounts } from './pool-mounts.ts';

/** What a program that ran printed. `status` is `null` where it is not there, or did not end in time. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program, and kills it after `timeoutMs`. */
export type Run = (command: string, args: readonly string[], timeoutMs: number) => Promise<Ran>;

/** Where facts come from. */
export interface FactPlaces {
  /** `/`; another folder in tests. */
  readonly root: string;
  /** libvirt's connection. */
  readonly uri: string;
  readonly run: Run;
  readonly mask: Masker;
}

/** One place that tells facts; all that it does not tell any more are gone. */
export interface FactReader {
  readonly name: string;
  /** `null`: it does not answer, and nothing is known. */
  read(): Promise<Facts | null>;
}

const TIMEOUT_MS = 10_000;
const PACKAGES = [
  'cloudstack-agent',
  'libvirt-daemon',
  'libvirt-daemon-driver-qemu',
  'qemu-system-x86',
  'qemu-kvm',
  'qemu-kvm-core',
];
const SERVICES = ['libvirtd', 'virtqemud', 'cloudstack-agent', 'chrony', 'chronyd', 'ntp', 'ntpd', 'ntpsec', 'systemd-timesyncd'];

/** Every place that is asked. */
export function factReaders({ root, uri, run, mask }: FactPlaces): readonly FactReader[] {
  const file = (path: string, facts: (text: string) => Facts): FactReader => ({
    name: path,
    read: async () => {
      const text = await textOf(join(root, path));
      return text === null ? new Map() : facts(text);
    },
  });
  const program = (command: string, args: readonly string[], facts: (text: string) => Facts): FactReader => ({
    name: [command, ...args].join(' '),
    read: async () => {
      const { status, stdout } = await run(command, args, TIMEOUT_MS);
      return status === null || (status !== 0 && stdout === '') ? null : facts(stdout);
    },
  });
  return [
    file('proc/sys/kernel/osrelease', (text) => new Map([['version.kernel', text.trim()]])),
    file('proc/cpuinfo', cpuFacts),
    file('proc/self/mountinfo', (text) => poolFacts(text, mask)),
    file('etc/cloudstack/agent/agent.properties', (text) => agentFacts(text, mask)),
    { name: 'sys/class/net', read: () => mtuFacts(join(root, 'sys/class/net')) },
    program('ip', ['-o', 'addr', 'show', 'scope', 'global'], addressFacts),
    program('virsh', ['-c', uri, 'version', '--daemon'], versionFacts),
    program('virsh', ['-c', uri, 'capabilities'], capabilityFacts),
    program('virsh', ['-c', uri, 'domcapabilities'], domainCapabilityFacts),
    // each prints the packages that are installed, whatever others it misses
    program('dpkg-query', ['-W', '-f', '${Package}\\t${Version}\\t${db:Status-Status}\\n', ...PACKAGES], packageFacts),
    program('rpm', ['-q', '--qf', String.raw`%{NAME}\t%{VERSION}-%{RELEASE}\n`, ...PACKAGES], packageFacts),
    program('systemctl', ['show', '-p', 'Id,LoadState,ActiveState', ...SERVICES], serviceFacts),
  ];
}

/** How the pools are mounted: type, source and options. */
function poolFacts(mountinfo: string, mask: Masker): Facts {
  const pools = new Set(poolMounts(mountinfo));
  const mounted = mountsOf(mountinfo).filter(({ point }) => pools.has(point));
  return new Map(
    mounted.map(({ point, type, source, options }) => {
      const value = Buffer.from(`${type} ${source} ${options}`);
      return [`pool.${basename(point)}`, Buffer.from(mask(value)).toString()];
    }),
  );
}

async function mtuFacts(folder: string): Promise<Facts | null> {
  const names = await readdir(folder).catch(() => null);
  if (names === null) return null;
  const own = names.filter((name) => !OF_GUESTS.test(name)).toSorted();
  const facts = await Promise.all(
    own.map(async (name) => {
      const mtu = await textOf(join(folder, name, 'mtu'));
      return mtu === null ? [] : [[`mtu.${name}`, mtu.trim()] as const];
    }),
  );
  return new Map(facts.flat());
}

/** `null` where the file is not there. @throws the system's error where it may not be read. */
async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // an interface that went away says EINVAL
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EINVAL') return null;
    throw error;
  }
}
