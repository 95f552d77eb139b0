import type { Migration } from '../../model/timeline.ts';
import { marksOf, type Lane, type Mark } from '../incident/lane-events.ts';
import type { Page } from './page.ts';
import { columns, foldTo, pad, shortIds } from './text.ts';
import { precise, relative } from '../incident/time.ts';

/** Marks of one migration; on a narrow screen, where each takes a line below the findings, fewer. */
const MARKS = 14;
const MARKS_NARROW = 10;
/** From this width on, lanes stand side by side. */
const WIDE = 140;

const LANES: readonly Lane[] = ['source', 'destination', 'network', 'storage', 'heat'];

/** What happened in one migration, on one time axis, by where it happened. */
export function lanes(migration: Migration, page: Page): readonly string[] {
  const marks = marksOf(migration, page.analysis.hosts, page.allEvidence || page.width >= WIDE ? MARKS : MARKS_NARROW);
  if (marks.length === 0) return [];
  const names = laneNames(migration);
  const { arrow } = page.glyphs;
  const title = page.show(`TIMELINE  ${migration.vm}  ${names.source} ${arrow} ${names.destination}`);
  const first = marks[0]?.at ?? migration.startedAt;
  const times = marks.map(({ at }, i) => (i === 0 ? precise(at) : relative(at - first)));
  const shown = { marks, times, names };
  return [page.paint('strong', title), ...(page.width >= WIDE ? sideBySide(shown, page) : oneBelowTheOther(shown, page))];
}

interface Shown {
  readonly marks: readonly Mark[];
  readonly times: readonly string[];
  readonly names: Readonly<Record<Lane, string>>;
}

function laneNames({ source, destination, destinationAddress }: Migration): Readonly<Record<Lane, string>> {
  return {
    source: source ?? 'source',
    destination: destination ?? destinationAddress ?? 'destination',
    network: 'network',
    storage: 'storage',
    heat: 'heat',
  };
}

/** Columns of the times: `04:42:33.092`, and in a long migration more. */
function timeColumns(times: readonly string[]): number {
  return Math.max(...times.map(columns));
}

function oneBelowTheOther({ marks, times, names }: Shown, page: Page): readonly string[] {
  const lane = Math.max(...marks.map((mark) => columns(page.show(names[mark.lane]))));
  const time = timeColumns(times);
  const width = page.width - 2 - time - 2 - lane - 2;
  return marks.flatMap((mark, i) => {
    const head = `${pad(times[i] ?? '', time)}  ${pad(page.show(names[mark.lane]), lane)}`;
    const [first = '', ...more] = foldTo(page.show(shortIds(mark.text, page.glyphs.ellipsis)), {
      width,
      lines: 2,
      ellipsis: page.glyphs.ellipsis,
    });
    return [`  ${page.paint('dim', head)}  ${first}`, ...more.map((line) => ' '.repeat(2 + time + 2 + lane + 2) + line)];
  });
}

/** Columns of the network, storage and heat lanes at most. */
const SIDE = 34;

function sideBySide({ marks, times, names }: Shown, page: Page): readonly string[] {
  const used = LANES.filter((lane) => marks.some((mark) => mark.lane === lane));
  const time = timeColumns(times);
  const widths = laneWidths(used, marks, page.width - 2 - time - 2 * used.length);
  const row = (at: string, cells: readonly string[]): string =>
    `  ${page.paint('dim', pad(at, time))}  ${cells.join('  ')}`.trimEnd();
  const cell = (lane: Lane, text: string): string => pad(text, widths[lane]);
  const heads = used.map((lane) =>
    cell(lane, page.show(names[lane]) + (lane === 'source' || lane === 'destination' ? ` (${lane})` : '')),
  );
  const rows = marks.flatMap((mark, i) => {
    const lines = foldTo(page.show(shortIds(mark.text, page.glyphs.ellipsis)), {
      width: widths[mark.lane],
      lines: 3,
      ellipsis: page.glyphs.ellipsis,
    });
    return lines.map((line, j) =>
      row(
        j === 0 ? (times[i] ?? '') : '',
        used.map((lane) => cell(lane, lane === mark.lane ? line : '')),
      ),
    );
  });
  return [page.paint('dim', row('', heads)), ...rows];
}

/** Network, storage and heat take what they need, the hosts share the rest. */
function laneWidths(used: readonly Lane[], marks: readonly Mark[], room: number): Readonly<Record<Lane, number>> {
  const longest = (lane: Lane): number =>
    Math.max(0, ...marks.filter((mark) => mark.lane === lane).map(({ text }) => columns(text)));
  const side = (lane: Lane): number => (used.includes(lane) ? Math.min(SIDE, Math.max(10, longest(lane))) : 0);
  const network = side('network');
  const storage = side('storage');
  const heat = side('heat');
  const hosts = used.filter((lane) => lane === 'source' || lane === 'destination').length;
  const host = Math.floor((room - network - storage - heat) / Math.max(1, hosts));
  return { source: host, destination: host, network, storage, heat };
}
