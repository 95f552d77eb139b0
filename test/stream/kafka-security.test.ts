import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { AppError } from '../../src/lib/errors.ts';
import { openKafkaStream, type KafkaOptions } from '../../src/stream/kafka.ts';
import { USERS } from '../../scripts/kafka/kafka.ts';
import { message, PATIENCE, record, textOf } from './contract.ts';
import { canRunKafka, kafkaBed, type KafkaBed } from './kafka-bed.ts';
import { kafkaOptions } from './kafka-options.ts';

const TIMEOUT_MS = 60_000;

/** The error that opening a stream ends in. */
async function refusal(options: Partial<KafkaOptions>): Promise<AppError> {
  return refused(openKafkaStream({ ...kafkaOptions([]), ...options }));
}

async function refused(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw new Error(`not refused as it should be: ${String(error)}`, { cause: error });
  return error;
}

/** One message goes in and comes out. */
async function expectRoundTrip(bed: KafkaBed, options: Partial<KafkaOptions>): Promise<void> {
  const stream = await bed.open(options);
  await (await stream.producer()).send('t', [message('k', 'hello')]);
  const { messages } = await record(stream, { topic: 't' });
  await vi.waitFor(() => expect(messages.map(textOf)).toEqual(['hello']), PATIENCE);
  await stream.close();
}

describe('brokers that cannot be reached', () => {
  test('a name that does not exist is named', { timeout: TIMEOUT_MS }, async () => {
    const error = await refusal({ brokers: ['kafka.invalid:9092'] });
    expect(error).toMatchObject({ code: 'stream', message: expect.stringContaining('kafka.invalid:9092') });
    expect(error.hint).toContain('stream.kafka.brokers');
  });

  test('a port where nothing listens is named, and it is worth another try', { timeout: TIMEOUT_MS }, async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((listening) => server.once('listening', listening));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await new Promise((closed) => server.close(closed));
    const error = await refusal({ brokers: [`127.0.0.1:${port}`] });
    expect(error).toMatchObject({ code: 'stream', retriable: true });
    expect(error.message).toContain(`nothing listens at 127.0.0.1:${port}`);
  });

  test('a certificate that is not there is named', async () => {
    const ssl = { ca: '/nowhere/ca.pem', cert: null, key: null, passphrase: null };
    const error = await refusal({ brokers: ['127.0.0.1:9092'], ssl });
    expect(error).toMatchObject({ code: 'stream', message: '/nowhere/ca.pem cannot be read' });
    expect(error.hint).toContain('stream.kafka.ssl.ca');
  });
});

describe.runIf(canRunKafka())('a broker with TLS', () => {
  const bed = kafkaBed({ listeners: 'tls' });
  const none = { ca: null, cert: null, key: null, passphrase: null };

  test('messages pass where the authority is known', { timeout: TIMEOUT_MS }, async () => {
    await expectRoundTrip(bed, { ssl: { ...none, ca: bed.cluster().certificates?.ca ?? '' } });
  });

  test('a client may have a certificate of its own', { timeout: TIMEOUT_MS }, async () => {
    const made = bed.cluster().certificates;
    if (made === null) throw new Error('no certificates');
    await expectRoundTrip(bed, { ssl: { ...none, ca: made.ca, cert: made.clientCertificate, key: made.clientKey } });
  });

  test('another authority is refused, and the error says what to set', { timeout: TIMEOUT_MS }, async () => {
    const { brokers, certificates } = bed.cluster();
    const error = await refusal({ brokers, ssl: { ...none, ca: certificates?.otherCa ?? '' } });
    expect(error).toMatchObject({ code: 'stream', retriable: false });
    expect(error.message).toContain(`no encrypted connection to ${brokers[0]}`);
    expect(error.hint).toContain('stream.kafka.ssl.ca');
  });

  test('without encryption it tells that a listener may want it', { timeout: TIMEOUT_MS }, async () => {
    const error = await refusal({ brokers: bed.cluster().brokers });
    expect(error.hint).toContain('stream.kafka.ssl');
  });
});

describe.runIf(canRunKafka())('a broker with users', () => {
  const bed = kafkaBed({ listeners: 'sasl' });
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'precopy-token-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'a user of %s gets in with the right password only',
    { timeout: TIMEOUT_MS },
    async (mechanism) => {
      await expectRoundTrip(bed, { sasl: { mechanism, username: 'alice', password: USERS.alice } });
      const { brokers } = bed.cluster();
      const error = await refusal({ brokers, sasl: { mechanism, username: 'alice', password: 'wrong' } });
      expect(error).toMatchObject({ code: 'stream', retriable: false });
      expect(error.message).toContain(brokers[0]);
      expect(error.message).toContain('the password is wrong');
      expect(error.message).not.toContain('wrong"');
      expect(error.hint).toContain('stream.kafka.sasl');
    },
  );

  test('a token comes from a file, or from a program', { timeout: TIMEOUT_MS }, async () => {
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, `${unsignedToken('alice')}\n`);
    await expectRoundTrip(bed, { sasl: { mechanism: 'oauthbearer', tokenFile } });
    await expectRoundTrip(bed, { sasl: { mechanism: 'oauthbearer', tokenCommand: ['cat', tokenFile] } });
  });

  test('a program that prints no token is named', { timeout: TIMEOUT_MS }, async () => {
    const { brokers } = bed.cluster();
    const error = await refusal({ brokers, sasl: { mechanism: 'oauthbearer', tokenCommand: ['false', '--please'] } });
    expect(error.message).toContain('false did not print one (status 1)');
    expect(error.hint).toContain('stream.kafka.sasl.tokenCommand');
  });

  test('a user who may do nothing is told what to allow', { timeout: TIMEOUT_MS }, async () => {
    const stream = await bed.open({ sasl: { mechanism: 'scram-sha-256', username: 'bob', password: USERS.bob } });
    const error = await refused(stream.producer());
    expect(error).toMatchObject({ code: 'stream', retriable: false });
    expect(error.message).toContain('not allowed');
    expect(error.hint).toContain('kafka-acls.sh');
  });

  test('a user who may not create topics is told the command for who may', { timeout: TIMEOUT_MS }, async () => {
    await allowWriting('bob', 'other', bed.cluster().plainBrokers);
    const sasl = { mechanism: 'scram-sha-256', username: 'bob', password: USERS.bob } as const;
    const stream = await bed.open({ partitions: 7, sasl });
    const producer = await stream.producer();
    const error = await refused(producer.send('t', [message('k', 'v')]));
    expect(error).toMatchObject({ code: 'stream', retriable: false });
    expect(error.hint).toMatch(/kafka-topics\.sh --bootstrap-server 127\.0\.0\.1:\d+ --create --topic \S+\.t --partitions 7 /);
    expect(await refused(record(stream, { topic: 't' }))).toMatchObject({ hint: expect.stringContaining('kafka-topics.sh') });
  });
});

/** A producer may begin where its user may write to any topic. */
async function allowWriting(user: string, topic: string, brokers: readonly string[]): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createAcls({
    acl: [
      {
        resourceType: kafkajs.AclResourceTypes.TOPIC,
        resourceName: topic,
        resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
        principal: `User:${user}`,
        host: '*',
        operation: kafkajs.AclOperationTypes.WRITE,
        permissionType: kafkajs.AclPermissionTypes.ALLOW,
      },
    ],
  });
  await admin.disconnect();
}

/** As Kafka's own tests make them: no signature, good for an hour. */
function unsignedToken(user: string): string {
  const now = Math.floor(Date.now() / 1000);
  const parts = [{ alg: 'none' }, { sub: user, iat: now, exp: now + 3600 }];
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
}
