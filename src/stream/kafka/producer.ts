import kafkajs from 'kafkajs';
import type { Producer, StreamMessage } from '../stream.ts';
import type { Client } from './client.ts';
import type { Codec } from './codec.ts';
import { compressionType } from './codecs.ts';
import { streamError } from './error.ts';
import type { Topics } from './topics.ts';

/** What a producer is made of. */
export interface ProducerSetting {
  readonly client: Client;
  readonly topics: Topics;
  readonly codec: Codec;
  readonly sendBudgetMs?: number;
}

/** Bytes of one request at most, unless one message has more: below `max.message.bytes` of a topic that has the default, 1 MiB. */
const MAX_REQUEST_BYTES = 900_000;
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 3_000;

/** A message that waits, and the send it is of. */
interface Waiting {
  readonly topic: string;
  readonly message: StreamMessage;
  readonly send: Send;
}

interface Send {
  left: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** A producer of a cluster; see `openKafkaStream` for why one request is on the way at a time. */
export async function createProducer(setting: ProducerSetting): Promise<Producer> {
  const state: State = { setting, backend: await connectProducer(setting), queue: [], working: null };
  let closed = false;
  return {
    async send(topic, messages) {
      if (closed) throw new Error('sent to a closed producer');
      if (messages.length === 0) return;
      const sent = new Promise<void>((resolve, reject) => {
        const send: Send = { left: messages.length, resolve, reject };
        state.queue.push(...messages.map((message) => ({ topic, message, send })));
      });
      state.working ??= work(state);
      await sent;
    },
    async close() {
      closed = true;
      await state.working;
      await state.backend?.disconnect();
      state.backend = null;
    },
  };
}

interface State {
  readonly setting: ProducerSetting;
  /** `null` after a failure. */
  backend: kafkajs.Producer | null;
  queue: Waiting[];
  working: Promise<void> | null;
}

async function work(state: State): Promise<void> {
  while (state.queue.length > 0) {
    const { taken, rest } = take(state.queue);
    state.queue = rest;
    try {
      await write(state, taken);
      taken.forEach(acknowledge);
    } catch (error) {
      // what follows in a send that failed must not be there without what failed
      const failed = new Set(taken.map(({ send }) => send));
      state.queue = state.queue.filter(({ send }) => !failed.has(send));
      for (const send of failed) send.reject(error);
    }
  }
  state.working = null;
}

function acknowledge({ send }: Waiting): void {
  send.left -= 1;
  if (send.left === 0) send.resolve();
}

async function write(state: State, taken: readonly Waiting[]): Promise<void> {
  const { client, topics, codec } = state.setting;
  const own = taken[0]?.topic ?? '';
  const topic = client.named(own);
  await topics.ensure(own);
  try {
    state.backend ??= await connectProducer(state.setting);
    await state.backend.send({
      topic,
      acks: -1,
      compression: compressionType(codec),
      messages: taken.map(({ message: { key, headers, value } }) => ({
        key,
        headers: { ...headers },
        value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
      })),
    });
  } catch (error) {
    // it may have been written all the same: the next request must not look like this one
    const gone = state.backend;
    state.backend = null;
    await gone?.disconnect().catch(() => {});
    throw streamError(error, { brokers: client.brokers, what: 'write to', topic });
  }
}

async function connectProducer({ client, sendBudgetMs = 30_000 }: ProducerSetting): Promise<kafkajs.Producer> {
  const producer = client.kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    retry: { retries: triesWithin(sendBudgetMs), initialRetryTime: FIRST_PAUSE_MS, maxRetryTime: LAST_PAUSE_MS },
  });
  try {
    await producer.connect();
  } catch (error) {
    await producer.disconnect().catch(() => {});
    throw streamError(error, { brokers: client.brokers, what: 'connect' });
  }
  return producer;
}

function triesWithin(budgetMs: number): number {
  let tries = 0;
  let spentMs = 0;
  for (let pauseMs = FIRST_PAUSE_MS; spentMs < budgetMs; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
    spentMs += pauseMs;
    tries += 1;
  }
  return tries;
}

/** What goes with the first message: those of its topic and key, in order, as many as one request holds. */
function take(queue: readonly Waiting[]): { readonly taken: readonly Waiting[]; readonly rest: Waiting[] } {
  const [first] = queue;
  const taken: Waiting[] = [];
  const rest: Waiting[] = [];
  let bytes = 0;
  let full = false;
  for (const one of queue) {
    const fits: boolean = one.topic === first?.topic && one.message.key === first.message.key && !full;
    if (fits && (taken.length === 0 || bytes + one.message.value.byteLength <= MAX_REQUEST_BYTES)) {
      taken.push(one);
      bytes += one.message.value.byteLength;
    } else {
      full ||= fits;
      rest.push(one);
    }
  }
  return { taken, rest };
}
