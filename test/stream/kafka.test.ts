import kafkajs from 'kafkajs';
import { describe, expect, test, vi } from 'vitest';
import { CODECS } from '../../src/stream/kafka/codec.ts';
import type { StreamMessage } from '../../src/stream/stream.ts';
import { noise, PATIENCE, record, streamContract } from './contract.ts';
import { canRunKafka, kafkaBed, streamBed } from './kafka-bed.ts';
import { uniquePrefix } from './kafka-options.ts';

describe.runIf(canRunKafka({ existing: true }))('with one broker', () => {
  const bed = kafkaBed({ existing: true });
  streamContract('a stream in Kafka', (partitions) => streamBed(bed, partitions));

  test.each(CODECS)(
    '%s: messages come back as they were, also when the broker packs them anew',
    { timeout: 30_000 },
    async (codec) => {
      const topicPrefix = uniquePrefix();
      await createPackedTopic(`${topicPrefix}t`, codec === 'none' ? 'uncompressed' : codec);
      const sender = await bed.open({ topicPrefix, codec });
      // what one codec packed, the broker unpacks and packs again
      const other = await bed.open({ topicPrefix, codec: codec === 'gzip' ? 'lz4' : 'gzip' });
      const messages = chunks();
      await (await sender.producer()).send('t', messages);
      await (await other.producer()).send('t', messages);
      const recorder = await record(sender, { topic: 't' });
      await vi.waitFor(() => expect(recorder.messages).toHaveLength(2 * messages.length), PATIENCE);
      for (const [index, { value }] of [...messages, ...messages].entries()) {
        expect(Buffer.compare(Buffer.from(recorder.messages[index]?.value ?? []), value)).toBe(0);
      }
    },
  );

  test('a message that the topic does not take is refused, with the command that changes the topic', async () => {
    const topicPrefix = uniquePrefix();
    await createPackedTopic(`${topicPrefix}t`, 'producer');
    const stream = await bed.open({ topicPrefix });
    const producer = await stream.producer();
    const large = { key: 'k', headers: {}, value: noise(2 << 20) };
    await expect(producer.send('t', [large])).rejects.toMatchObject({
      code: 'stream',
      retriable: false,
      message: expect.stringContaining('larger'),
      hint: expect.stringContaining('kafka-configs.sh'),
    });
    await producer.send('t', [{ key: 'k', headers: {}, value: noise(800_000) }]);
    expect((await stream.positions('t', 'readers'))[0]?.end).toBe(1);
  });

  test('a session that the brokers do not allow is refused, with the setting', { timeout: 30_000 }, async () => {
    const stream = await bed.open({ topicPrefix: uniquePrefix(), sessionMs: 3_600_000 });
    await expect(record(stream, { topic: 't' })).rejects.toMatchObject({
      code: 'stream',
      retriable: false,
      hint: expect.stringContaining('stream.kafka.sessionTimeout'),
    });
  });

  async function createPackedTopic(topic: string, compression: string): Promise<void> {
    const admin = new kafkajs.Kafka({ brokers: [...bed.cluster().brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, configEntries: [{ name: 'compression.type', value: compression }] }] });
    await admin.disconnect();
  }
});

/** Some 1 MiB: lines as logs have them, and bytes that nothing makes smaller. */
function chunks(): readonly (StreamMessage & { readonly value: Buffer })[] {
  const lines = Array.from(
    { length: 3_000 },
    (_, number) => `2026-11-24 10:00:00,${number} DEBUG [cloud.agent] Seq ${number * 7}`,
  );
  const values = [Buffer.from(lines.join('\n')), noise(300_000), Buffer.from('short'), Buffer.alloc(0), noise(400_000)];
  return values.map((value) => ({ key: 'k', headers: { host: 'kvm1' }, value }));
}
