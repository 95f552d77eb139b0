import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { certificates, type Certificates } from './certificates.ts';

/** A cluster of real brokers on loopback, for tests and benchmarks. */
export interface KafkaCluster {
  /** Addresses of the listener asked for. */
  readonly brokers: readonly string[];
  /** Without encryption and user, whatever was asked for: for looking into it. */
  readonly plainBrokers: readonly string[];
  /** Where the brokers keep their data; gone after `stop`. `null` where others run them. */
  readonly folder: string | null;
  /** Of a cluster with TLS. */
  readonly certificates: Certificates | null;
  /** Ends a broker at once, as `kill -9`. Nodes count from 1. */
  kill(node: number): Promise<void>;
  /** Starts one that was killed; resolves when it answers. */
  restart(node: number): Promise<void>;
  /** Ends what runs and removes what was kept. */
  stop(): Promise<void>;
}

/** What to start. */
export interface ClusterOptions {
  readonly nodes?: 1 | 3;
  /** `sasl`: SCRAM, PLAIN and unsigned OAUTHBEARER without encryption; users are those of `USERS`. */
  readonly listeners?: 'plaintext' | 'tls' | 'sasl';
}

/** `alice` may do everything, `bob` nothing. */
export const USERS = { alice: 'alice-secret', bob: 'bob-secret' } as const;

const HERE = resolve('scripts/kafka');
const START_MS = 60_000;
const INSTALL = 'apt-get install -y default-jre-headless maven';

/** Why no broker can be started here, in one line; `null` where one can. */
export function whatIsMissing(): string | null {
  const missing = ['java', 'mvn', 'openssl'].filter((program) => spawnSync('which', [program]).status !== 0);
  return missing.length === 0 ? null : `${missing.join(', ')} not found: ${INSTALL}`;
}

/** Brokers that somebody else runs, without encryption and users: they are neither killed nor stopped. */
export function existingKafka(brokers: readonly string[]): KafkaCluster {
  const notOurs = (): Promise<void> => Promise.reject(new Error(`${brokers.join(', ')} are not ours to stop or start`));
  return {
    brokers,
    plainBrokers: brokers,
    folder: null,
    certificates: null,
    kill: notOurs,
    restart: notOurs,
    stop: () => Promise.resolve(),
  };
}

