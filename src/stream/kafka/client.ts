import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { retry } from '../../lib/retry.ts';
import { registerCodecs } from './codecs.ts';
import { streamError, type Doing } from './error.ts';

/** Files of certificates, PEM; the broker's certificate and name are always checked. */
export interface KafkaTls {
  /** Of who signed the brokers' certificates; `null`: those that Node knows. */
  readonly ca: string | null;
  /** Of this client, with its key, where brokers ask for one. */
  readonly cert: string | null;
  readonly key: string | null;
  readonly passphrase: string | null;
}

/** How this client says who it is. */
export type KafkaSasl =
  | { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; readonly username: string; readonly password: string }
  /** The token is read each time it is needed: of a file, or of the output of a program. */
  | { readonly mechanism: 'oauthbearer'; readonly tokenFile: string }
  | { readonly mechanism: 'oauthbearer'; readonly tokenCommand: readonly string[] };

/** What a client is made of. */
export interface ClientOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly topicPrefix: string;
  readonly ssl: KafkaTls | null;
  readonly sasl: KafkaSasl | null;
  readonly log?: Log;
}

/** The way to a cluster. */
export interface Client {
  readonly kafka: kafkajs.Kafka;
  readonly brokers: readonly string[];
  /** Asks the cluster. @throws AppError */
  ask<T>(doing: Doing, question: (admin: kafkajs.Admin) => Promise<T>): Promise<T>;
  /** Topics that were seen to be there. */
  readonly seen: Set<string>;
  /** A topic or a group as the cluster calls it. */
  named(name: string): string;
  close(): Promise<void>;
}

const CONNECT_MS = 5_000;
const REQUEST_MS = 30_000;
/** Tries of one request, with pauses of 0.1 s to 2 s: a broker that starts says for some seconds that it loads. */
const RETRY = { retries: 8, initialRetryTime: 100, maxRetryTime: 2_000 };
const TOKEN_MS = 10_000;
/** A coordinator that begins answers for seconds that it loads, and kafkajs takes that for an answer. */
const ASK_BUDGET_MS = 10_000;

/** Connects. @throws AppError where a file cannot be read, or no broker lets us in. */
export async function createClient(options: ClientOptions): Promise<Client> {
  const { brokers, clientId, topicPrefix, ssl, sasl, log } = options;
  registerCodecs();
  const kafka = new kafkajs.Kafka({
    brokers: [...brokers],
    clientId,
    connectionTimeout: CONNECT_MS,
    requestTimeout: REQUEST_MS,
    retry: RETRY,
    logLevel: kafkajs.logLevel.INFO,
    logCreator: () => (entry) => tell(log, entry),
    ...(ssl === null ? {} : { ssl: await tlsOf(ssl) }),
    ...(sasl === null ? {} : { sasl: saslOf(sasl) }),
  });
  const admin = kafka.admin();
  const client: Client = {
    kafka,
    brokers,
    seen: new Set(),
    named: (name) => `${topicPrefix}${name}`,
    ask: (doing, question) =>
      retry(
        async () => {
          try {
            return await question(admin);
          } catch (error) {
            throw streamError(error, { brokers, ...doing });
          }
        },
        { budgetMs: ASK_BUDGET_MS },
      ),
    async close() {
      await admin.disconnect();
    },
  };
  await connected(kafka, brokers);
  await client.ask({ what: 'connect' }, () => admin.connect());
  return client;
}

/** A first look that gives up soon, so that a wrong address or password is told at once and not after all retries. */
async function connected(kafka: kafkajs.Kafka, brokers: readonly string[]): Promise<void> {
  const admin = kafka.admin({ retry: { retries: Math.max(1, brokers.length - 1), initialRetryTime: 200 } });
  try {
    await admin.connect();
    await admin.describeCluster();
  } catch (error) {
    throw streamError(error, { brokers, what: 'connect' });
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

function tell(log: Log | undefined, { namespace, log: entry }: kafkajs.LogEntry): void {
  const { message, timestamp: _, logger: __, ...fields } = entry;
  log?.debug({ ...fields, namespace, said: message }, 'kafkajs');
}

async function tlsOf({ ca, cert, key, passphrase }: KafkaTls): Promise<Exclude<kafkajs.KafkaConfig['ssl'], undefined>> {
  return {
    ...(ca === null ? {} : { ca: await textOf(ca, 'ssl.ca') }),
    ...(cert === null ? {} : { cert: await textOf(cert, 'ssl.cert') }),
    ...(key === null ? {} : { key: await textOf(key, 'ssl.key') }),
    ...(passphrase === null ? {} : { passphrase }),
  };
}

function saslOf(sasl: KafkaSasl): kafkajs.SASLOptions {
  if (sasl.mechanism !== 'oauthbearer') return { ...sasl };
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await tokenOf(sasl) }) };
}

async function tokenOf(sasl: Extract<KafkaSasl, { mechanism: 'oauthbearer' }>): Promise<string> {
  if ('tokenFile' in sasl) return (await textOf(sasl.tokenFile, 'sasl.tokenFile')).trim();
  const [program = '', ...args] = sasl.tokenCommand;
  try {
    const { stdout } = await promisify(execFile)(program, args, { timeout: TOKEN_MS, maxBuffer: 1 << 20 });
    return stdout.trim();
  } catch (error) {
    throw new AppError('stream', `no token for Kafka: ${program} did not print one (${endOf(error)})`, {
      // not the error itself: it has what the program printed, which may be a token
      hint: 'run what stream.kafka.sasl.tokenCommand says, as the user that runs precopy',
    });
  }
}

function endOf(error: unknown): string {
  const { code, signal } = error as { readonly code?: number | string; readonly signal?: string | null };
  if (typeof code === 'number') return `status ${code}`;
  return code ?? signal ?? 'unknown reason';
}

async function textOf(path: string, setting: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError('stream', `${path} cannot be read`, {
      hint: `stream.kafka.${setting} names it: it must be there and readable for the user that runs precopy`,
      cause,
    });
  }
}
