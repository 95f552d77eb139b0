import { encodeChunk } from '../src/pipeline/chunk-message.ts';
import { stableId } from '../src/lib/hash.ts';
import type { Chunk } from '../src/model/chunk.ts';
import type { Source } from '../src/model/source.ts';
import { RECORDS_TOPIC, type Producer } from '../src/stream/stream.ts';
import { startedRemembering, writtenConfig } from './kafka-children.ts';
import type { Memory } from './kafka-role.ts';
import { openBenchStream } from './kafka-stream.ts';
import { agentNoise } from './lines/agent.ts';
import { daemonNoise, qemuStart } from './lines/hypervisor.ts';
import { heartbeatNoise } from './lines/observers.ts';
import { planned } from './plan.ts';
import { createRandom, uuid } from './random.ts';

/** A simulated installation. */
export interface Fleet {
  readonly clusters: number;
  readonly hostsPerCluster: number;
  readonly vmsPerHost: number;
}

/** What a processor holds of a fleet of which nothing is heard any more. */
export interface FleetMemory {
  readonly empty: Memory;
  readonly withHosts: Memory;
  readonly withVms: Memory;
}

const SEED = 7;

/** Tells a processor of the hosts, and then of their VMs, over 12 partitions, and weighs it before, between and after. */
export async function measureMemory(
  fleet: Fleet,
  { folder, brokers }: { readonly folder: string; readonly brokers: readonly string[] },
): Promise<FleetMemory> {
  const prefix = 'fleet.';
  const config = writtenConfig({ folder, name: 'fleet', cluster: 'none', brokers, prefix, agentLog: null });
  const stream = await openBenchStream({ brokers, prefix });
  const processor = await startedRemembering(config);
  const producer = await stream.producer();
  try {
    // code is compiled, and the engine has its buffers, before anything is weighed
    await told(producer, { ...fleet, clusters: 1 }, { first: fleet.clusters, say: hostChunks });
    await told(producer, { ...fleet, clusters: 1 }, { first: fleet.clusters, say: vmChunks });
    const empty = await processor.memory();
    await told(producer, fleet, { first: 0, say: hostChunks });
    const withHosts = await processor.memory();
    await told(producer, fleet, { first: 0, say: vmChunks });
    return { empty, withHosts, withVms: await processor.memory() };
  } finally {
    await processor.stop();
    await stream.close();
  }
}

interface Host {
  readonly cluster: string;
  readonly host: string;
  /** Of all hosts, from 0. */
  readonly number: number;
}

interface Telling {
  /** Number of the first cluster. */
  readonly first: number;
  say(host: Host, fleet: Fleet): readonly Chunk[];
}

async function told(producer: Producer, fleet: Fleet, { first, say }: Telling): Promise<void> {
  for (let number = first; number < first + fleet.clusters; number += 1) {
    const hosts = Array.from({ length: fleet.hostsPerCluster }, (_, index): Host => {
      const own = number * fleet.hostsPerCluster + index;
      return { cluster: `zone1-pod${number}-kvm`, host: `kvm-${own}`, number: own };
    });
    await producer.send(RECORDS_TOPIC, hosts.flatMap((host) => say(host, fleet)).map(encodeChunk));
  }
}

const random = createRandom(SEED);
const plan = planned(SEED, { days: 1, migrations: 1 });
const agent = agentNoise(plan, random);
const daemon = daemonNoise(plan, random);
const heartbeat = heartbeatNoise('kvm-a', random);

/** What a host writes on which nothing happens. */
function hostChunks(host: Host): readonly Chunk[] {
  const now = Date.now();
  return [
    chunk(host, { source: 'cloudstack-agent', path: '/var/log/cloudstack/agent/agent.log', vm: null }, agent(now)),
    chunk(host, { source: 'libvirtd', path: '/var/log/libvirt/libvirtd.log', vm: null }, daemon(now)),
    chunk(host, { source: 'heartbeat', path: 'heartbeat', vm: null }, heartbeat(now)),
  ];
}

/** The logs of its VMs, which were started and have run since. */
function vmChunks(host: Host, { vmsPerHost }: Fleet): readonly Chunk[] {
  const at = Date.now() - 3_600_000;
  return Array.from({ length: vmsPerHost }, (_, index) => {
    const number = host.number * vmsPerHost + index;
    const name = `i-2-${number}-VM`;
    const vm = { name, mac: '02:00:58:88:00:58', uuid: uuid(random), memoryBytes: 2 ** 32, monitor: '0x7f0000000000' };
    const path = `/var/log/libvirt/qemu/${name}.log`;
    return chunk(host, { source: 'libvirt-qemu', path, vm: name }, qemuStart({ vm, destination: 'kvm-a', at }));
  });
}

interface OfFile {
  readonly source: Source;
  readonly path: string;
  readonly vm: string | null;
}

function chunk({ cluster, host }: Host, { source, path, vm }: OfFile, text: string): Chunk {
  const fileId = stableId(host, path);
  const header = { cluster, host, source, path, fileId, vm, offset: 0, line: 0, zone: 'UTC', observedAt: Date.now() };
  return { header, bytes: Buffer.from(text) };
}
