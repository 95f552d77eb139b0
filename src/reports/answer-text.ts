import { isoTime } from '../lib/units.ts';
import type { Answer, Column } from '../model/answer.ts';

/** An answer as JSON: one object a row, exact values under the names of the columns, times ISO 8601. */
export function answerJson({ columns, rows }: Answer): string {
  const objects = rows.map((row) => Object.fromEntries(columns.map((column, i) => [column.name, exact(row[i] ?? null, column)])));
  return objects.length === 0 ? '[]\n' : `[\n${objects.map((object) => `  ${JSON.stringify(object)}`).join(',\n')}\n]\n`;
}

/** An answer as CSV (RFC 4180): a header, lines that end in CR LF, what is not known empty, exact values, times ISO 8601. */
export function answerCsv({ columns, rows }: Answer): string {
  const header = columns.map(({ name }) => quoted(name));
  const lines = rows.map((row) => columns.map((column, i) => quoted(field(exact(row[i] ?? null, column)))));
  return [header, ...lines].map((fields) => `${fields.join(',')}\r\n`).join('');
}

function exact(value: unknown, { kind }: Column): unknown {
  return kind === 'time' && typeof value === 'number' ? isoTime(value) : value;
}

function field(value: unknown): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
