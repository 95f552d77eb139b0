import { vmOfPath } from '../ingest/identify.ts';
import { stableId } from '../lib/hash.ts';
import type { ChunkHeader } from '../model/chunk.ts';
import type { PlacedMessage } from '../stream/stream.ts';
import { createOrigins, type LineOrigin, type ShippedTopic } from './shipped-topic.ts';
import { shippers } from './shippers/index.ts';
import type { ShippedLine } from './shippers/shipper.ts';

/** A line with its identity. */
export interface PlacedLine {
  readonly header: ChunkHeader;
  /** Without the last line break. */
  readonly text: string;
  /** When the stream took its message, Unix ms. */
  readonly storedAt: number;
}

/** What became of a message. */
export interface ReadMessage {
  readonly lines: readonly PlacedLine[];
  /** Paths, or programs, of lines that nobody reads. */
  readonly skipped: readonly string[];
  /** Why some of it, or all, could not be taken; `null` where nothing is wrong. */
  readonly problem: string | null;
}

/** Reads messages of one partition. The same message gives the same, whenever it comes. */
export type MessageReader = (message: PlacedMessage) => ReadMessage;

/**
 * Room that a message has in the file that stands for its partition: what messages say of a file's offsets begins anew with each
 * rotation, so most lines are placed by Kafka's offset instead. No broker takes messages nearly as large by default.
 */
const ROOM_BYTES = 2 ** 22;
/** Messages whose places are in one such file: its offsets stay below 2^49, and a chunk's header takes 15 digits. */
const MESSAGES_A_FILE = 2 ** 27;
/** Of that room, what lines of later messages that belong to the last record may take. */
const JOINED_BYTES = 2 ** 18;

/** Reads what a shipper sent to a partition of a topic. */
export function createMessageReader(topic: ShippedTopic, partition: number): MessageReader {
  const shipper = shippers.find(({ format }) => format === topic.format);
  if (shipper === undefined) throw new Error(`no shipper is called ${topic.format}`);
  const originOf = createOrigins(topic);

  function placed(line: ShippedLine, origin: LineOrigin & Named, at: Position): PlacedLine {
    const { host, path, source, timezone } = origin;
    const text = line.program === null ? line.text : syslogText(line, host, at.message.storedAt);
    const epoch = Math.floor(at.message.offset / MESSAGES_A_FILE);
    const byKafka = {
      fileId: stableId('shipped', topic.topic, String(partition), String(epoch), host, path),
      offset: (at.message.offset % MESSAGES_A_FILE) * ROOM_BYTES + at.bytes,
    };
    const byFile =
      line.place === null ? null : { fileId: stableId('content', line.place.content, host), offset: line.place.offset };
    const header: ChunkHeader = {
      cluster: topic.cluster,
      host,
      source,
      path,
      ...(byFile ?? byKafka),
      vm: vmOfPath(path, source),
      line: 0,
      zone: timezone,
      observedAt: line.at ?? at.message.storedAt,
    };
    return { header, text, storedAt: at.message.storedAt };
  }

  return (message) => {
    const read = shipper.read(message);
    if ('problem' in read) return { lines: [], skipped: [], problem: read.problem };
    const lines: PlacedLine[] = [];
    const skipped: string[] = [];
    const problems = new Set<string>();
    let bytes = 0;
    for (const line of read.lines) {
      const origin = originOf(line);
      const at = { message, bytes };
      // where a line stands depends on all before it, read or not
      bytes += Buffer.byteLength(line.text) + MOST_HEAD_BYTES;
      if (!isRead(origin)) skipped.push(line.program ?? origin.path);
      else if (!isNamed(origin)) problems.add('no host: neither the message nor the configuration of the topic names one');
      else if (bytes > ROOM_BYTES - JOINED_BYTES)
        problems.add(`more than ${ROOM_BYTES - JOINED_BYTES} bytes of lines in a message`);
      else lines.push(placed(line, origin, at));
    }
    return { lines, skipped, problem: problems.size === 0 ? null : [...problems].join('; ') };
  };
}

interface Position {
  readonly message: PlacedMessage;
  /** Of lines before it in the message. */
  readonly bytes: number;
}

type Read = LineOrigin & { readonly source: ChunkHeader['source'] };
type Named = Read & { readonly host: string };

function isRead(origin: LineOrigin): origin is Read {
  return origin.source !== null;
}

function isNamed(origin: Read): origin is Named {
  return origin.host !== null;
}

/** Room for what goes before the text of a message of syslog, and its line break. */
const MOST_HEAD_BYTES = 1024;

/** As the journal's parser reads it: `2026-11-23T04:40:14.105+00:00 host program[pid]: text`, further lines indented. */
function syslogText({ text, program, at }: ShippedLine, host: string, storedAt: number): string {
  const time = new Date(at ?? storedAt).toISOString().replace('Z', '+00:00');
  return `${time} ${host.slice(0, 255).replaceAll(':', '-')} ${(program ?? '').slice(0, 255)}: ${text.replaceAll('\n', '\n ')}`;
}
