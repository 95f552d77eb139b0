import type { Framing } from './envelope-framing.ts';

/** Bytes of a length before a value that is not plain text. */
const LENGTH_BYTES = 8;

/** Entries of `journalctl -o export`: fields, each a line or with its length, and an empty line behind. */
export const readExport: Framing = (text, ended) => {
  const records: { start: number; end: number }[] = [];
  let start = 0;
  let at = 0;
  while (at < text.length) {
    if (text[at] === '\n') {
      if (at > start) records.push({ start, end: at });
      at += 1;
      start = at;
      continue;
    }
    const field = fieldAt(text, at);
    if (field === null) break;
    at = field.next;
  }
  if (ended && start < text.length) records.push({ start, end: text.length });
  return { records, length: ended ? text.length : start };
};

/** The fields of an entry, as JSON has them. */
export function exportFields(record: string): unknown {
  const fields: Record<string, string> = {};
  let at = 0;
  const text = `${record}\n`;
  while (at < record.length) {
    const field = fieldAt(text, at);
    if (field === null) return undefined;
    fields[field.name] = Buffer.from(field.value, 'latin1').toString('utf8');
    at = field.next;
  }
  return fields;
}

/** `NAME=value`, or `NAME`, a length of eight bytes and the value; `null` where the text ends within. */
function fieldAt(text: string, at: number): { readonly name: string; readonly value: string; readonly next: number } | null {
  const end = text.indexOf('\n', at);
  if (end < 0) return null;
  const line = text.slice(at, end);
  const equals = line.indexOf('=');
  if (equals >= 0) return { name: line.slice(0, equals), value: line.slice(equals + 1), next: end + 1 };
  const from = end + 1 + LENGTH_BYTES;
  if (from > text.length) return null;
  const length = Number(Buffer.from(text.slice(end + 1, from), 'latin1').readBigUInt64LE());
  return from + length >= text.length ? null : { name: line, value: text.slice(from, from + length), next: from + length + 1 };
}
