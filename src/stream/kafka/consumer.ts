import { setImmediate } from 'node:timers/promises';
import type kafkajs from 'kafkajs';
import { AppError } from '../../lib/errors.ts';
import { retry } from '../../lib/retry.ts';
import type { Consumer, Consumption } from '../stream.ts';
import type { Client } from './client.ts';
import { errorTypes, isOfKafkajs, streamError } from './error.ts';
import { pause } from '../../lib/pause.ts';
import { createPartitionRun, type Commit, type PartitionRun } from './partition-run.ts';
import { committedOf } from './positions.ts';
import type { Topics } from './topics.ts';

/** What a consumer is made of. */
export interface ConsumerSetting {
  readonly client: Client;
  readonly topics: Topics;
  readonly sessionMs: number;
}

/** How long the group waits for a member that is handling a batch. */
const REBALANCE_MS = 300_000;
/** How long a broker keeps a question that it has no message for; a partition that was paused waits as long. */
const MAX_WAIT_MS = 100;
/** Of `maxBytes`, what one partition sends at once: logs are compressed to about a twelfth. */
const PARTITION_SHARE = 12;
/** Of `maxBytes`, what a broker sends at once of all partitions: of logs three times as much, unpacked. */
const FETCH_SHARE = 4;
const LEAST_PARTITION_BYTES = 1 << 16;
/** Partitions handled at once, where a broker sends of several. */
const CONCURRENT = 16;
const HEARTBEAT_LOOK_MS = 500;
const LAST_PAUSE_MS = 5_000;
/** How long a first join is tried: a coordinator that begins answers for seconds that it loads. */
const JOIN_BUDGET_MS = 30_000;

interface State {
  readonly consumption: Consumption;
  readonly setting: ConsumerSetting;
  readonly stop: AbortController;
  readonly runs: Map<number, PartitionRun>;
  /** Ends of runs that were lost, by partition. */
  readonly ends: Map<number, Promise<void>>;
  backend: kafkajs.Consumer | null;
  /** The group waits for this member. */
  rejoining: boolean;
  settling: Promise<void>;
  /** Counts the times that the group gave partitions to this member. */
  joins: number;
  /** Ends when it is a member again. */
  recovering: Promise<void>;
  /** The last batch that waits for its turn. */
  turn: Promise<void>;
  /** The way to commit that kafkajs gave with the last batch: it asks once, in the generation of the moment. */
  commit: Commit;
}

/** What kafkajs throws while it commits or leaves is told as an error of ours; what `handle` throws stays what it is. */
function tellingOurErrors(consumption: Consumption, { client }: ConsumerSetting): Consumption {
  const place = { brokers: client.brokers, what: 'read', topic: client.named(consumption.topic) } as const;
  return {
    ...consumption,
    failed: (error) => consumption.failed(isOfKafkajs(error) ? streamError(error, place) : error),
  };
}

/** Joins the group, and handles the partitions it gets until it is stopped. @throws AppError where it could not join. */
export async function startConsumer(consumption: Consumption, setting: ConsumerSetting): Promise<Consumer> {
  const state: State = {
    consumption: tellingOurErrors(consumption, setting),
    setting,
    stop: new AbortController(),
    runs: new Map(),
    ends: new Map(),
    backend: null,
    rejoining: false,
    settling: Promise.resolve(),
    joins: 0,
    recovering: Promise.resolve(),
    turn: Promise.resolve(),
    commit: notYet,
  };
  await setting.topics.ensure(consumption.topic);
  await retry(() => join(state), { budgetMs: JOIN_BUDGET_MS });
  let stopped: Promise<void> | null = null;
  return {
    note: async (partition, text) => state.runs.get(partition)?.note(text, state.commit),
    async stop() {
      state.stop.abort();
      stopped ??= leave(state);
      await stopped;
    },
  };
}

async function notYet(): Promise<void> {
  throw new AppError('stream', 'the consumer has not joined its group yet', { retriable: true });
}

/** Resolves when the group has given this member its partitions. */
async function join(state: State): Promise<void> {
  const { consumption, setting } = state;
  const { client } = setting;
  const topic = client.named(consumption.topic);
  const place = { brokers: client.brokers, what: 'read', topic, group: client.named(consumption.group) } as const;
  const backend = createBackend(state);
  state.backend = backend;
  state.rejoining = false;
  state.commit = (partition, offset, metadata) => backend.commitOffsets([{ topic, partition, offset: String(offset), metadata }]);
  let joined = false;
  const ready = new Promise<void>((resolve, reject) => {
    backend.on(backend.events.GROUP_JOIN, ({ payload }) => {
      state.rejoining = false;
      state.settling = settle(state, payload.memberAssignment[topic] ?? []);
      joined = true;
      resolve();
    });
    backend.on(backend.events.CRASH, ({ payload }) => {
      const error = streamError(payload.error, place);
      if (joined) state.recovering = joinAgain(state, backend, error);
      else reject(error);
    });
  });
  // where kafkajs throws below, nobody waits for it
  ready.catch(() => {});
  try {
    await backend.connect();
    await backend.subscribe({ topics: [topic], fromBeginning: true });
    await backend.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT,
      eachBatch: (payload) => eachBatch(state, payload),
    });
    await ready;
    await settled(state);
  } catch (error) {
    await backend.disconnect().catch(() => {});
    throw streamError(error, place);
  }
}

