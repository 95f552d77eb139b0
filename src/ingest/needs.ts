import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { shell } from '../lib/shell.ts';
import { currentUser } from '../lib/user.ts';
import { listed, plural } from '../lib/units.ts';
import { durationMs } from '../lib/duration.ts';
import type { CollectOptions, FileOptions, VirshOptions } from './options.ts';
import { isPattern, patternFiles } from './pattern-files.ts';

/** Something that has to be there, and whether it is. */
export interface Need {
  readonly state: 'ok' | 'warn' | 'fail';
  /** Who needs it: a collector, `data`, `api`. */
  readonly of: string;
  readonly found: string;
  /** What to do; `null` where nothing is. */
  readonly remedy: string | null;
}

/** Where a machine says what it has. */
export interface Machine {
  /** Folders of programs, as in PATH. */
  readonly programPath: string;
  /** `/sys/class/net`: a folder for each interface. */
  readonly interfacesFolder: string;
  /** `/proc/self/mounts` */
  readonly mountsFile: string;
}

/** Looks at what each collector needs. A collector that lacks something waits for it, so that is a warning; what can never work fails. */
export async function collectorNeeds(options: CollectOptions, machine: Machine): Promise<readonly Need[]> {
  const { files, virsh, sensors, arp, heartbeat, journal, syslog } = options;
  return [
    ...files.flatMap(fileNeeds),
    ...(virsh === null ? [] : await virshNeeds(virsh, machine)),
    ...(sensors === null ? [] : [programNeed('sensors', 'sensors', { machine, package: 'lm-sensors' })]),
    ...(arp === null ? [] : arpNeeds(arp.interfaces, machine)),
    ...(heartbeat === null ? [] : heartbeatNeeds(heartbeat, machine)),
    ...(journal === null ? [] : [programNeed('journal', 'journalctl', { machine, package: 'systemd' })]),
    ...(syslog === null ? [] : [await portNeed('syslog', syslog.listen, ['tcp', 'udp'])]),
  ];
}

/** Whether an address can be listened on. */
export async function portNeed(of: string, listen: string, kinds: readonly ('tcp' | 'udp')[]): Promise<Need> {
  const at = listen.lastIndexOf(':');
  const host = listen.slice(0, at).replace(/^\[|\]$/g, '');
  const port = Number(listen.slice(at + 1));
  const codes = await Promise.all(kinds.map((kind) => (kind === 'tcp' ? tryTcp(host, port) : tryUdp(host, port))));
  const code = codes.find((one) => one !== null) ?? null;
  if (code === null) return ok(of, `${listen} is free`);
  return fail(of, `${listen} cannot be listened on (${code})`, PORT_REMEDIES[code] ?? 'name an address of this machine');
}

const PORT_REMEDIES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Precopy runs already, or another program has the port: choose another',
  EACCES: 'ports below 1024 are for root: choose another',
  EADDRNOTAVAIL: 'name an address of this machine',
  ENOTFOUND: 'name an address of this machine',
};

/** Whether a folder can be written, or made, and has room for as many bytes. */
export function folderNeed(of: string, folder: string, free: { readonly bytes: number; readonly wanted: number }): Need {
  const existing = nearestExisting(folder);
  if (!statSync(existing).isDirectory()) return fail(of, `${existing} is no folder`, 'name another one');
  if (!may(existing, constants.W_OK | constants.X_OK))
    return fail(
      of,
      `${existing} cannot be written by this user`,
      shell`name another folder, or as root: install -d -o ${currentUser().name} ${folder}`,
    );
  const made = existing === folder ? '' : ' (will be made)';
  const room = `${folder}${made}: ${gigabytes(free.bytes)} free`;
  if (free.bytes >= free.wanted) return ok(of, room);
  return warn(
    of,
    `${room}, and the stream alone may take ${gigabytes(free.wanted)}`,
    'lower stream.retention.maxBytes, or name another folder',
  );
}

