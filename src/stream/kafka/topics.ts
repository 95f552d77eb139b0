import { AppError } from '../../lib/errors.ts';
import type { Client } from './client.ts';
import { errorTypes, permission } from './error.ts';

/** Makes sure that topics are there. */
export interface Topics {
  /** Resolves when the topic is there; makes it where it is not. @throws AppError with the command that makes it, where we may not. */
  ensure(topic: string): Promise<void>;
}

/** What topics are made like. */
export interface TopicOptions {
  readonly partitions: number;
  readonly retention: { readonly maxBytes: number; readonly maxAgeMs: number };
}

/** Chunks are 256 KiB; a message of a few MiB passes too. Kafka's default is 1 MiB of a compressed batch. */
const MAX_MESSAGE_BYTES = 8 << 20;

/** Topics of one cluster. */
export function createTopics(client: Client, options: TopicOptions): Topics {
  const known = new Map<string, Promise<void>>();
  return {
    ensure(topic) {
      const before = known.get(topic);
      if (before !== undefined) return before;
      const ensured = ensureTopic(client, client.named(topic), options);
      known.set(topic, ensured);
      // one that could not be made is tried again
      ensured.catch(() => known.delete(topic));
      return ensured;
    },
  };
}

async function ensureTopic(client: Client, topic: string, options: TopicOptions): Promise<void> {
  if (await topicExists(client, topic)) return;
  const settings = settingsOf(options);
  try {
    await client.ask({ what: 'create', topic }, (admin) =>
      admin.createTopics({
        topics: [
          {
            topic,
            numPartitions: options.partitions,
            // -1: default.replication.factor of the broker
            replicationFactor: -1,
            configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
          },
        ],
      }),
    );
  } catch (error) {
    if (await topicExists(client, topic)) return;
    throw notMade(error, { topic, client, options });
  }
}

/** Whether the cluster has a topic, or had it before. It lists all, for asking for one that is not there may create it. */
export async function topicExists(client: Client, topic: string): Promise<boolean> {
  const { seen } = client;
  if (!seen.has(topic))
    for (const name of await client.ask({ what: 'look at', topic }, (admin) => admin.listTopics())) seen.add(name);
  return seen.has(topic);
}

function settingsOf({ retention, partitions }: TopicOptions): Readonly<Record<string, string>> {
  return {
    'retention.ms': String(retention.maxAgeMs),
    // Kafka counts by partition
    'retention.bytes': String(Math.ceil(retention.maxBytes / partitions)),
    'max.message.bytes': String(MAX_MESSAGE_BYTES),
    // when the stream took it, whatever the clock of a host says
    'message.timestamp.type': 'LogAppendTime',
  };
}

interface NotMade {
  readonly topic: string;
  readonly client: Client;
  readonly options: TopicOptions;
}

function notMade(error: unknown, { topic, client: { brokers }, options }: NotMade): AppError {
  const refused = errorTypes(error).find((type) => type.endsWith('_AUTHORIZATION_FAILED') || type === 'POLICY_VIOLATION');
  if (refused === undefined && error instanceof AppError) return error;
  const settings = Object.entries(settingsOf(options)).map(([name, value]) => `--config ${name}=${value}`);
  const command = `kafka-topics.sh --bootstrap-server ${brokers[0] ?? 'BROKER'} --create --topic ${topic} --partitions ${options.partitions} ${settings.join(' ')}`;
  return new AppError('stream', `topic ${topic} is not there for this user, who may not create it (${refused ?? 'refused'})`, {
    hint: `let somebody who may run: ${command}, or where it is there: ${permission({ brokers, topic, what: 'write to' })}`,
    cause: error,
  });
}
