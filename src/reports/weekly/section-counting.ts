import { shell } from '../../lib/shell.ts';
import type { Block, Inline, Section } from './blocks.ts';
import type { WeeklyReport } from './document.ts';
import type { Figures } from './figures.ts';

interface Context {
  readonly report: WeeklyReport;
  readonly figures: Figures;
}

/** What nobody saw, and what is therefore not judged. */
export function notJudgedSection({ report, figures }: Context): Section {
  const { hosts } = report;
  const silent: Block = {
    kind: 'table',
    caption: 'Hosts without data: nothing about them is judged, except what other hosts tell',
    columns: [
      { title: 'host', kind: 'text' },
      { title: 'cluster', kind: 'text' },
      { title: 'last record', kind: 'fixed' },
    ],
    rows: hosts.silentHosts.map(({ host, cluster, lastAt }, i) => [
      [{ foreign: host }],
      [{ foreign: cluster }],
      [lastAt === null ? 'none in five weeks' : figures.at(`hosts.silentHosts.${i}.lastAt`)],
    ]),
  };
  const missing: Block = {
    kind: 'table',
    caption: 'Of hosts that were read',
    columns: [
      { title: 'not read', kind: 'text' },
      { title: 'hosts', kind: 'number' },
      { title: 'of them', kind: 'text' },
      { title: 'therefore not judged', kind: 'long' },
    ],
    rows: hosts.missing.map(({ what, named, notJudged }, i) => [
      [what],
      [figures.count(`hosts.missing.${i}.hosts`)],
      [{ foreign: named.join(', ') }],
      [{ foreign: notJudged }],
    ]),
  };
  return {
    title: 'Not observed',
    brief: true,
    folded: false,
    blocks: [
      {
        kind: 'paragraph',
        of: [
          'Of ',
          figures.count('hosts.known'),
          ' hypervisors that are known, ',
          figures.count('hosts.read'),
          ' were read in this week and ',
          figures.count('hosts.silent'),
          ' were not.',
        ],
      },
      ...(hosts.silentHosts.length === 0 ? [] : [silent]),
      ...(hosts.missing.length === 0 ? [] : [missing]),
    ],
  };
}

/** How every number is counted, and how to count it again. */
export function countingSection({ report, figures }: Context): Section {
  const sums = report.reconciliation.flatMap(({ what, parts, sql }, i): readonly Block[] => {
    const at = `reconciliation.${i}`;
    const added = parts.flatMap((part, n): Inline => [
      n === 0 ? ' = ' : ' + ',
      figures.count(`${at}.parts.${n}.count`),
      ' ',
      { foreign: part.what },
    ]);
    return [
      {
        kind: 'step',
        of: [figures.count(`${at}.total`), ' ', { foreign: what }, ...added],
        command: shell`precopy query --sql ${sql}`,
      },
    ];
  });
  return {
    title: 'How this is counted',
    brief: false,
    folded: true,
    blocks: [
      {
        kind: 'paragraph',
        of: [
          'A migration, a finding and an incident belong to the week in which they began, by the clocks of the zone. What is not known is in no number, and is said to be not observed.',
        ],
      },
      ...sums,
      {
        kind: 'paragraph',
        small: true,
        of: [{ foreign: report.storage.definition }, '. ', { foreign: report.heat.definition }, '.'],
      },
    ],
  };
}
