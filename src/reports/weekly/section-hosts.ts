import { groupBy } from '../../lib/group.ts';
import { listed } from '../../lib/units.ts';
import { nameKind, type Block, type Inline, type Section } from './blocks.ts';
import type { WeeklyReport } from './document.ts';
import type { Figures } from './figures.ts';

interface Context {
  readonly report: WeeklyReport;
  readonly figures: Figures;
}

function section(title: string, blocks: readonly Block[]): Section {
  return { title, brief: false, folded: false, blocks };
}

/** Features that a row names. */
const MOST_FEATURES = 8;

/** Between which hosts CPUs agree. */
export function cpuSection({ report, figures }: Context): Section {
  const { cpu } = report;
  if (cpu.clusters.length === 0)
    return section('CPU compatibility', [
      { kind: 'paragraph', of: ['No migration between two known hosts was seen, so nothing is known of it.'] },
    ]);
  const many = cpu.clusters.length > 1;
  const shown = cpu.clusters.flatMap(({ cluster, fails, mixed }, i) => (fails + mixed > 0 || i < 3 ? [{ cluster, i }] : []));
  const totals: readonly Block[] = shown.map(({ cluster, i }) => {
    const at = `cpu.clusters.${i}`;
    return {
      kind: 'paragraph',
      of: [
        ...(many ? [{ foreign: cluster }, ', '] : []),
        ...figures.things(`${at}.hosts`, 'host'),
        ', of their pairs, each way: ',
        figures.count(`${at}.works`),
        ' work, ',
        figures.count(`${at}.mixed`),
        ' work for some VMs only, ',
        figures.count(`${at}.fails`),
        ' fail, ',
        figures.count(`${at}.unknown`),
        ' not seen yet.',
      ],
    };
  });
  return section('CPU compatibility', [
    ...totals,
    ...(cpu.failing.length === 0 ? [] : [failingTable({ report, figures })]),
    ...cpu.matrices.flatMap((_, i) => matrix({ report, figures }, i, many)),
    {
      kind: 'paragraph',
      small: true,
      of: [
        'From outcomes of ',
        figures.count('cpu.days'),
        ' days. A pair that works for one VM may fail for another with a newer CPU model.',
        ...(cpu.matrices.length === 0 ? [] : [LEGEND]),
      ],
    },
  ]);
}

function failingTable({ report, figures }: Context): Block {
  return {
    kind: 'table',
    caption: 'Pairs that failed for their CPUs',
    columns: [
      { title: 'from → to', kind: nameKind(report.cpu.failing.flatMap(({ source, destination }) => [source, destination])) },
      { title: 'failed', kind: 'number' },
      { title: 'completed', kind: 'number' },
      { title: 'last', kind: 'fixed' },
      { title: 'what the destination lacks', kind: 'long' },
    ],
    rows: report.cpu.failing.map(({ source, destination, features, text }, i) => [
      [{ foreign: `${source} → ${destination}` }],
      [figures.count(`cpu.failing.${i}.cpuFailed`)],
      [figures.count(`cpu.failing.${i}.completed`)],
      [figures.at(`cpu.failing.${i}.lastFailedAt`)],
      [{ foreign: features.length === 0 ? (text ?? 'nothing tells') : listed(features, MOST_FEATURES) }],
    ]),
  };
}

const CELLS = {
  works: { tone: 'good', word: 'works' },
  fails: { tone: 'critical', word: 'fails' },
  mixed: { tone: 'warning', word: 'some' },
  unknown: { tone: 'dim', word: '?' },
  itself: { tone: 'dim', word: '·' },
} as const;

function matrix({ report, figures }: Context, i: number, named: boolean): readonly Block[] {
  const { hosts = [], rows = [], cluster = '', left = 0 } = report.cpu.matrices[i] ?? {};
  const cells = rows.map((cells_, row): readonly Inline[] => [
    [{ foreign: hosts[row]?.host ?? '' }],
    ...cells_.map(({ state, lacks }, column): Inline => {
      const { tone, word } = CELLS[state];
      const flags = state === 'unknown' && lacks !== null && lacks > 0;
      return [{ tone, word }, ...(flags ? [' −', figures.count(`cpu.matrices.${i}.rows.${row}.${column}.lacks`)] : [])];
    }),
  ]);
  const models = [...groupBy(hosts, ({ model }) => model)].flatMap(([model, of]) =>
    model === null ? [] : [`${listed(of.map(({ host }) => host))}: ${model}`],
  );
  return [
    {
      kind: 'table',
      caption: `From the host of the row to that of the column${named ? `, ${cluster}` : ''}`,
      columns: [{ title: '', kind: 'fixed' }, ...hosts.map(({ host }) => ({ title: host, kind: nameKind([host]) }))],
      rows: cells,
    },
    ...(left === 0 && models.length === 0
      ? []
      : [
          {
            kind: 'paragraph' as const,
            small: true,
            of: [
              { foreign: models.join('; ') },
              ...(left > 0
                ? [' Left out, for they are in no failing pair: ', ...figures.things(`cpu.matrices.${i}.left`, 'host'), '.']
                : []),
            ],
          },
        ]),
  ];
}

