import { nameKind, type Block, type Inline, type ReportPage, type Section } from './blocks.ts';
import type { WeeklyReport } from './document.ts';
import { createFigures, type Figures } from './figures.ts';
import {
  announcementSection,
  bandwidthSection,
  convergenceSection,
  downtimeSection,
  migrationsSection,
} from './section-migrations.ts';
import { cpuSection, heatSection, storageSection } from './section-hosts.ts';
import { countingSection, notJudgedSection } from './section-counting.ts';

/** What sections are written from. */
export interface SectionContext {
  readonly report: WeeklyReport;
  readonly figures: Figures;
}

const LEVELS = {
  good: { tone: 'good', word: 'Good' },
  watch: { tone: 'warning', word: 'Watch' },
  bad: { tone: 'critical', word: 'Bad' },
  unknown: { tone: 'dim', word: 'Not known' },
} as const;

/** A report in the order in which a team lead reads it: how it went, what changed, what to do; then why; then what nobody saw. */
export function reportPage(report: WeeklyReport): ReportPage {
  const context: SectionContext = { report, figures: createFigures(report) };
  const { level, text } = report.verdict;
  return {
    title: `Live migrations, week ${report.week}`,
    verdict: { ...LEVELS[level], text },
    about: about(context),
    sections: [
      changesSection(context),
      ...adviceSection(context),
      incidentsSection(context),
      migrationsSection(context),
      downtimeSection(context),
      convergenceSection(context),
      bandwidthSection(context),
      announcementSection(context),
      cpuSection(context),
      storageSection(context),
      heatSection(context),
      notJudgedSection(context),
      countingSection(context),
    ],
  };
}

function about({ report, figures }: SectionContext): Inline {
  const cluster: Inline = report.cluster === null ? ['all clusters'] : ['cluster ', { foreign: report.cluster }];
  const open = report.complete
    ? []
    : [{ tone: 'warning' as const, word: ' The week is not over: later numbers will be larger.' }];
  return [
    ...cluster,
    '; from ',
    figures.at('from'),
    ' to ',
    figures.at('to'),
    ' (',
    figures.hours('hours'),
    '), times are ',
    { foreign: report.zone },
    '; made ',
    figures.at('madeAt'),
    '.',
    ...open,
  ];
}

const NAMES: Readonly<
  Record<WeeklyReport['changes'][number]['of'], { readonly name: string; readonly better: 'more' | 'less' | null }>
> = {
  migrations: { name: 'migrations', better: null },
  successRate: { name: 'success rate', better: 'more' },
  notCompleted: { name: 'failed or aborted', better: 'less' },
  downtimeP50Ms: { name: 'downtime p50', better: 'less' },
  downtimeP95Ms: { name: 'downtime p95', better: 'less' },
  overTargetShare: { name: 'over the downtime target', better: 'less' },
  incidents: { name: 'incidents', better: 'less' },
  spikes: { name: 'heartbeat spikes', better: 'less' },
};

function changesSection({ report, figures }: SectionContext): Section {
  const rows = report.changes.map(({ of, unit, value, weeks, sinceLastWeek }, i) => {
    const { name, better } = NAMES[of];
    const difference = figures.difference(`changes.${i}.sinceLastWeek`, unit);
    const worse = sinceLastWeek !== null && better !== null && sinceLastWeek !== 0 && sinceLastWeek > 0 !== (better === 'more');
    return [
      [{ tone: 'strong' as const, word: name }],
      [figures.of(`changes.${i}.value`, unit)],
      [difference, ...(worse ? [{ tone: 'warning' as const, word: ' worse' }] : [])],
      [figures.of(`changes.${i}.lastWeek`, unit)],
      [figures.of(`changes.${i}.median`, unit)],
      [{ trend: [...weeks.toReversed(), value], label: `${name}, five weeks, this one last` }],
    ];
  });
  return {
    title: 'The week in numbers',
    brief: true,
    folded: false,
    blocks: [
      {
        kind: 'table',
        caption: null,
        columns: [
          { title: '', kind: 'fixed' },
          { title: 'this week', kind: 'number' },
          { title: 'change', kind: 'number' },
          { title: 'week before', kind: 'number' },
          { title: 'four-week median', kind: 'number' },
          { title: 'five weeks', kind: 'fixed', drawn: true },
        ],
        rows,
      },
    ],
  };
}

function adviceSection({ report, figures }: SectionContext): readonly Section[] {
  const blocks = report.recommendations.flatMap(({ cause, hosts, steps, incidents }, i): readonly Block[] => {
    const at = `recommendations.${i}`;
    const dark = cause === 'no-data';
    return [
      {
        kind: 'heading',
        of: [
          { tone: 'strong', word: dark ? 'no data' : cause },
          ': ',
          ...figures.things(`${at}.incidents`, dark ? 'host' : 'incident'),
          ...where(hosts, dark ? ': ' : ', most on '),
        ],
      },
      ...steps.map(({ what, command, incidents: helped }, n): Block => ({
        kind: 'step',
        of: [
          { foreign: what },
          // the words of a step name its VM and hosts: for the others they are the same with other names
          ...(helped === incidents
            ? []
            : helped === 1
              ? [' (for one of them)']
              : [' (for ', figures.count(`${at}.steps.${n}.incidents`), ' of them)']),
        ],
        command,
      })),
    ];
  });
  return blocks.length === 0 ? [] : [{ title: 'What to do first', brief: true, folded: false, blocks }];
}

function where(hosts: readonly string[], before: string): Inline {
  return hosts.length === 0 ? [] : [before, { foreign: hosts.join(', ') }];
}

function incidentsSection({ report, figures }: SectionContext): Section {
  const { causes, total, others } = report.incidents;
  if (total === 0)
    return {
      title: 'Incidents',
      brief: false,
      folded: false,
      blocks: [{ kind: 'paragraph', of: ['No finding of warning or above.'] }],
    };
  const many = new Set(causes.map(({ cluster }) => cluster)).size > 1;
  const rows = causes.map(({ severity, cause, cluster, hosts, summary }, i) => {
    const at = `incidents.causes.${i}`;
    return [
      [{ tone: severity, word: severity }],
      [{ tone: 'strong' as const, word: cause }],
      ...(many ? [[{ foreign: cluster }]] : []),
      [figures.count(`${at}.incidents`)],
      [{ foreign: namesOf(hosts) }],
      [figures.at(`${at}.lastAt`)],
      [{ foreign: summary }],
    ];
  });
  return {
    title: 'Incidents by cause',
    brief: false,
    folded: false,
    blocks: [
      {
        kind: 'table',
        caption: null,
        columns: [
          { title: 'worst', kind: 'fixed' },
          { title: 'cause', kind: 'fixed' },
          ...(many ? [{ title: 'cluster', kind: 'text' as const }] : []),
          { title: 'incidents', kind: 'number' },
          { title: 'most on', kind: nameKind(causes.map(({ hosts }) => namesOf(hosts))) },
          { title: 'last began', kind: 'fixed' },
          { title: 'the latest of the worst', kind: 'long' },
        ],
        rows,
      },
      ...(others === 0
        ? []
        : [{ kind: 'paragraph' as const, small: true, of: ['And ', figures.count('incidents.others'), ' of other causes.'] }]),
      {
        kind: 'paragraph',
        small: true,
        of: [
          'All findings about one migration are one incident; an incident has the cause of its migration, else the detector of its worst finding; a VM on two hosts is one of its own kind.',
        ],
      },
    ],
  };
}

/** Two names say where; more would take the room of the sentence. */
function namesOf(hosts: readonly string[]): string {
  return hosts.slice(0, 2).join(', ');
}
