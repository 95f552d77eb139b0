/** A message as the stream holds it. */
export interface StreamMessage {
  /** Messages of one key keep their order. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Uint8Array;
}

/** A message with its place: topic and partition are those of its batch. */
export interface PlacedMessage extends StreamMessage {
  /** From 0, without gaps where nothing was dropped by retention. */
  readonly offset: number;
  /** When the stream took it, Unix ms. */
  readonly storedAt: number;
}

/** Consecutive messages of one partition. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly PlacedMessage[];
}

/** Writes to a stream. */
export interface Producer {
  /** Resolves when the messages are durable: they survive kill -9 of every process, and loss of power where the engine syncs. */
  send(topic: string, messages: readonly StreamMessage[]): Promise<void>;
  close(): Promise<void>;
}

/** What a consumer does with what it is given. One partition is one sequence: no two calls for it overlap. */
export interface Consumption {
  readonly topic: string;
  /** Each message goes to one member of a group. */
  readonly group: string;
  /** Bytes of values that one batch holds at most (one message may be larger). */
  readonly maxBytes: number;
  /** Called before the first batch of a partition; `note` is what was committed with its offset, `null` where nothing was. */
  assigned(partition: number, note: string | null): Promise<void>;
  /** The partition goes to another member, or the consumer stops: forget what is held for it. */
  revoked(partition: number): Promise<void>;
  /**
   * Handles a batch. When it resolves, the offset behind the batch is committed together with the note it returns (at most 4,000
   * characters); when it rejects, nothing is committed and the batch comes again after a pause.
   */
  handle(batch: Batch): Promise<string>;
  /** Told each failure of `handle` or of the engine that is tried again. */
  failed(error: unknown): void;
}

/** A running consumer. */
export interface Consumer {
  /** Commits a new note at the offset already committed; does nothing where the partition is not assigned. */
  note(partition: number, note: string): Promise<void>;
  /** Lets the batches in hand end, commits, and gives the partitions back. */
  stop(): Promise<void>;
}

/** How far a group is behind in one partition. */
export interface Position {
  readonly partition: number;
  /** Offset of the oldest message kept. */
  readonly begin: number;
  /** Offset that the next message will get. */
  readonly end: number;
  /** Offset that the group reads next; `null` where it never committed. */
  readonly committed: number | null;
  /** When the oldest message not yet committed was stored, Unix ms; `null` where there is none. */
  readonly waitingSince: number | null;
}

/** A durable log of messages in topics and partitions. */
export interface Stream {
  producer(): Promise<Producer>;
  consume(consumption: Consumption): Promise<Consumer>;
  positions(topic: string, group: string): Promise<readonly Position[]>;
  /**
   * Gives all messages that a topic holds now to `look`, those of one partition in their order, and batches one after the other;
   * nothing is committed. Resolves when all were looked at; rejects where `look` does.
   */
  scan(topic: string, look: (batch: Batch) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Chunks of what hosts wrote. */
export const RECORDS_TOPIC = 'precopy.records';
/** Messages that nobody could read, with the reason in the header `reason`. */
export const DEAD_LETTERS_TOPIC = 'precopy.dead-letters';
/** What is wrong with migrations and hosts, as JSON, for other programs (docs/finding-message.schema.json). */
export const FINDINGS_TOPIC = 'precopy.findings';
