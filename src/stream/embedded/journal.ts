import { AppError } from '../../lib/errors.ts';
import type { PlacedMessage, Position, StreamMessage } from '../stream.ts';
import type { EmbeddedDatabase, GroupState, LogState, MessageHead, Tables } from './database.ts';
import { unpack, type PackedValue, type Packing } from './value.ts';

/** A message ready to be stored. */
export interface PackedMessage extends PackedValue {
  readonly message: StreamMessage;
}

/** Room that a message takes in the file, nearly: its value in whole pages, its head, and their share of the tree above. */
export function roomFor({ message, packed }: PackedMessage): number {
  // LMDB puts what is longer than half a page into pages of its own, behind a head of 16 bytes
  const value = packed.length < 2000 ? packed.length + 64 : Math.ceil((packed.length + 16) / PAGE_BYTES) * PAGE_BYTES;
  let head = 160 + 3 * message.key.length;
  for (const [name, text] of Object.entries(message.headers)) head += 4 + name.length + 3 * text.length;
  return value + head;
}

const PAGE_BYTES = 4096;

const EMPTY: LogState = { begin: 0, end: 0, bytes: 0 };

/** Sees to it that the topic has at least so many partitions, and says how many it has. Within a transaction. */
export function ensurePartitions({ topics }: Tables, topic: string, least: number): number {
  const known = partitionsOf({ topics }, topic);
  if (known >= least) return known;
  topics.putSync([topic], { partitions: least });
  return least;
}

/** Partitions of a topic; 0 where nobody used it yet. */
export function partitionsOf({ topics }: Pick<Tables, 'topics'>, topic: string): number {
  return topics.get([topic])?.partitions ?? 0;
}

/** Puts messages behind those that are there. Within a transaction. */
export function append(
  { logs, heads, values }: Tables,
  place: { readonly topic: string; readonly partition: number; readonly storedAt: number },
  messages: readonly PackedMessage[],
): void {
  const { topic, partition, storedAt } = place;
  let { begin, end, bytes } = logs.get([topic, partition]) ?? EMPTY;
  for (const packed of messages) {
    const { message } = packed;
    const room = roomFor(packed);
    const head: MessageHead = {
      key: message.key,
      headers: message.headers,
      storedAt,
      valueBytes: message.value.byteLength,
      packing: packed.packing,
      bytes: room,
    };
    heads.putSync([topic, partition, end], head);
    values.putSync([topic, partition, end], packed.packed);
    end += 1;
    bytes += room;
  }
  logs.putSync([topic, partition], { begin, end, bytes });
}

/** Messages from an offset on: at least one where there is one, else as many as hold `maxBytes` of values. */
export async function readFrom(
  database: EmbeddedDatabase,
  place: { readonly topic: string; readonly partition: number; readonly offset: number },
  maxBytes: number,
): Promise<readonly PlacedMessage[]> {
  const found = database.read((tables) => packedFrom(tables, place, maxBytes));
  return Promise.all(
    found.map(async ({ offset, head, packed }) => ({
      key: head.key,
      headers: head.headers,
      value: await unpack({ packed, packing: packingOf(head) }),
      offset,
      storedAt: head.storedAt,
    })),
  );
}

function packingOf({ packing, deflated = false }: MessageHead): Packing {
  return packing ?? (deflated ? 'deflate' : 'none');
}

interface Found {
  readonly offset: number;
  readonly head: MessageHead;
  readonly packed: Buffer;
}

/** A batch of many tiny messages ends somewhere too. */
const MOST_MESSAGES = 10_000;

function packedFrom(
  { logs, heads, values }: Tables,
  { topic, partition, offset }: { readonly topic: string; readonly partition: number; readonly offset: number },
  maxBytes: number,
): readonly Found[] {
  const { begin, end } = logs.get([topic, partition]) ?? EMPTY;
  const first = Math.max(begin, offset);
  const found: Found[] = [];
  let total = 0;
  for (let at = first; at < end && found.length < MOST_MESSAGES; at += 1) {
    const head = heads.get([topic, partition, at]);
    if (head === undefined) throw missing(topic, partition, at);
    total += head.valueBytes;
    if (total > maxBytes && found.length > 0) break;
    const packed = values.getBinary([topic, partition, at]);
    if (packed === undefined) throw missing(topic, partition, at);
    found.push({ offset: at, head, packed });
  }
  return found;
}

function missing(topic: string, partition: number, offset: number): AppError {
  return new AppError('stream', `message ${offset} of ${topic}/${partition} is not in the file although it should be`, {
    hint: 'the file is damaged: stop all who use it, move the folder away, and keep it for a report',
  });
}

/** What a group committed; `null` where it is not known. */
export function groupState(
  { groups }: Tables,
  place: { readonly topic: string; readonly partition: number; readonly group: string },
): GroupState | null {
  return groups.get([place.topic, place.partition, place.group]) ?? null;
}

/** How far a group is in every partition of a topic. */
export function positionsOf(tables: Tables, topic: string, group: string): readonly Position[] {
  return Array.from({ length: partitionsOf(tables, topic) }, (_, partition) => {
    const { begin, end } = tables.logs.get([topic, partition]) ?? EMPTY;
    const committed = groupState(tables, { topic, partition, group })?.offset ?? null;
    const next = Math.max(begin, committed ?? begin);
    const waitingSince = next < end ? (tables.heads.get([topic, partition, next])?.storedAt ?? null) : null;
    return { partition, begin, end, committed, waitingSince };
  });
}
