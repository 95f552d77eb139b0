import { AppError } from '../../lib/errors.ts';
import { bytes, duration } from '../../lib/units.ts';
import type { StreamMessage } from '../stream.ts';
import type { Bell } from './bell.ts';
import type { EmbeddedDatabase, Tables } from './database.ts';
import { append, ensurePartitions, roomFor, type PackedMessage } from './journal.ts';
import { makeRoom, stragglerOf, type Retention, type Straggler } from './retention.ts';
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
        pending.push({ topic, messages: packed, bytes: packed.reduce((sum, one) => sum + roomFor(one), 0), resolve, reject });
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
  resolve(): void;
  reject(error: unknown): void;
}

async function pump(setting: WriterSetting, pending: Pending[]): Promise<void> {
  while (pending.length > 0) {
    const sends = nextSends(pending);
    try {
      await store(setting, sends);
      for (const { resolve } of sends) resolve();
    } catch (error) {
      for (const { reject } of sends) reject(error);
    }
    setting.bell.ring();
  }
}

/** At least one, and as many more as fit into a transaction. */
function nextSends(pending: Pending[]): readonly Pending[] {
  let count = 1;
  let total = pending[0]?.bytes ?? 0;
  while (count < pending.length && total + (pending[count]?.bytes ?? 0) <= GROUP_BYTES) {
    total += pending[count]?.bytes ?? 0;
    count += 1;
  }
  return pending.splice(0, count);
}

async function store(setting: WriterSetting, sends: readonly Pending[]): Promise<void> {
  const { database, bell, retention, roomWaitMs, pollMs, closing } = setting;
  const needed = sends.reduce((sum, send) => sum + send.bytes, 0);
  if (needed > retention.maxBytes) throw neverFits(setting, needed);
  const until = performance.now() + roomWaitMs;
  for (;;) {
    await database.expectRoom(needed);
    const stored = await database.write((tables) => {
      if (!makeRoom(tables, needed, retention)) return false;
      for (const { topic, messages } of sends) appendAll(tables, setting, { topic, messages });
      return true;
    });
    if (stored) return;
    if (performance.now() >= until || closing.aborted) throw limitReached(setting);
    await bell.next(pollMs, closing);
  }
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
