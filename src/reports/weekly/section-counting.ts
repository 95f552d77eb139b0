import { shell } from '../../lib/shell.ts';
import { nameKind, type Block, type Inline, type Section } from './blocks.ts';
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
      { title: 'host', kind: nameKind(hosts.silentHosts.map(({ host }) => host)) },
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
          ...figures.things('hosts.known', 'hypervisor is known', 'hypervisors are known'),
          ' from this week and the four before; read in this week: ',
          figures.count('hosts.read'),
          ', not read: ',
          figures.count('hosts.silent'),
          '.',
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
        command: askedAgain(sql),
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

/** Acts in double quotation marks of a shell; `!=` does not. */
const ACTIVE = /[$`"\\]|!(?!=)/;

/** SQL is full of single quotation marks: in double ones it can be read, where it holds nothing that acts there. */
function askedAgain(sql: string): string {
  return ACTIVE.test(sql) ? shell`precopy query --sql ${sql}` : `precopy query --sql "${sql}"`;
}
