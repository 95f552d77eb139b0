import type { Event, EventBody } from '../model/event.ts';
import type { Source } from '../model/source.ts';
import { toTableBytes, type BinaryColumns, type TableBytes } from './row-binary.ts';

/** An event as the store holds it: `at` of the event is what the record says, in UTC, before any correction for clock skew. */
export interface StoredEvent {
  readonly cluster: string;
  readonly fileId: string;
  /** Which event of its record, from 0. */
  readonly n: number;
  readonly event: Event;
}

/** A row of the table `events`; instants in Unix ms. */
export interface EventRow {
  readonly cluster: string;
  readonly host: string;
  readonly source: Source;
  readonly path: string;
  readonly file_id: string;
  readonly offset: number;
  readonly n: number;
  readonly line: number;
  readonly at: number;
  readonly kind: string;
  readonly vm: string;
  readonly file_vm: string;
  readonly text: string;
  readonly message_at: number;
  readonly written: string;
  readonly body: string;
}

const EVENT_TYPES: BinaryColumns<EventRow> = {
  cluster: 'String',
  host: 'String',
  source: 'String',
  path: 'String',
  file_id: 'String',
  offset: 'UInt64',
  n: 'UInt16',
  line: 'UInt64',
  at: "DateTime64(3, 'UTC')",
  kind: 'String',
  vm: 'String',
  file_vm: 'String',
  text: 'String',
  message_at: 'UInt16',
  written: 'String',
  body: 'String',
};

/** Events for the table `events`. */
export function toEventBytes(events: readonly StoredEvent[]): TableBytes {
  return toTableBytes('events', EVENT_TYPES, events.map(toEventRow));
}

/** Columns of `events` from which `fromEventRow` makes the event, as a SELECT names them. */
export const EVENT_COLUMNS = Object.keys(EVENT_TYPES)
  .map((name) => (name === 'at' ? 'toUnixTimestamp64Milli(at) AS at' : name))
  .join(', ');

/** The row of an event. */
export function toEventRow({ cluster, fileId, n, event: { body, origin, at } }: StoredEvent): EventRow {
  const { file, line, offset, text, messageAt, written } = origin;
  return {
    cluster,
    host: file.host,
    source: file.source,
    path: file.path,
    file_id: fileId,
    offset,
    n,
    line,
    at,
    kind: body.kind,
    vm: vmOf(body) ?? file.vm ?? '',
    file_vm: file.vm ?? '',
    text,
    message_at: messageAt,
    written,
    body: JSON.stringify(body),
  };
}

/** Reads rows into events. */
export type EventReader = (row: EventRow) => StoredEvent;

/** The event of a row: the very one that `toEventRow` was given. */
export function fromEventRow(row: EventRow): StoredEvent {
  return createEventReader()(row);
}

/** Reads many rows; events of one file share one context. */
export function createEventReader(): EventReader {
  const files = new Map<string, Event['origin']['file']>();

  function fileOf({ host, source, path, file_vm: vm }: EventRow): Event['origin']['file'] {
    const key = `${host}\0${source}\0${path}\0${vm}`;
    const known = files.get(key);
    if (known !== undefined) return known;
    const file = { host, source, path, vm: vm === '' ? null : vm };
    files.set(key, file);
    return file;
  }

  return (row) => ({
    cluster: row.cluster,
    fileId: row.file_id,
    n: row.n,
    event: {
      // written by toEventRow, and by nobody else
      body: JSON.parse(row.body) as EventBody,
      origin: {
        file: fileOf(row),
        line: row.line,
        offset: row.offset,
        text: row.text,
        messageAt: row.message_at,
        written: row.written,
      },
      at: row.at,
    },
  });
}

/** The VM that the event itself names. */
function vmOf(body: EventBody): string | null {
  return 'vm' in body ? body.vm : null;
}
