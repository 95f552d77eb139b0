import { z } from 'zod';
import { duration } from '../lib/duration.ts';
import { shippedTopicOptions } from '../pipeline/shipped-topic.ts';
import { CODECS } from '../stream/kafka/codec.ts';
import { secret } from './secret.ts';
import { size } from './size.ts';

const BROKER = /^(?:\[[\da-fA-F:.]+\]|[\w.-]+):\d{1,5}$/;
const BROKER_WORDS = 'host:port, as kafka1.example.org:9092 or [fd00::1]:9092';

const pemFile = z.string().startsWith('/').nullable().default(null);

const ssl = z.strictObject({
  ca: pemFile.describe('Certificates of who signed those of the brokers; null: those that Node knows.'),
  cert: pemFile.describe('Certificate of this client, where brokers ask for one.'),
  key: pemFile.describe('Its key.'),
  passphrase: secret.nullable().default(null).describe('Of the key.'),
});

const passwordLogin = z.strictObject({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).describe('As the brokers offer it.'),
  username: z.string().min(1).describe('The user, for plain and scram.'),
  password: secret.describe('Their password: take it from the environment, "${KAFKA_PASSWORD}".'),
});

const tokenLogin = z
  .strictObject({
    mechanism: z.literal('oauthbearer').describe('A token, read each time it is needed.'),
    tokenFile: z.string().startsWith('/').optional().describe('File that holds the token, for oauthbearer.'),
    tokenCommand: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Or a program that prints it, with its arguments; no shell is in between.'),
  })
  .refine(({ tokenFile, tokenCommand }) => (tokenFile === undefined) !== (tokenCommand === undefined), {
    error: 'either tokenFile or tokenCommand',
  });

/** A Kafka cluster as the stream. */
export const kafkaOptions = z.strictObject({
  brokers: z
    .array(z.string().regex(BROKER, { error: BROKER_WORDS }))
    .min(1)
    .default(['127.0.0.1:9092'])
    .describe('host:port of some; the others are learnt from them.'),
  clientId: z.string().min(1).max(200).default('precopy').describe("Name of this program in the brokers' logs and quotas."),
  codec: z.enum(CODECS).default('zstd').describe('How messages are compressed: none, gzip, snappy, lz4 or zstd.'),
  topicPrefix: z
    .string()
    .regex(/^[A-Za-z0-9._-]{0,100}$/, { error: 'A-Z, a-z, 0-9, ., _ and -' })
    .default('')
    .describe('Stands before every topic and group, so that several installations share a cluster.'),
  ssl: ssl
    .nullable()
    .default(null)
    .describe('Encryption; null: none. {} checks brokers against the authorities that Node knows.'),
  sasl: z
    .discriminatedUnion('mechanism', [passwordLogin, tokenLogin])
    .nullable()
    .default(null)
    .describe('Who this client is; null: nobody asks.'),
  sessionTimeout: duration
    .default('45s')
    .describe(
      'A processor that is not heard of for so long counts as dead, and its clusters go to others, or to itself started anew; brokers allow 6s to 30min by default.',
    ),
  partitions: z
    .int()
    .min(1)
    .max(10_000)
    .default(12)
    .describe('Of topics that Precopy creates: as many processors can share the work. A topic that is there keeps its own.'),
  retention: z
    .strictObject({
      maxBytes: size.default('100GB').describe('Of a topic, over all of its partitions: the oldest go when it holds more.'),
      maxAge: duration.default('7d').describe('What is older goes, processed or not.'),
    })
    .prefault({})
    .describe('Of topics that Precopy creates.'),
  shippers: z
    .array(shippedTopicOptions)
    .default([])
    .refine((topics) => new Set(topics.map(({ topic }) => topic)).size === topics.length, { error: 'each topic once' })
    .describe('Topics that Filebeat, Fluent Bit, Vector and others ship logs to; processors read them (docs/shippers.md).'),
});

/** See `kafkaOptions`. */
export type KafkaSettings = z.infer<typeof kafkaOptions>;
