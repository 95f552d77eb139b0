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

function small(...of: Inline): Block {
  return { kind: 'paragraph', of, small: true };
}

/** `from → to`, with what stands for an end that is not known. */
function journey(source: string | null, destination: string | null): Inline {
  return [{ foreign: `${source ?? 'not known'} → ${destination ?? 'not known'}` }];
}

/** How migrations ended, and why. */
export function migrationsSection({ report, figures }: Context): Section {
  const { outcomes, causes, success } = report.migrations;
  const ended: Block = {
    kind: 'table',
    caption: 'By how they ended, and how sure that is',
    columns: [
      { title: 'outcome', kind: 'text' },
      { title: 'migrations', kind: 'number' },
      { title: 'a line says so', kind: 'number' },
      { title: 'follows from others', kind: 'number' },
      { title: 'nothing tells', kind: 'number' },
    ],
    rows: outcomes.map(({ outcome, migrations }, i) => {
      const at = `migrations.outcomes.${i}`;
      const tone =
        outcome === 'completed' ? 'good' : outcome === 'failed' ? 'critical' : outcome === 'running' ? 'info' : 'warning';
      return [
        [{ tone: migrations === 0 ? 'dim' : tone, word: outcome }],
        [figures.count(`${at}.migrations`)],
        [figures.count(`${at}.seen`)],
        [figures.count(`${at}.follows`)],
        [figures.count(`${at}.unobserved`)],
      ];
    }),
  };
  const why: Block = {
    kind: 'table',
    caption: 'Why they did not complete',
    columns: [
      { title: 'cause', kind: 'text' },
      { title: 'failed', kind: 'number' },
      { title: 'aborted', kind: 'number' },
    ],
    rows: causes.map(({ cause }, i) => [
      [cause === null ? 'nothing tells' : cause === 'unknown' ? 'none that Precopy knows' : cause],
      [figures.count(`migrations.causes.${i}.failed`)],
      [figures.count(`migrations.causes.${i}.aborted`)],
    ]),
  };
  return section('Migrations', [
    {
      kind: 'paragraph',
      of: [
        'Success rate ',
        figures.share('migrations.success.rate'),
        ': ',
        figures.count('migrations.success.completed'),
        ' of ',
        figures.count('migrations.success.judged'),
        '. ',
        { tone: 'dim', word: `Counted: ${success.definition}` },
        '.',
      ],
    },
    ended,
    ...(causes.length === 0 ? [] : [why]),
  ]);
}

/** For how long guests stood still. */
export function downtimeSection({ report, figures }: Context): Section {
  const { worst, percentilesNote, lowerBounds, known, completed } = report.downtime;
  if (completed === 0) return section('Downtime', [{ kind: 'paragraph', of: ['No migration completed.'] }]);
  const numbers: Block = {
    kind: 'table',
    caption: null,
    columns: ['p50', 'p95', 'p99', 'longest', 'over the target', 'share', 'over the limit in force'].map((title) => ({
      title,
      kind: 'number',
    })),
    rows: [
      [
        [percentile(figures, 'p50Ms', known)],
        [percentile(figures, 'p95Ms', known)],
        [percentile(figures, 'p99Ms', known)],
        [figures.ms('downtime.maxMs')],
        [figures.count('downtime.overTarget')],
        [figures.share('downtime.overTargetShare')],
        [figures.count('downtime.overLimit')],
      ],
    ],
  };
  return section('Downtime', [
    {
      kind: 'paragraph',
      of: [
        'Of ',
        figures.count('downtime.completed'),
        ' completed migrations the downtime of ',
        figures.count('downtime.known'),
        ' is known; of ',
        figures.count('downtime.lowerBounds'),
        ' only a lower bound',
        ...(lowerBounds === 0
          ? []
          : [', of which ', figures.count('downtime.lowerBoundsOverTarget'), ' are over the target already']),
        '; of ',
        figures.count('downtime.notObserved'),
        ' it was not observed. The target is ',
        figures.ms('downtime.targetMs'),
        '.',
      ],
    },
    ...(known === 0 ? [] : [numbers]),
    ...(percentilesNote === null ? [] : [small({ foreign: percentilesNote }, '.')]),
    ...(worst.length === 0 ? [] : [worstTable({ report, figures })]),
  ]);
}

/** Too few values are said as such: the downtimes themselves were observed. */
function percentile(figures: Figures, name: 'p50Ms' | 'p95Ms' | 'p99Ms', known: number): ReturnType<Figures['ms']> {
  const shown = figures.ms(`downtime.${name}`);
  return typeof shown === 'string' && known > 0 ? 'too few' : shown;
}

function worstTable({ report, figures }: Context): Block {
  const { worst } = report.downtime;
  return {
    kind: 'table',
    caption: 'The longest',
    columns: [
      { title: 'VM', kind: nameKind(worst.map(({ vm }) => vm)) },
      { title: 'from → to', kind: nameKind(worst.flatMap(({ source, destination }) => [source, destination])) },
      { title: 'began', kind: 'fixed' },
      { title: 'downtime', kind: 'number' },
      { title: 'limit in force', kind: 'number' },
    ],
    rows: worst.map(({ vm, source, destination }, i) => [
      [{ foreign: vm }],
      journey(source, destination),
      [figures.at(`downtime.worst.${i}.startedAt`)],
      [figures.ms(`downtime.worst.${i}.downtimeMs`)],
      [figures.ms(`downtime.worst.${i}.limitMs`)],
    ]),
  };
}

