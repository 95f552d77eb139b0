import type { Batch } from '../stream.ts';
import type { EmbeddedDatabase } from './database.ts';
import { positionsOf, readFrom } from './journal.ts';

/** Bytes that are read at once. */
const BATCH_BYTES = 1 << 20;

/** Nobody's group: only begin and end are asked for. */
const NO_GROUP = '';

/** Gives all that a topic holds now, partition by partition; see `Stream.scan`. */
export async function scan(database: EmbeddedDatabase, topic: string, look: (batch: Batch) => Promise<void>): Promise<void> {
  for (const { partition, begin, end } of database.read((tables) => positionsOf(tables, topic, NO_GROUP))) {
    for (let offset = begin; offset < end;) {
      const found = await readFrom(database, { topic, partition, offset }, BATCH_BYTES);
      const messages = found.filter((message) => message.offset < end);
      const last = messages.at(-1);
      if (last === undefined) break;
      await look({ topic, partition, messages });
      offset = last.offset + 1;
    }
  }
}
