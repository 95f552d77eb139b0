import type { Answer, Column } from '../model/answer.ts';
import type { UserResult } from '../store/store.ts';

const NUMBER = /^U?Int\d+|^Float\d+|^BFloat16|^Decimal/;
/** Ours have milliseconds; what is finer stays as the engine writes it. */
const INSTANT = /^DateTime(?:$|\('UTC'\)$|64\([0-3](?:, 'UTC')?\)$)/;

/** What SQL of a user gave, with columns by what they hold: instants become Unix ms. */
export function sqlAnswer({ columns, rows, truncated }: UserResult): Answer {
  const kinds = columns.map(({ name, type }): Column => ({ name, kind: kindOf(plainType(type)) }));
  return {
    columns: kinds,
    rows: rows.map((row) => row.map((value, i) => (kinds[i]?.kind === 'time' ? instantOf(value) : value))),
    truncated,
  };
}

/** `LowCardinality(Nullable(String))` is `String`. */
function plainType(type: string): string {
  const [, inner] = /^(?:LowCardinality|Nullable)\((.*)\)$/s.exec(type) ?? [];
  return inner === undefined ? type : plainType(inner);
}

function kindOf(type: string): Column['kind'] {
  if (NUMBER.test(type)) return 'number';
  return INSTANT.test(type) ? 'time' : 'text';
}

/** The engine writes `2026-11-23 04:00:00.000`, in UTC. */
function instantOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const at = Date.parse(`${value.replace(' ', 'T')}Z`);
  return Number.isNaN(at) ? value : at;
}
