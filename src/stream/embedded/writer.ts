import { AppError } from '../../lib/errors.ts';
import { bytes, duration } from '../../lib/units.ts';
import type { StreamMessage } from '../stream.ts';
import type { Bell } from './bell.ts';
import type { EmbeddedDatabase, Tables } from './database.ts';
import { append, ensurePartitions, roomFor, type PackedMessage } from './journal.ts';
import { dropOld, makeRoom, stragglerOf, type Retention, type Straggler } from './retention.ts';
import { pack } from './value.ts';

/** Stores messages in the order in which it was given them, as many in one transaction as wait for it. */
export interface Writer {
  /** Resolves when they are on the disk. @throws AppError `disk-full` (retriable; none of them was stored), or `stream`. */
  write(topic: string, messages: readonly StreamMessage[]): Promise<void>;
  /** Resolves when everything given to it is stored or refused. */
  drain(): Promise<void>;
}

/** What a writer is made of. */
export interface WriterSetting {
  readonly folder: string;
  readonly database: EmbeddedDatabase;
  readonly bell: Bell;
  readonly partitions: number;
  readonly retention: Retention;
  /** How long a send waits at the size limit for groups to read on before it is refused. */
  readonly roomWaitMs: number;
  readonly pollMs: number;
  /** Aborts waits for room. */
  readonly closing: AbortSignal;
  /** Unix ms. */
  now(): number;
}

/** Bytes that one transaction takes of several sends: more would only delay the first of them. */
const GROUP_BYTES = 8 * 2 ** 20;

/** A writer with nothing to do. */
export function createWriter(setting: WriterSetting): Writer {
  const pending: Pending[] = [];
  let ready: Promise<void> = Promise.resolve();
  let pumping: Promise<void> | null = null;
  return {
    async write(topic, messages) {
      if (messages.length === 0) return;
      const packing = Promise.all(messages.map(async (message) => ({ message, ...(await pack(message.value)) })));
      // each send joins the queue behind those before it, however long packing takes
      const joined = Promise.all([ready, packing]).then(([, packed]) => packed);
      ready = joined.then(
        () => undefined,
        () => undefined,
      );
      const packed = await joined;
      await new Promise<void>((resolve, reject) => {
        const room = packed.reduce((sum, one) => sum + roomFor(one), 0);
        pending.push({ topic, messages: packed, bytes: room, since: performance.now(), resolve, reject });
        pumping ??= pump(setting, pending).finally(() => {
          pumping = null;
        });
      });
    },
    async drain() {
      await ready;
      await pumping;
    },
  };
}

/** A send that waits for its transaction. */
interface Pending {
  readonly topic: string;
  readonly messages: readonly PackedMessage[];
  readonly bytes: number;
  /** When it joined the queue, by the monotonic clock in ms. */
  readonly since: number;
  resolve(): void;
  reject(error: unknown): void;
}

async function pump(setting: WriterSetting, pending: Pending[]): Promise<void> {
  for (;;) {
    const sends = nextSends(pending);
    if (sends.length === 0) return;
    try {
      const stored = await storeSome(setting, sends);
      for (const { resolve } of pending.splice(0, stored)) resolve();
      if (stored === 0) await waitOrRefuse(setting, pending);
    } catch (error) {
      for (const { reject } of pending.splice(0, sends.length)) reject(error);
    }
    setting.bell.ring();
  }
}

/** At least one, and as many more as fit into a transaction. */
function nextSends(pending: readonly Pending[]): readonly Pending[] {
  let total = 0;
  return pending.filter((send, index) => {
    total += send.bytes;
    return index === 0 || total <= GROUP_BYTES;
  });
}

/** @returns how many of them were stored: as many, from the first on, as there is room for. */
async function storeSome(setting: WriterSetting, sends: readonly Pending[]): Promise<number> {
  const { database, retention, now } = setting;
  await database.expectRoom(sends.reduce((sum, send) => sum + send.bytes, 0));
  return database.write((tables) => {
    dropOld(tables, now() - retention.maxAgeMs);
    let stored = 0;
    for (const send of sends) {
      if (!makeRoom(tables, send.bytes, retention)) break;
      appendAll(tables, setting, send);
      stored += 1;
    }
    return stored;
  });
}

/** There is no room for the first: it is refused when it has waited long enough, or could wait for ever. */
async function waitOrRefuse(setting: WriterSetting, pending: Pending[]): Promise<void> {
  const { bell, closing, retention, roomWaitMs, pollMs } = setting;
  const [first] = pending;
  if (first === undefined) return;
  if (first.bytes > retention.maxBytes) pending.shift()?.reject(neverFits(setting, first.bytes));
  else if (performance.now() - first.since >= roomWaitMs || closing.aborted) pending.shift()?.reject(limitReached(setting));
  else await bell.next(pollMs, closing);
}

function appendAll(
  tables: Tables,
  { partitions, now }: WriterSetting,
  { topic, messages }: Pick<Pending, 'topic' | 'messages'>,
): void {
  const count = ensurePartitions(tables, topic, partitions);
  const storedAt = now();
  const shares = new Map<number, PackedMessage[]>();
  for (const packed of messages) {
    const partition = partitionFor(packed.message.key, count);
    const share = shares.get(partition);
    if (share === undefined) shares.set(partition, [packed]);
    else share.push(packed);
  }
  for (const [partition, share] of shares) append(tables, { topic, partition, storedAt }, share);
}

/** FNV-1a, 32 bits, over UTF-16 units. It must stay as it is: another partition would break the order of a key. */
function partitionFor(key: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % count;
}

function neverFits({ folder, retention }: WriterSetting, needed: number): AppError {
  return new AppError(
    'stream',
    `cannot store ${bytes(needed)} at once in the stream in ${folder}: its size limit is ${bytes(retention.maxBytes)}`,
    { hint: 'raise the size limit of the stream' },
  );
}

function limitReached({ folder, database, retention, roomWaitMs }: WriterSetting): AppError {
  const straggler = database.read(stragglerOf);
  return new AppError(
    'disk-full',
    `cannot store in the stream in ${folder}: it holds its limit of ${bytes(retention.maxBytes)}, ${waitedFor(straggler)}, for ${duration(roomWaitMs)} now`,
    {
      hint: 'nothing was lost, and it goes on when that group reads on: see why it does not, or raise the size limit of the stream',
      retriable: true,
    },
  );
}

function waitedFor(straggler: Straggler | null): string {
  if (straggler === null) return 'which is too little for what is being sent';
  return `and the group ${straggler.group} has not read the oldest messages of ${straggler.topic}/${straggler.partition}`;
}