/** The folder itself, or the nearest above it that exists. */
export function nearestExisting(folder: string): string {
  let at = folder;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`;
}

function fileNeeds({ path, source }: FileOptions): readonly Need[] {
  const of = `file ${source}`;
  return [isPattern(path) ? patternNeed(of, path) : fileNeed(of, path)];
}

function fileNeed(of: string, path: string): Need {
  if (existsSync(path)) {
    if (statSync(path).isDirectory()) return fail(of, `${path} is a folder`, `write ${path}/*.log`);
    return may(path, constants.R_OK) ? ok(of, path) : unreadable(of, [path]);
  }
  // what stands in a folder that may not be looked into seems not to exist
  const above = nearestExisting(path);
  if (!may(above, constants.X_OK)) return closed(of, above);
  return warn(of, `${path} is not there yet`, 'it is followed as soon as it is there; else leave the entry out');
}

function patternNeed(of: string, pattern: string): Need {
  const above = nearestExisting(pattern);
  if (!may(above, constants.R_OK | constants.X_OK)) return closed(of, above);
  const paths = patternFiles(pattern);
  if (paths.length === 0)
    return warn(of, `${pattern} matches nothing yet`, 'it is followed as soon as there is a file; else leave the entry out');
  const refused = paths.filter((path) => !may(path, constants.R_OK));
  return refused.length > 0 ? unreadable(of, refused) : ok(of, `${pattern}: ${plural(paths.length, 'file')}`);
}

function unreadable(of: string, paths: readonly string[]): Need {
  return fail(of, `${listed(paths, 4)} cannot be read by this user`, 'run as root, or give this user the right to read it');
}

function closed(of: string, folder: string): Need {
  return fail(of, `${folder} cannot be looked into by this user`, 'run as root');
}

async function virshNeeds({ uri, timeout }: VirshOptions, machine: Machine): Promise<readonly Need[]> {
  const program = programNeed('virsh', 'virsh', { machine, package: 'libvirt-clients' });
  if (program.state !== 'ok') return [program];
  try {
    const options = { timeout: durationMs(timeout), env: { PATH: machine.programPath, LC_ALL: 'C' } };
    await promisify(execFile)('virsh', ['--connect', uri, 'uri'], options);
    return [ok('virsh', `${uri} answers`)];
  } catch (error) {
    const { killed, stderr } = error as { readonly killed?: boolean; readonly stderr?: string };
    const why = killed === true ? `no answer within ${timeout}` : (stderr?.trim().split('\n').at(-1) ?? 'it failed');
    return [warn('virsh', `${uri}: ${why}`, 'start libvirtd (or virtqemud), and run as root or in the group libvirt')];
  }
}

function arpNeeds(interfaces: readonly string[], machine: Machine): readonly Need[] {
  const programs = [
    programNeed('arp', 'tcpdump', { machine, package: 'tcpdump' }),
    programNeed('arp', 'bridge', { machine, package: 'iproute2' }),
  ];
  const links = interfaces.map((name) =>
    existsSync(join(machine.interfacesFolder, name))
      ? ok('arp', `interface ${name}`)
      : warn('arp', `there is no interface ${name}`, 'name the bridges of the guests in collect.arp.interfaces (ip link)'),
  );
  const right = currentUser().root
    ? []
    : [warn('arp', 'this user may not listen on interfaces', 'run as root, or give tcpdump CAP_NET_RAW')];
  return [...programs, ...links, ...right];
}

function heartbeatNeeds({ pools, probe }: NonNullable<CollectOptions['heartbeat']>, machine: Machine): readonly Need[] {
  const named = pools === 'auto' ? poolsMounted(machine.mountsFile) : pools;
  if (named.length === 0)
    return [
      warn(
        'heartbeat',
        'no mount has a KVMHA folder',
        'the pools are mounted when CloudStack starts using this host; else name them in collect.heartbeat.pools',
      ),
    ];
  return named.map((pool) => {
    const folder = join(pool, 'KVMHA');
    if (!existsSync(folder)) return warn('heartbeat', `${folder} is not there`, 'name the mount point of a primary storage pool');
    const needed = probe ? constants.W_OK | constants.X_OK : constants.R_OK | constants.X_OK;
    return may(folder, needed)
      ? ok('heartbeat', folder)
      : fail('heartbeat', `${folder} cannot be ${probe ? 'written' : 'read'} by this user`, 'run as root');
  });
}

function poolsMounted(mountsFile: string): readonly string[] {
  const text = existsSync(mountsFile) ? readFileSync(mountsFile, 'utf8') : '';
  const points = text.split('\n').flatMap((line) => line.split(' ')[1] ?? []);
  // the kernel writes blanks as octal numbers
  const named = points.map((point) =>
    point.replace(/\\(\d{3})/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 8))),
  );
  return [...new Set(named)].filter((point) => existsSync(join(point, 'KVMHA')));
}

function programNeed(
  of: string,
  program: string,
  { machine, package: from }: { readonly machine: Machine; readonly package: string },
): Need {
  const path = machine.programPath
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((candidate) => may(candidate, constants.X_OK));
  return path === undefined
    ? warn(of, `there is no program ${program}`, `install ${from}, or turn it off: collect.${of}: null`)
    : ok(of, path);
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** The code of what went wrong; `null` where nothing did. */
function tryTcp(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name));
    server.listen({ host, port }, () => server.close(() => resolve(null)));
  });
}

function tryUdp(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name));
    socket.bind({ address: host, port }, () => socket.close(() => resolve(null)));
  });
}

function ok(of: string, found: string): Need {
  return { state: 'ok', of, found, remedy: null };
}

function warn(of: string, found: string, remedy: string): Need {
  return { state: 'warn', of, found, remedy };
}

function fail(of: string, found: string, remedy: string): Need {
  return { state: 'fail', of, found, remedy };
}
