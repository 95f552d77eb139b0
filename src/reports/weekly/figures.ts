import { duration, isoMs, rate } from '../../lib/units.ts';
import { wallTime, zoneNamed } from '../../timeline/zone.ts';
import type { Figure, Inline } from './blocks.ts';
import type { WeeklyReport } from './document.ts';
import { percent } from './verdict.ts';

/** What stands for a number that is not known. */
const NOT_OBSERVED = 'not observed';

/** Numbers of one document by where they stand in it, so that what is shown is what it says. */
export interface Figures {
  count(field: string): Figure | string;
  /** A count with the thing that is counted: `1 host`, `3 hosts`. */
  things(field: string, one: string, many?: string): Inline;
  ms(field: string): Figure | string;
  share(field: string): Figure | string;
  rate(field: string): Figure | string;
  /** With two decimals. */
  ratio(field: string): Figure | string;
  percent(field: string): Figure | string;
  hours(field: string): Figure | string;
  /** By the clocks of the report's zone. */
  at(field: string): Figure | string;
  /** A difference, with its sign. */
  difference(field: string, unit: 'count' | 'share' | 'ms'): Figure | string;
  of(field: string, unit: 'count' | 'share' | 'ms'): Figure | string;
}

/** Reads and words the numbers of a document. */
export function createFigures(report: WeeklyReport): Figures {
  const zone = zoneNamed(report.zone);
  const figure =
    (word: (value: number) => string) =>
    (field: string): Figure | string => {
      const value = valueAt(report, field);
      if (value === null) return NOT_OBSERVED;
      if (typeof value !== 'number') throw new Error(`no number of the report: ${field}`);
      return { field, value, text: word(value) };
    };
  const by = { count: figure(String), ms: figure(duration), share: figure(percent) };
  return {
    ...by,
    rate: figure(rate),
    ratio: figure((value) => value.toFixed(2)),
    percent: figure((value) => `${Math.round(value)} %`),
    hours: figure((value) => `${value} h`),
    things(field, one, many = `${one}s`) {
      const shown = by.count(field);
      return [shown, typeof shown === 'object' && shown.value === 1 ? ` ${one}` : ` ${many}`];
    },
    of: (field, unit) => by[unit](field),
    difference: (field, unit) => figure((value) => signed(value, unit))(field),
    at(field) {
      const value = valueAt(report, field);
      if (value === null) return NOT_OBSERVED;
      if (typeof value !== 'string' || zone === null) throw new Error(`no time of the report: ${field}`);
      return { field, value, text: wallTime(isoMs(value), zone) };
    },
  };
}

function signed(value: number, unit: 'count' | 'share' | 'ms'): string {
  const size = Math.abs(value);
  const words = unit === 'ms' ? duration(size) : unit === 'share' ? `${(size * 100).toFixed(1)} points` : String(size);
  if (/^[0. ]+(?:points|ms)?$/.test(words)) return '±0';
  return `${value < 0 ? '−' : '+'}${words}`;
}

/** @throws Error where the document has no such field: that is a bug. */
function valueAt(report: WeeklyReport, field: string): unknown {
  let value: unknown = report;
  for (const key of field.split('.')) {
    if (typeof value !== 'object' || value === null || !(key in value)) throw new Error(`no field of the report: ${field}`);
    value = Reflect.get(value, key);
  }
  return value;
}
