import { join } from 'node:path';
import { agentMigrations, agentNoise } from './lines/agent.ts';
import { daemonMigration, daemonNoise, pollerMigration, pollerNoise, qemuMigration } from './lines/hypervisor.ts';
import { announcement, heartbeatNoise, networkNoise } from './lines/observers.ts';
import { createLogFile, type LogFile, type Written } from './log-file.ts';
import { HOSTS, planned, type Host, type Move, type Plan } from './plan.ts';
import { createRandom } from './random.ts';

const SEED = 20_261_120;
const WINDOW_MS = 60_000;
/** How the bytes of a folder are shared out; QEMU's logs take what their migrations need. */
const SHARES = { agent: 0.6, libvirtd: 0.14, domjobinfo: 0.12, heartbeat: 0.06, tcpdump: 0.07 } as const;

/** What was written, to tell beside the measurements. */
export interface Generated extends Written {
  readonly files: number;
  readonly migrations: number;
}

/** One host's agent.log: the same bytes every time. */
export function writeAgentLog(path: string, bytes: number): Generated {
  const plan = planned(SEED, { days: 7, migrations: Math.round(bytes / 52_000) });
  const random = createRandom(SEED + 1);
  const log = createLogFile({ path, from: plan.from, to: plan.to, bytes, noise: agentNoise(plan, random) });
  const tell = agentMigrations(plan, random);
  play(plan, [log], (move) =>
    tell(move, { source: move.source === 'kvm-a' ? log : null, destination: move.destination === 'kvm-a' ? log : null }),
  );
  return total(plan, [log]);
}

/** All logs of two hosts and of the network between them, telling of the same migrations: the same bytes every time. */
export function writeFolder(folder: string, bytes: number): Generated {
  const plan = planned(SEED, { days: 4, migrations: Math.round(bytes / 200_000) });
  const random = createRandom(SEED + 2);
  const place = (host: Host, name: string): string => join(folder, 'hosts', host, name);
  const create = (path: string, share: number, noise: ((at: number) => string) | null): LogFile =>
    createLogFile({ path, from: plan.from, to: plan.to, bytes: bytes * share, noise });
  const perHost = (
    name: string,
    share: number,
    noise: (host: Host) => (at: number) => string,
  ): Readonly<Record<Host, LogFile>> => ({
    'kvm-a': create(place('kvm-a', name), share / 2, noise('kvm-a')),
    'kvm-b': create(place('kvm-b', name), share / 2, noise('kvm-b')),
  });
  const agents = perHost('var/log/cloudstack/agent/agent.log', SHARES.agent, () => agentNoise(plan, random));
  const daemons = perHost('var/log/libvirt/libvirtd.log', SHARES.libvirtd, () => daemonNoise(plan, random));
  const pollers = perHost('domjobinfo.jsonl', SHARES.domjobinfo, () => pollerNoise(plan, random));
  const heartbeats = perHost('heartbeat.jsonl', SHARES.heartbeat, (host) => heartbeatNoise(host, random));
  const network = create(join(folder, 'switch/tcpdump.log'), SHARES.tcpdump, networkNoise(plan, random));
  const qemus = new Map(plan.vms.map(({ name }) => [name, perQemu(name, (path) => create(path, 0, null), place)]));
  const logs = [agents, daemons, pollers, heartbeats, ...qemus.values()]
    .flatMap((files) => HOSTS.map((host) => files[host]))
    .concat(network);
  const tell = agentMigrations(plan, random);
  play(plan, logs, (move) => {
    tell(move, { source: agents[move.source], destination: agents[move.destination] });
    qemuMigration(move, (host, at, record) => qemus.get(move.vm.name)?.[host].add(at, record));
    daemonMigration(move, (host, at, record) => daemons[host].add(at, record));
    pollerMigration(move, (host, at, record) => pollers[host].add(at, record));
    announcement(move, network);
  });
  return total(plan, logs);
}

function perQemu(
  vm: string,
  create: (path: string) => LogFile,
  place: (host: Host, name: string) => string,
): Readonly<Record<Host, LogFile>> {
  const path = `var/log/libvirt/qemu/${vm}.log`;
  return { 'kvm-a': create(place('kvm-a', path)), 'kvm-b': create(place('kvm-b', path)) };
}

/** Tells every migration when its minute comes, so that no log has to be held in memory. */
function play({ from, to, moves }: Plan, logs: readonly LogFile[], tell: (move: Move) => void): void {
  let next = 0;
  for (let until = from + WINDOW_MS; until <= to; until += WINDOW_MS) {
    // what a destination prepares comes a little before the request
    for (let move = moves[next]; move !== undefined && move.at < until + WINDOW_MS; move = moves[next]) {
      tell(move);
      next += 1;
    }
    for (const log of logs) log.advance(until);
  }
}

function total({ moves }: Plan, logs: readonly LogFile[]): Generated {
  const written = logs.map((log) => log.close());
  const sum = (of: (each: Written) => number): number => written.reduce((all, each) => all + of(each), 0);
  return {
    lines: sum(({ lines }) => lines),
    bytes: sum(({ bytes }) => bytes),
    added: sum(({ added }) => added),
    files: logs.length,
    migrations: moves.length,
  };
}
