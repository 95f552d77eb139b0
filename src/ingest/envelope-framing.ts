/** A record of a file, by where it begins and ends in a text. */
interface Framed {
  readonly start: number;
  readonly end: number;
}

/** Cuts whole records off the beginning of a text; what follows the last may go on, unless the file has `ended`. */
export type Framing = (
  text: string,
  ended: boolean,
) => {
  readonly records: readonly Framed[];
  /** What is done with. */
  readonly length: number;
};

/** Makes text of the records of one file. */
export interface Unwrap {
  /** The text of a record, its bytes as characters; empty where it has none, `null` where it is no such record. */
  read(record: string): string | null;
  problem(): string | null;
}

/** One record a line. */
export const readLines: Framing = (text, ended) => {
  const records: Framed[] = [];
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
    if (end > start) records.push({ start, end });
    start = end + 1;
  }
  if (ended && start < text.length) records.push({ start, end: text.length });
  return { records, length: ended ? text.length : start };
};

/**
 * The object that a line holds, its bytes as characters; `undefined` where it is none. `journalctl -o json-seq` puts a record separator
 * before each, `-o json-sse` the word `data:`.
 */
export function objectIn(line: string): unknown {
  // oxlint-disable-next-line no-control-regex -- what json-seq begins each object with
  const json = line.replace(/^(?:\u001e|data: )?/, '');
  if (!json.startsWith('{')) return undefined;
  try {
    return JSON.parse(Buffer.from(json, 'latin1').toString('utf8'));
  } catch {
    return undefined;
  }
}
