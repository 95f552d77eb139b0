import type { Position } from '../stream.ts';
import type { Client } from './client.ts';
import { topicExists } from './topics.ts';

/** Offset and note that a group committed for one partition. */
export interface Committed {
  readonly offset: number;
  /** `null` where the offset was set without one, by a tool. */
  readonly note: string | null;
}

/** How far a group is in a topic; empty where there is no such topic. @throws AppError */
export async function positionsOf(
  client: Client,
  { topic: name, group }: { readonly topic: string; readonly group: string },
): Promise<readonly Position[]> {
  const topic = client.named(name);
  if (!(await topicExists(client, topic))) return [];
  const ends = await client.ask({ what: 'look at', topic }, (admin) => admin.fetchTopicOffsets(topic));
  const committed = await committedOf(client, { topic: name, group });
  const positions = ends.map(async ({ partition, high, low }): Promise<Position> => {
    const own = committed.get(partition)?.offset ?? null;
    const next = Math.max(own ?? 0, Number(low));
    const waitingSince = next < Number(high) ? await storedSince(client, { topic, partition, offset: next }) : null;
    return { partition, begin: Number(low), end: Number(high), committed: own, waitingSince };
  });
  return (await Promise.all(positions)).toSorted((a, b) => a.partition - b.partition);
}

/** What a group committed, by partition. @throws AppError */
export async function committedOf(
  client: Client,
  { topic: name, group }: { readonly topic: string; readonly group: string },
): Promise<ReadonlyMap<number, Committed>> {
  const topic = client.named(name);
  const groupId = client.named(group);
  const found = await client.ask({ what: 'look at', topic, group: groupId }, (admin) =>
    admin.fetchOffsets({ groupId, topics: [topic] }),
  );
  return new Map(
    found
      .flatMap(({ partitions }) => partitions)
      .filter(({ offset }) => Number(offset) >= 0)
      .map(({ partition, offset, metadata }) => [
        partition,
        { offset: Number(offset), note: metadata === null || metadata === '' ? null : metadata },
      ]),
  );
}

/** Ages of a message that are looked at first, ms, each four times the one before; then the half is looked for. */
const FIRST_AGE_MS = 1_000;
const AGE_GROWTH = 4;
/** Where the halves end: 10 % of the age. */
const PRECISION = 0.1;

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * When a message was stored, Unix ms, to a tenth of its age. Kafka finds offsets by time, not times by offset, so the time is
 * looked for: about 4 questions for a message of seconds, 12 for one of days.
 */
async function storedSince(client: Client, place: Place): Promise<number> {
  const now = Date.now();
  let younger = 0;
  let older = FIRST_AGE_MS;
  while (older < now && !(await isStoredSince(client, place, now - older))) {
    younger = older;
    older *= AGE_GROWTH;
  }
  older = Math.min(older, now);
  while (older - younger > Math.max(FIRST_AGE_MS, older * PRECISION)) {
    const middle = (older + younger) / 2;
    if (await isStoredSince(client, place, now - middle)) older = middle;
    else younger = middle;
  }
  return Math.round(now - older);
}

/** Whether the message was stored at this time or later. */
async function isStoredSince(client: Client, { topic, partition, offset }: Place, at: number): Promise<boolean> {
  const found = await client.ask({ what: 'look at', topic }, (admin) =>
    admin.fetchTopicOffsetsByTimestamp(topic, Math.floor(at)),
  );
  const first = found.find((one) => one.partition === partition);
  return first !== undefined && Number(first.offset) <= offset;
}
