import type { Migration } from '../../model/timeline.ts';
import { LABEL, labelled } from './evidence.ts';
import type { Page } from './page.ts';
import { columns } from './text.ts';

const TITLE = 'MiB left before each pass:';

/** What remained at the beginning of each pass: as bars, and in numbers as far as they fit. */
export function convergenceChart({ passes }: Pick<Migration, 'passes'>, page: Page): readonly string[] {
  if (passes.length < 2) return [];
  const mib = passes.map(({ remainingBytes }) => remainingBytes / 2 ** 20);
  const numbers = mib.map((value) => (value < 9.95 ? value.toFixed(1) : String(Math.round(value))));
  const room = page.width - LABEL;
  const bars = barsOf(mib, Math.floor(room / 3), page);
  const head = bars === '' ? TITLE : `${bars}  ${TITLE}`;
  const line = `${head} ${numbers.join(' ')}`;
  return labelled('passes', columns(line) <= room ? [line] : [head, fitting(numbers, room, page)], page);
}

/** One sign a pass, against the largest; the middle is left out where there are more passes than columns. */
function barsOf(values: readonly number[], room: number, { glyphs: { bars, ellipsis } }: Page): string {
  const largest = Math.max(...values);
  const signs = values.map((value) => bars[Math.min(bars.length - 1, Math.floor((value / largest) * bars.length))] ?? '');
  return signs.length <= room ? signs.join('') : signs.slice(0, 8).join('') + ellipsis + signs.slice(-(room - 9)).join('');
}

/** The first numbers and the last ones, as many as fit. */
function fitting(numbers: readonly string[], room: number, { glyphs: { ellipsis } }: Page): string {
  const whole = numbers.join(' ');
  if (columns(whole) <= room) return whole;
  const first = numbers.slice(0, 4);
  const last: string[] = [];
  for (const number of numbers.slice(4).toReversed()) {
    if (columns([...first, ellipsis, number, ...last].join(' ')) > room) break;
    last.unshift(number);
  }
  return [...first, ellipsis, ...last].join(' ');
}