/** How the copying of memory went. */
export function convergenceSection({ report, figures }: Context): Section {
  const { observed, predicted, throttled, retries, notObserved } = report.convergence;
  const ratios: Block = {
    kind: 'table',
    caption: 'Dirty rate by bandwidth, as last predicted',
    columns: ['p50', 'p95', 'up to half', 'below one', 'one and above'].map((title) => ({ title, kind: 'number' })),
    rows: [
      [
        [figures.ratio('convergence.ratioP50')],
        [figures.ratio('convergence.ratioP95')],
        [figures.count('convergence.ratios.calm')],
        [figures.count('convergence.ratios.close')],
        [figures.count('convergence.ratios.beyond')],
      ],
    ],
  };
  const seen: Inline =
    observed === 0
      ? ['No counters of the copying were seen: ratios and throttling were not observed.']
      : [
          'Counters of ',
          ...figures.things('convergence.observed', 'migration'),
          ' were seen',
          ...(notObserved === 0 ? [] : [', of ', figures.count('convergence.notObserved'), ' not']),
          '; of ',
          figures.count('convergence.predicted'),
          ' at least two passes, which a ratio needs. QEMU throttled ',
          ...figures.things('convergence.throttled', 'guest'),
          ...(throttled === 0 ? [] : [', by up to ', figures.percent('convergence.maxThrottlePercent')]),
          '; ',
          figures.count('convergence.postcopy'),
          ' went on in post-copy; ',
          figures.count('convergence.aborted'),
          ' were aborted.',
        ];
  return section('Convergence and retries', [
    { kind: 'paragraph', of: seen },
    ...(predicted === 0 ? [] : [ratios]),
    {
      kind: 'paragraph',
      of: [
        ...figures.things('convergence.retries.retries', 'retry', 'retries'),
        ' of ',
        ...figures.things('convergence.retries.vms', 'VM'),
        '; completed: ',
        figures.count('convergence.retries.completed'),
        '. ',
        { tone: 'dim', word: `A retry: ${retries.definition}.` },
      ],
    },
  ]);
}

/** Pairs of hosts and hosts whose memory streams are slow. */
export function bandwidthSection({ report, figures }: Context): Section {
  const { bandwidth } = report;
  if (bandwidth.measured === 0)
    return section('Links', [
      { kind: 'paragraph', of: ['Not observed: no migration has two counters of bytes sent (virsh domjobinfo).'] },
    ]);
  const rows = (['pairs', 'sources', 'destinations'] as const).flatMap((of) =>
    bandwidth[of].flatMap(({ source, destination, slow }, i) => {
      const at = `bandwidth.${of}.${i}`;
      // of hosts only the slow ones: most are slow or fast because of a pair that stands here already
      if (of !== 'pairs' && !slow) return [];
      const who: Inline =
        of === 'pairs'
          ? journey(source, destination)
          : [of === 'sources' ? 'all from ' : 'all to ', { foreign: (of === 'sources' ? source : destination) ?? '' }];
      return [
        [
          who,
          [figures.count(`${at}.migrations`)],
          [figures.rate(`${at}.medianBytesPerSecond`)],
          [figures.rate(`${at}.minBytesPerSecond`)],
          [figures.rate(`${at}.maxBytesPerSecond`)],
          [figures.share(`${at}.ofMedian`), ...(slow ? [{ tone: 'warning' as const, word: ' slow' }] : [])],
        ],
      ];
    }),
  );
  return section('Links', [
    {
      kind: 'paragraph',
      of: [
        'Effective bandwidth, median over ',
        ...figures.things('bandwidth.measured', 'migration'),
        ': ',
        figures.rate('bandwidth.medianBytesPerSecond'),
        '; of ',
        figures.count('bandwidth.notObserved'),
        ' not observed. ',
        { tone: 'dim', word: `Counted: ${bandwidth.definition}.` },
      ],
    },
    rows.length === 0
      ? small('No pair of hosts has ', figures.count('bandwidth.minMigrations'), ' measured migrations: none is ranked.')
      : {
          kind: 'table',
          caption: 'The slowest',
          columns: [
            { title: 'from → to', kind: nameKind(bandwidth.pairs.flatMap(({ source, destination }) => [source, destination])) },
            { title: 'migrations', kind: 'number' },
            { title: 'median', kind: 'number' },
            { title: 'slowest', kind: 'number' },
            { title: 'fastest', kind: 'number' },
            { title: 'of the median of all', kind: 'number' },
          ],
          rows,
        },
  ]);
}

/** Whether the network learned where VMs are. */
export function announcementSection({ figures }: Context): Section {
  return section('Announcements', [
    {
      kind: 'paragraph',
      of: [
        'Of ',
        ...figures.things('announcements.completed', 'completed migration'),
        ': announced to the network ',
        figures.count('announcements.yes'),
        ', not announced although somebody listened ',
        figures.count('announcements.no'),
        ', not observed ',
        figures.count('announcements.unobserved'),
        '.',
      ],
    },
  ]);
}
