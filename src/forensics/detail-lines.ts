import { bytes } from '../lib/units.ts';

const MOST_DETAILS = 20;
const MOST_PARTS = 1000;

/** What is wrong, one a line; of very many the rest are counted. */
export function detailLines(lines: readonly string[]): readonly string[] {
  return cutTo(lines, MOST_DETAILS);
}

/** What a statement is made of, one a line; shown on request only, so there may be more of them. */
export function partLines(lines: readonly string[]): readonly string[] {
  return cutTo(lines, MOST_PARTS);
}

/** `29 bytes`, `512 MiB`. */
export function size(count: number): string {
  if (count === 1) return '1 byte';
  return count < 1024 ? `${count} bytes` : bytes(count);
}

/** A part of a whole: `0.2 %`; a few of very many are not 0. */
export function share(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0 %';
  const percent = (part * 100) / whole;
  return percent < 0.1 ? 'under 0.1 %' : `${Math.round(percent * 10) / 10} %`;
}

function cutTo(lines: readonly string[], most: number): readonly string[] {
  return lines.length <= most ? lines : [...lines.slice(0, most), `and ${lines.length - most} more`];
}