/** Starts brokers; resolves when they answer. */
export async function startKafka({ nodes = 1, listeners = 'plaintext' }: ClusterOptions = {}): Promise<KafkaCluster> {
  const classes = join(jars(), '*');
  const folder = mkdtempSync(join(tmpdir(), 'precopy-kafka-'));
  const secured = listeners === 'tls' ? certificates(folder) : null;
  const ports = await freePorts(3 * nodes);
  const members = Array.from({ length: nodes }, (_, index): Member => {
    const [client = 0, internal = 0, controller = 0] = ports.slice(3 * index, 3 * index + 3);
    return { id: index + 1, folder: join(folder, `node-${index + 1}`), client, internal, controller };
  });
  const clusterId = newClusterId();
  const processes = new Map<number, ChildProcess>();
  const run = (member: Member): void => void processes.set(member.id, launch(member, classes));
  // brokers must not outlive a test that ends before its own end
  const atExit = (): void => processes.forEach((child) => child.kill('SIGKILL'));
  process.once('exit', atExit);

  async function stop(): Promise<void> {
    await Promise.all([...processes.values()].map(end));
    process.off('exit', atExit);
    rmSync(folder, { recursive: true, force: true });
  }

  try {
    for (const member of members) prepare(member, { members, listeners, secured });
    await Promise.all(members.map((member) => format(member, { classes, clusterId })));
    members.forEach(run);
    await untilReady(members, processes, nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    brokers: members.map(({ client }) => `127.0.0.1:${client}`),
    plainBrokers: members.map(({ internal }) => `127.0.0.1:${internal}`),
    folder,
    certificates: secured,
    async kill(node) {
      const child = processes.get(node);
      if (child !== undefined) await end(child);
    },
    async restart(node) {
      const member = members[node - 1];
      if (member === undefined) throw new Error(`no node ${node}`);
      run(member);
      await untilReady([member], processes, 1);
    },
    stop,
  };
}

interface Member {
  readonly id: number;
  readonly folder: string;
  readonly client: number;
  readonly internal: number;
  readonly controller: number;
}

/** The jars of the version in pom.xml, fetched once. */
function jars(): string {
  const pom = readFileSync(join(HERE, 'pom.xml'), 'utf8');
  const version = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)/.exec(pom)?.[1] ?? 'unknown';
  const folder = resolve(`node_modules/.cache/kafka-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  // renamed when it is whole: two tests may fetch at once
  const part = mkdtempSync(`${folder}-`);
  execFileSync('mvn', ['-q', '-B', '-f', join(HERE, 'pom.xml'), 'dependency:copy-dependencies', `-DoutputDirectory=${part}`]);
  try {
    renameSync(part, folder);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

interface Setting {
  readonly members: readonly Member[];
  readonly listeners: NonNullable<ClusterOptions['listeners']>;
  readonly secured: Certificates | null;
}

function prepare(member: Member, setting: Setting): void {
  mkdirSync(member.folder);
  const lines = Object.entries(properties(member, setting)).map(([name, value]) => `${name}=${value}`);
  writeFileSync(join(member.folder, 'server.properties'), `${lines.join('\n')}\n`);
}

const PROTOCOLS = { plaintext: 'PLAINTEXT', tls: 'SSL', sasl: 'SASL_PLAINTEXT' } as const;

function properties({ id, folder, client, internal, controller }: Member, { members, listeners, secured }: Setting) {
  const replicas = members.length;
  return {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': members.map((one) => `${one.id}@127.0.0.1:${one.controller}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    listeners: `CLIENT://127.0.0.1:${client},INTERNAL://127.0.0.1:${internal},CONTROLLER://127.0.0.1:${controller}`,
    'listener.security.protocol.map': `CLIENT:${PROTOCOLS[listeners]},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': false,
    'default.replication.factor': replicas,
    'min.insync.replicas': Math.min(2, replicas),
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 3,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': Math.min(2, replicas),
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    ...(secured === null ? {} : tlsProperties(secured)),
    ...(listeners === 'sasl' ? saslProperties() : {}),
  };
}

function tlsProperties({ ca, broker }: Certificates) {
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': broker,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': ca,
    'ssl.client.auth': 'requested',
  };
}

function saslProperties() {
  const security = 'org.apache.kafka.common.security';
  const listener = 'listener.name.client';
  const users = Object.entries(USERS).map(([name, password]) => `user_${name}="${password}"`);
  return {
    [`${listener}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    [`${listener}.plain.sasl.jaas.config`]: `${security}.plain.PlainLoginModule required ${users.join(' ')};`,
    [`${listener}.scram-sha-256.sasl.jaas.config`]: `${security}.scram.ScramLoginModule required;`,
    [`${listener}.scram-sha-512.sasl.jaas.config`]: `${security}.scram.ScramLoginModule required;`,
    [`${listener}.oauthbearer.sasl.jaas.config`]: `${security}.oauthbearer.OAuthBearerLoginModule required;`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS;User:alice',
  };
}

const JAVA_OPTIONS = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

async function format(
  { folder }: Member,
  { classes, clusterId }: { readonly classes: string; readonly clusterId: string },
): Promise<void> {
  const users = Object.entries(USERS).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
  const tool = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', join(folder, 'server.properties'), ...users];
  const child = spawn('java', [...JAVA_OPTIONS, '-cp', classes, ...tool], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (piece: Buffer) => (said += piece.toString()));
  const status = await closing(child);
  if (status !== 0) throw new Error(`the folder of a broker could not be made (status ${status}): ${said}`);
}

function launch({ folder }: Member, classes: string): ChildProcess {
  const log = openSync(join(folder, 'broker.log'), 'a');
  const args = [...JAVA_OPTIONS, '-cp', classes, 'kafka.Kafka', join(folder, 'server.properties')];
  const child = spawn('java', args, { stdio: ['ignore', log, log] });
  closeSync(log);
  // told where it is waited for
  child.on('error', () => {});
  return child;
}

/** All of them answer, and know of this many. */
async function untilReady(
  members: readonly Member[],
  processes: ReadonlyMap<number, ChildProcess>,
  atLeast: number,
): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (const member of members) {
    while (!(await answers(member, atLeast))) {
      const { exitCode } = processes.get(member.id) ?? { exitCode: null };
      if (exitCode === null && Date.now() < deadline) await sleep(100);
      else
        throw new Error(
          `broker ${member.id} does not answer:\n${readFileSync(join(member.folder, 'broker.log'), 'utf8').slice(-4000)}`,
        );
    }
  }
}

async function answers({ internal }: Member, atLeast: number): Promise<boolean> {
  const brokers = [`127.0.0.1:${internal}`];
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 0 } }).admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    return cluster.brokers.length >= atLeast && cluster.brokers.some(({ port }) => port === internal);
  } catch {
    return false;
  } finally {
    await admin.disconnect();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const closed = closing(child);
  child.kill('SIGKILL');
  await closed;
}

function closing(child: ChildProcess): Promise<number | null> {
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', (status) => done(status));
  });
}

/** A UUID in 22 characters that no option begins with. */
function newClusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? newClusterId() : id;
}

/** Held together until all are known, so that none comes twice. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((listening) => server.once('listening', listening))));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
