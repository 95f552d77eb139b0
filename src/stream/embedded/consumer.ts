import type { Consumer, Consumption } from '../stream.ts';
import { pause } from '../../lib/pause.ts';
import type { Bell } from './bell.ts';
import type { EmbeddedDatabase } from './database.ts';
import { createMembership, LEASE_MS, type Membership } from './membership.ts';
import { startPartitionRun, type PartitionRun } from './partition-run.ts';

/** What a consumer is made of. */
export interface ConsumerSetting {
  readonly database: EmbeddedDatabase;
  /** Rings in this process at each message stored, each commit and each lease given back. */
  readonly bell: Bell;
  /** Partitions that a topic has at least. */
  readonly partitions: number;
  readonly pollMs: number;
  /** Unix ms. */
  now(): number;
}

/** How often it looks whether a member has died or a lease is free: that costs little, but an idle process does little else. */
const LOOK_MS = 1000;

/** Well within the lease, also when the disk is slow; each renewal is a write. */
const RENEW_MS = LEASE_MS / 6;

/** Joins the group, and handles the partitions it gets until it is stopped. @throws AppError where it could not join. */
export async function startConsumer(consumption: Consumption, setting: ConsumerSetting): Promise<Consumer> {
  const { database, bell, now, partitions } = setting;
  const membership = createMembership({ database, topic: consumption.topic, group: consumption.group, partitions, now });
  const stopping = new AbortController();
  const state: State = { consumption, setting, membership, stopping: stopping.signal, runs: new Map(), settledAt: 0 };
  await settle(state);
  const supervised = supervise(state);
  let stopped: Promise<void> | null = null;
  return {
    note: async (partition, text) => state.runs.get(partition)?.note(text),
    async stop() {
      stopping.abort();
      stopped ??= supervised.then(() => leave(state)).finally(() => bell.ring());
      await stopped;
    },
  };
}

interface State {
  readonly consumption: Consumption;
  readonly setting: ConsumerSetting;
  readonly membership: Membership;
  readonly stopping: AbortSignal;
  readonly runs: Map<number, PartitionRun>;
  /** By the monotonic clock of the process: renewals must not depend on `now`. 0 makes the next look settle. */
  settledAt: number;
}

async function supervise(state: State): Promise<void> {
  const { consumption, membership, stopping } = state;
  while (!stopping.aborted) {
    await pause(LOOK_MS, stopping);
    if (stopping.aborted) return;
    try {
      if (performance.now() - state.settledAt >= RENEW_MS || membership.unsettled()) await settle(state);
    } catch (error) {
      consumption.failed(error);
    }
  }
}

async function settle(state: State): Promise<void> {
  const { held, surplus } = await state.membership.settle();
  state.settledAt = performance.now();
  for (const [partition, run] of state.runs) {
    if (!held.includes(partition)) run.lose();
    else if (surplus.includes(partition)) run.end();
  }
  for (const partition of surplus) {
    if (!state.runs.has(partition)) await state.membership.release(partition);
  }
  for (const partition of held) {
    if (!surplus.includes(partition) && !state.runs.has(partition) && !state.stopping.aborted) begin(state, partition);
  }
}

function begin(state: State, partition: number): void {
  const { consumption, setting, membership, runs, stopping } = state;
  const run = startPartitionRun({ ...setting, consumption, partition, member: membership.id });
  runs.set(partition, run);
  stopping.addEventListener('abort', run.end, { once: true });
  void run.ended
    .then(() => membership.release(partition))
    .catch((error: unknown) => consumption.failed(error))
    .finally(() => {
      stopping.removeEventListener('abort', run.end);
      runs.delete(partition);
      state.settledAt = 0;
      setting.bell.ring();
    });
}

/** While batches in hand end, the lease is renewed. */
async function leave(state: State): Promise<void> {
  const { consumption, membership, runs } = state;
  const ended = Promise.allSettled([...runs.values()].map((run) => run.ended));
  const done = new AbortController();
  const renewed = renewUntil(state, done.signal);
  await ended;
  done.abort();
  await renewed;
  try {
    await membership.leave();
  } catch (error) {
    consumption.failed(error);
  }
}

async function renewUntil({ membership, consumption }: State, done: AbortSignal): Promise<void> {
  for (;;) {
    await pause(RENEW_MS, done);
    if (done.aborted) return;
    try {
      await membership.renew();
    } catch (error) {
      consumption.failed(error);
    }
  }
}
