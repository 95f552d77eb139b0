import { createEventReader, EVENT_COLUMNS, type EventRow, type StoredEvent } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { whereOf, type Filter } from './filter.ts';

/** What records say of one VM, on all hosts, the newest `limit` of them, in the order of time; by the clocks of their hosts. */
export async function vmTimeline(store: Store, filter: Filter & { readonly vm: string }): Promise<readonly StoredEvent[]> {
  const { where, params } = whereOf(filter, { at: 'stored.at', hosts: ['host'], vm: 'vm' });
  const rows = await store.query<EventRow>(
    `SELECT ${EVENT_COLUMNS} FROM events AS stored ${where}
     ORDER BY stored.at DESC, host DESC, path DESC, offset DESC, n DESC
     LIMIT 1 BY cluster, host, file_id, offset, n LIMIT {limit: UInt32}`,
    params,
  );
  return rows.map(createEventReader()).toReversed();
}