const LEGEND =
  ' In the table: some, for some VMs; ?, not seen yet, with the number of CPU flags that the destination lacks where both hosts told theirs.';

/** The storage heartbeat. */
export function storageSection({ report, figures }: Context): Section {
  const { storage } = report;
  if (!storage.observed)
    return section('Storage heartbeat', [
      {
        kind: 'paragraph',
        of: ['Not observed: no write was measured, and no agent told of a failed one. That is no proof of healthy storage.'],
      },
    ]);
  const many = new Set(storage.pools.map(({ cluster }) => cluster)).size > 1;
  const pools: Block = {
    kind: 'table',
    caption: null,
    columns: [
      { title: 'pool', kind: 'text' },
      ...(many ? [{ title: 'cluster', kind: 'text' as const }] : []),
      { title: 'spikes', kind: 'number' },
      { title: 'critical', kind: 'number' },
      { title: 'hosts', kind: 'number' },
      { title: 'writes measured', kind: 'number' },
      { title: 'longest', kind: 'number' },
      { title: 'where and when', kind: 'text' },
    ],
    rows: storage.pools.map(({ pool, cluster, longestHost }, i) => {
      const at = `storage.pools.${i}`;
      return [
        [{ foreign: pool ?? 'not named' }],
        ...(many ? [[{ foreign: cluster }]] : []),
        [figures.count(`${at}.spikes`)],
        [figures.count(`${at}.critical`)],
        [figures.count(`${at}.hosts`)],
        [figures.count(`${at}.writes`)],
        [figures.ms(`${at}.longestMs`)],
        longestHost === null ? ['–'] : [{ foreign: longestHost }, ', ', figures.at(`${at}.longestAt`)],
      ];
    }),
  };
  return section('Storage heartbeat', [
    pools,
    ...(storage.resets.length === 0
      ? [{ kind: 'paragraph' as const, of: ['No host came near to resetting itself.'] }]
      : [resetsTable({ report, figures })]),
    { kind: 'paragraph', small: true, of: [{ foreign: storage.definition }, '.'] },
  ]);
}

function resetsTable({ report, figures }: Context): Block {
  const { storage } = report;
  return {
    kind: 'table',
    caption: 'Hosts that reset themselves, or came near',
    columns: [
      { title: '', kind: 'fixed' },
      { title: 'host', kind: nameKind(storage.resets.map(({ host }) => host)) },
      { title: 'since', kind: 'fixed' },
      { title: 'what happened', kind: 'long' },
    ],
    rows: storage.resets.map(({ host, reset, summary }, i) => [
      [reset ? { tone: 'critical', word: 'reset' } : { tone: 'warning', word: 'near' }],
      [{ foreign: host }],
      [figures.at(`storage.resets.${i}.at`)],
      [{ foreign: summary }],
    ]),
  };
}

const HEAT = {
  hot: 'while one of the hosts was hot',
  cool: 'while neither was',
  unobserved: 'temperatures not observed',
} as const;

/** Hosts that were too hot, and whether guests stood still longer for it. */
export function heatSection({ report, figures }: Context): Section {
  const { hosts, downtimes } = report.heat;
  const [hot, cool] = downtimes;
  const seen = (hot?.migrations ?? 0) + (cool?.migrations ?? 0) > 0;
  if (hosts.length === 0)
    return section('Heat', [
      {
        kind: 'paragraph',
        of: [
          seen
            ? 'No host was hotter than its own chips allow.'
            : 'Not observed: no host of a completed migration told temperatures.',
        ],
      },
    ]);
  return section('Heat', [
    {
      kind: 'table',
      caption: 'Hosts that were too hot',
      columns: [
        { title: 'host', kind: nameKind(hosts.map(({ host }) => host)) },
        { title: 'what', kind: 'text' },
        { title: 'findings', kind: 'number' },
        { title: 'near a migration', kind: 'text' },
      ],
      rows: hosts
        .slice(0, 10)
        .map(({ host, overheated, throttled, nearMigrations }, i) => [
          [{ foreign: host }],
          [listed([...(overheated ? ['over a limit of its chips'] : []), ...(throttled ? ['CPUs throttled'] : [])])],
          [figures.count(`heat.hosts.${i}.findings`)],
          [nearMigrations ? { tone: 'warning', word: 'yes' } : 'no'],
        ]),
    },
    {
      kind: 'table',
      caption: 'Downtime of completed migrations',
      columns: [
        { title: '', kind: 'text' },
        { title: 'migrations', kind: 'number' },
        { title: 'downtime known', kind: 'number' },
        { title: 'median', kind: 'number' },
      ],
      rows: downtimes.map(({ heat }, i) => [
        [HEAT[heat]],
        [figures.count(`heat.downtimes.${i}.migrations`)],
        [figures.count(`heat.downtimes.${i}.known`)],
        [figures.ms(`heat.downtimes.${i}.medianMs`)],
      ]),
    },
  ]);
}
