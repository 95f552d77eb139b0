import { groupBy } from '../lib/group.ts';
import { plural, secondOf } from '../lib/units.ts';
import type { Check } from '../model/diagnosis.ts';
import type { Store } from '../store/store.ts';
import { coverage, type CoveredRange } from './coverage.ts';
import { detailLines, partLines, size } from './detail-lines.ts';
import type { Filter } from './filter.ts';

/** Whether every byte of every file that was read in the period is there: proven by the ranges, or the bytes and lines that are not. */
export async function lossCheck(store: Store, filter: Filter & { readonly limit: number }): Promise<Check> {
  const ranges = await coverage(store, filter);
  const files = groupBy(ranges, ({ cluster, host, fileId }) => `${cluster}\0${host}\0${fileId}`);
  const gaps = ranges.filter(({ missingBytes }) => missingBytes > 0);
  const all = ranges.length < filter.limit;
  const parts = partLines([...files.values()].map(fileLine));
  const base = { name: 'loss', details: detailLines([...gaps.map(gapLine), ...ranges.flatMap(overlapLine)]), parts };
  if (ranges.length === 0)
    return { ...base, state: 'warn', summary: 'nothing was read in this time', hint: 'is a collector running?' };
  const summary = summaryOf(ranges, files.size);
  if (gaps.length > 0)
    return {
      ...base,
      state: 'fail',
      summary,
      hint: 'the log of precopy on that host says why: what was deleted before it was read is lost; what still lies there is read',
    };
  if (!all)
    return {
      ...base,
      state: 'warn',
      summary: `${summary}, as far as was looked`,
      hint: 'ask for a shorter time, or for one --host',
    };
  return { ...base, state: 'ok', summary, hint: null };
}

function summaryOf(ranges: readonly CoveredRange[], files: number): string {
  const hosts = new Set(ranges.map(({ cluster, host }) => `${cluster}\0${host}`)).size;
  const sum = (of: (range: CoveredRange) => number): number => ranges.reduce((total, range) => total + of(range), 0);
  const gaps = ranges.filter(({ missingBytes }) => missingBytes > 0).length;
  const missing = sum(({ missingBytes }) => missingBytes);
  const what = `${size(sum(({ fromOffset, toOffset }) => toOffset - fromOffset))} of ${plural(files, 'file')} of ${plural(hosts, 'host')}`;
  const lost = gaps === 0 ? 'no gap' : `${plural(gaps, 'gap')}, ${size(missing)} never arrived`;
  return `${what}: ${lost}, ${overlapWords(sum(({ overlapBytes }) => overlapBytes))}`;
}

function overlapWords(count: number): string {
  return count === 0 ? 'no overlap' : `${size(count)} arrived twice and are stored once`;
}

/** `kvm-a /var/log/…: bytes 0 to 4711, lines 1 to 80, read 2026-…: no gap, no overlap`. */
function fileLine(stretches: readonly CoveredRange[]): string {
  const [first] = stretches;
  const last = stretches.at(-1);
  if (first === undefined || last === undefined) return '';
  const missing = stretches.reduce((sum, { missingBytes }) => sum + missingBytes, 0);
  const again = stretches.reduce((sum, { overlapBytes }) => sum + overlapBytes, 0);
  const lines = last.toLine > first.fromLine ? `, lines ${first.fromLine + 1} to ${last.toLine}` : '';
  const read = `read ${secondOf(first.firstObservedAt)} to ${secondOf(last.lastObservedAt)}`;
  const lost = missing === 0 ? 'no gap' : `${size(missing)} never arrived`;
  return `${first.host} ${first.path}: bytes ${first.fromOffset} to ${last.toOffset}${lines}, ${read}: ${lost}, ${overlapWords(again)}`;
}

function gapLine({ host, path, fromOffset, fromLine, missingBytes, missingLines, firstAt }: CoveredRange): string {
  const lines = missingLines === 0 ? ' (a part of a line)' : ` (${lineRange(fromLine - missingLines + 1, fromLine)})`;
  const before = firstAt === null ? '' : `, before ${secondOf(firstAt)}`;
  return `${host} ${path}: bytes ${fromOffset - missingBytes} to ${fromOffset} never arrived${lines}${before}`;
}

function lineRange(from: number, to: number): string {
  return from === to ? `line ${from}` : `lines ${from} to ${to}`;
}

function overlapLine({ host, path, fromOffset, toOffset, overlapBytes }: CoveredRange): readonly string[] {
  if (overlapBytes === 0) return [];
  return [`${host} ${path}: ${size(overlapBytes)} of bytes ${fromOffset} to ${toOffset} arrived again; stored once`];
}
