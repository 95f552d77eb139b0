import { AppError } from '../lib/errors.ts';
import { pause } from '../lib/pause.ts';
import { createBell, type Bell } from './embedded/bell.ts';
import { startConsumer } from './embedded/consumer.ts';
import { openDatabase, type EmbeddedDatabase } from './embedded/database.ts';
import { positionsOf } from './embedded/journal.ts';
import { scan } from './embedded/scan.ts';
import { dropOld, holdsOld, type Retention } from './embedded/retention.ts';
import { createWriter, type Writer } from './embedded/writer.ts';
import type { Consumer, Stream } from './stream.ts';

/** Where the stream is kept and for how long. */
export interface EmbeddedOptions {
  /** A folder of its own on a local disk; made where it is not there. */
  readonly folder: string;
  /** Partitions of each topic, at least: a topic that has more keeps them. */
  readonly partitions?: number;
  /** Applied by streams that have a producer. */
  readonly retention?: Partial<Retention>;
  /** How soon a consumer sees what another process sent. Within a process it is woken. */
  readonly pollMs?: number;
  /** How long `send` waits at the size limit before it is refused. */
  readonly roomWaitMs?: number;
  /** Unix ms. */
  now?(): number;
}

/** A week is Kafka's default (`log.retention.hours`); of agent logs, 10 GB hold some 60 GB. */
const DEFAULT_RETENTION: Retention = { maxBytes: 10e9, maxAgeMs: 7 * 86_400_000 };

/** How often messages that are too old are looked for. */
const RETENTION_LOOK_MS = 30_000;

/**
 * A stream in one LMDB file, for one machine. Any number of processes may use the folder at once, and any of them may be killed
 * at any moment.
 *
 * **Keys.** Seven tables in one file, so that one transaction changes several:
 *
 * | table   | key                      | holds                                                        |
 * | ------- | ------------------------ | ------------------------------------------------------------ |
 * | topics  | topic                    | number of partitions; it only grows                          |
 * | logs    | topic, partition         | begin, end, bytes                                            |
 * | heads   | topic, partition, offset | key, headers, when stored, sizes                             |
 * | values  | topic, partition, offset | the value, compressed where that helps                       |
 * | groups  | topic, partition, group  | offset to read next, note                                    |
 * | members | topic, group, member     | process (pid, its start, boot, pid namespace), last renewal  |
 * | leases  | topic, group, partition  | the member that may handle it                                |
 *
 * **Why nothing is lost.** LMDB copies what it changes and switches to the new tree by one write of a meta page, after the data
 * is synced; `send` and commits resolve behind that. A process that dies leaves the old tree or the new one. The lock between
 * writers is a robust mutex, which the next writer gets when its holder is dead. Offsets are given within the transaction, so
 * they have no gaps and no order but that of the commits.
 *
 * **Why no partition is handled twice at once.** A partition is handled by the member that its lease names. Leases change only in
 * transactions, and only when nobody has one, or its member is dead: its process has ended (pid and start time, looked at once a
 * second), or it has not renewed for 30 s. A live member gives a lease back itself, after the batch in hand. A commit
 * is written only by the member that holds the lease, and only on top of the offset that it began from: a process that slept
 * for over 30 s and wakes up in the middle of a batch cannot commit it, so commits never go backwards.
 *
 * **Room.** Values of more than half a page lie in runs of pages of their own, and pages of dropped messages are used again, so
 * that the file grows to about the size limit (measured: 1.07 of it) and stays there; LMDB never gives pages back to the disk. What every known group
 * has read is dropped when it is too old, or when room is needed, the oldest first. What some group has not read is kept: `send`
 * waits `roomWaitMs` for room and is then refused with `disk-full` (retriable). A full disk is the same error.
 *
 * **Memory.** Batches are read into memory; a read never keeps a snapshot open beyond itself, which would keep pages from reuse.
 *
 * @throws AppError where the folder cannot be used.
 */
export async function openEmbeddedStream(options: EmbeddedOptions): Promise<Stream> {
  const { folder, partitions = 1, pollMs = 50, roomWaitMs = 5_000, now = Date.now } = options;
  const retention = { ...DEFAULT_RETENTION, ...options.retention };
  const database = openDatabase(folder, retention.maxBytes);
  const bell = createBell();
  const closing = new AbortController();
  const writer = createWriter({
    folder,
    database,
    bell,
    partitions,
    retention,
    roomWaitMs,
    pollMs,
    closing: closing.signal,
    now,
  });
  const consumers = new Set<Consumer>();
  let upkeep: Promise<void> | null = null;
  let closed: Promise<void> | null = null;
  return {
    async producer() {
      // whoever only looks or reads has no say in what is kept
      upkeep ??= keepUp({ database, bell, retention, now, closing: closing.signal });
      return createProducer(writer);
    },
    async consume(consumption) {
      checkName('topic', consumption.topic);
      checkName('group', consumption.group);
      const consumer = await startConsumer(consumption, { database, bell, partitions, pollMs, now });
      consumers.add(consumer);
      return consumer;
    },
    positions: async (topic, group) => database.read((tables) => positionsOf(tables, topic, group)),
    scan: (topic, look) => scan(database, topic, look),
    async close() {
      closed ??= (async () => {
        closing.abort();
        await Promise.all([...consumers].map((consumer) => consumer.stop()));
        await writer.drain();
        await upkeep;
        await database.close();
      })();
      await closed;
    },
  };
}

function createProducer(writer: Writer): Awaited<ReturnType<Stream['producer']>> {
  const sends = new Set<Promise<void>>();
  let closed = false;
  return {
    async send(topic, messages) {
      checkName('topic', topic);
      if (closed) throw new Error('sent to a closed producer');
      const sent = writer.write(topic, messages);
      sends.add(sent);
      try {
        await sent;
      } finally {
        sends.delete(sent);
      }
    },
    async close() {
      closed = true;
      await Promise.allSettled(sends);
    },
  };
}

interface Upkeep {
  readonly database: EmbeddedDatabase;
  readonly bell: Bell;
  readonly retention: Retention;
  readonly closing: AbortSignal;
  now(): number;
}

/** Drops what is too old, and forgets readers that were killed. What fails here comes again, and a send meets it too. */
async function keepUp({ database, bell, retention, closing, now }: Upkeep): Promise<void> {
  while (!closing.aborted) {
    const before = now() - retention.maxAgeMs;
    try {
      database.forgetDeadReaders();
      while (!closing.aborted && database.read((tables) => holdsOld(tables, before))) {
        await database.write((tables) => dropOld(tables, before));
        bell.ring();
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
    await pause(RETENTION_LOOK_MS, closing);
  }
}

/** Kafka's rule for topics (org.apache.kafka.common.internals.Topic), for groups too: LMDB's keys cannot hold every character. */
const NAME = /^[A-Za-z0-9._-]{1,249}$/;

function checkName(what: string, name: string): void {
  if (!NAME.test(name)) throw new Error(`${what} ${JSON.stringify(name)} must be 1 to 249 of A-Z, a-z, 0-9, '.', '_' and '-'`);
}
