import { createEventReader, EVENT_COLUMNS, type EventRow, type StoredEvent } from '../../src/store/rows.ts';
import type { Store } from '../../src/store/store.ts';

/** Events of one cluster in a period. */
export interface EventPeriod {
  readonly cluster: string;
  /** Unix ms, inclusive. */
  readonly from: number;
  /** Unix ms, exclusive. */
  readonly to: number;
}

/** The events of a period, each once, ordered by time, host, path, offset and place in its record. */
export async function eventsBetween(store: Store, { cluster, from, to }: EventPeriod): Promise<readonly StoredEvent[]> {
  const rows = await store.query<EventRow>(
    `SELECT ${EVENT_COLUMNS}
     FROM events AS stored FINAL
     WHERE cluster = {cluster: String}
       AND stored.at >= fromUnixTimestamp64Milli({from: Int64}) AND stored.at < fromUnixTimestamp64Milli({to: Int64})
     ORDER BY stored.at, host, path, offset, n`,
    { cluster, from, to },
  );
  const read = createEventReader();
  return rows.map(read);
}