function createBackend({ consumption, setting }: State): kafkajs.Consumer {
  const { client, sessionMs } = setting;
  return client.kafka.consumer({
    groupId: client.named(consumption.group),
    sessionTimeout: sessionMs,
    rebalanceTimeout: REBALANCE_MS,
    heartbeatInterval: Math.floor(sessionMs / 15),
    maxWaitTimeInMs: MAX_WAIT_MS,
    maxBytesPerPartition: Math.max(LEAST_PARTITION_BYTES, Math.floor(consumption.maxBytes / PARTITION_SHARE)),
    maxBytes: Math.max(LEAST_PARTITION_BYTES, Math.floor(consumption.maxBytes / FETCH_SHARE)),
    allowAutoTopicCreation: false,
    // this file begins anew: runs must be told
    retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 2_000, restartOnFailure: async () => false },
  });
}

/** What is lost is revoked, what is new assigned; what stays is compared with what is committed. */
async function settle(state: State, partitions: readonly number[]): Promise<void> {
  const { consumption, setting, runs } = state;
  state.joins += 1;
  const own = state.joins;
  for (const partition of runs.keys()) if (!partitions.includes(partition)) lose(state, partition);
  const committed = await untilTold(state, () => committedOf(setting.client, consumption));
  for (const partition of committed === null ? [] : partitions) {
    const known = committed?.get(partition) ?? null;
    const isOwn = (await runs.get(partition)?.isOwn(known)) === true;
    // another generation has begun meanwhile, and settles it
    if (own !== state.joins || state.stop.signal.aborted) return;
    if (isOwn) continue;
    lose(state, partition);
    void begin(state, partition).assign(known);
  }
}

async function settled(state: State): Promise<void> {
  for (let awaited: Promise<void> | null = null; awaited !== state.settling;) {
    awaited = state.settling;
    await awaited;
  }
}

function begin(state: State, partition: number): PartitionRun {
  const run = createPartitionRun({
    consumption: state.consumption,
    partition,
    stopping: state.stop.signal,
    rejoining: () => state.rejoining,
    settled: () => settled(state),
    turn: () => (state.turn = afterNextLook(state.turn)),
    before: state.ends.get(partition) ?? Promise.resolve(),
  });
  state.runs.set(partition, run);
  return run;
}

/** The event loop has looked at timers and sockets once more: of what `setImmediate` is given at once it looks at nothing between. */
async function afterNextLook(before: Promise<void>): Promise<void> {
  await before;
  await setImmediate();
}

function lose({ runs, ends }: State, partition: number): void {
  const run = runs.get(partition);
  if (run === undefined) return;
  runs.delete(partition);
  const end = run.lose().finally(() => {
    if (ends.get(partition) === end) ends.delete(partition);
  });
  ends.set(partition, end);
}

async function eachBatch(state: State, payload: kafkajs.EachBatchPayload): Promise<void> {
  const { batch } = payload;
  const beat = setInterval(() => void heartbeat(state, payload), HEARTBEAT_LOOK_MS);
  try {
    await settled(state);
    state.commit = commitOf(payload);
    await state.runs.get(batch.partition)?.take(payload, state.commit);
  } finally {
    clearInterval(beat);
  }
}

/** As kafkajs does it within a batch: asked once. Outside, it asks again for a while, and may do so in the next generation. */
function commitOf({ batch: { topic }, commitOffsetsIfNecessary }: kafkajs.EachBatchPayload): Commit {
  return (partition, offset, metadata) => {
    const partitions = [{ partition, offset: String(offset), metadata }];
    return commitOffsetsIfNecessary({ topics: [{ topic, partitions }] });
  };
}

/** Keeps the session while a batch is being handled; what it is told otherwise, kafkajs asks again after the batch. */
async function heartbeat(state: State, payload: kafkajs.EachBatchPayload): Promise<void> {
  try {
    await payload.heartbeat();
    state.rejoining = false;
  } catch (error) {
    const types = errorTypes(error);
    if (types.some((type) => REJOIN.has(type))) state.rejoining = true;
  }
}

const REJOIN = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'NOT_COORDINATOR_FOR_GROUP']);

/** After a failure for good of kafkajs: everything anew, for as long as it takes. */
async function joinAgain(state: State, crashed: kafkajs.Consumer, reason: AppError): Promise<void> {
  const { consumption, stop, runs } = state;
  if (stop.signal.aborted || state.backend !== crashed) return;
  state.backend = null;
  consumption.failed(reason);
  for (const partition of runs.keys()) lose(state, partition);
  await Promise.all(state.ends.values());
  await crashed.disconnect().catch(() => {});
  await untilTold(state, () => join(state));
}

/** Tries until it succeeds, with pauses, and tells each failure; `null` where the consumer stops before. */
async function untilTold<T>({ consumption, stop }: State, attempt: () => Promise<T>): Promise<T | null> {
  for (let pauseMs = 100; !stop.signal.aborted; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (!stop.signal.aborted) consumption.failed(error);
    }
    await pause(pauseMs, stop.signal);
  }
  return null;
}

/** The batch in hand ends and is committed before kafkajs leaves the group. */
async function leave(state: State): Promise<void> {
  const { consumption, runs } = state;
  try {
    await state.recovering;
    const { backend } = state;
    await backend?.stop();
    for (const partition of runs.keys()) lose(state, partition);
    await Promise.all(state.ends.values());
    await backend?.disconnect();
  } catch (error) {
    consumption.failed(error);
  }
}
