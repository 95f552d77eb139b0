import { duration, listed, plural } from '../../lib/units.ts';
import { SKEW_IGNORED_MS, type ZoneOrigin } from '../../timeline/clock.ts';
import type { Analysis } from '../analysis.ts';
import { MOST_NAMES } from '../terminal/text.ts';
import { span } from './time.ts';

/** What stands above everything else, a statement each. */
export interface HeadWords {
  /** What was read, and of when. */
  readonly read: string;
  /** The zone of the report, and those of the quoted lines where they have another; `null` where nothing has a time. */
  readonly zones: string | null;
  /** A zone that nobody knows. */
  readonly warnings: readonly string[];
  /** Clocks that are off. */
  readonly skews: readonly string[];
}

const MOST_HOSTS = 6;

/** What was read, of when, and in which zone the files write their times; zones that are as expected only where all is to be said. */
export function headWords(analysis: Analysis, everyZone: boolean): HeadWords {
  const files = analysis.inputs.filter(({ tally }) => tally !== null);
  const hosts = [...new Set(files.flatMap(({ host }) => host ?? []))].toSorted();
  const of = hosts.length > MOST_HOSTS ? plural(hosts.length, 'host') : listed(hosts, MOST_HOSTS);
  const what = `${plural(files.length, 'file')}${hosts.length === 0 ? '' : ` of ${of}`}`;
  if (analysis.from === null || analysis.to === null) {
    const timed = files.some(({ tally }) => tally?.first !== null);
    return {
      read: timed ? what : `${what}; no record in ${files.length === 1 ? 'it' : 'them'} has a time`,
      zones: null,
      warnings: [],
      skews: [],
    };
  }
  return {
    read: `${what}, ${span(analysis.from, analysis.to)}`,
    zones: zones(analysis, everyZone),
    warnings: assumed(analysis),
    skews: skews(analysis),
  };
}

const WHY: Readonly<Record<Exclude<ZoneOrigin, 'utc-only' | 'assumed'>, string>> = {
  given: 'given',
  'same-migration': "inferred from libvirt's log",
  'same-period': 'inferred from the period of the logs in UTC',
  'other-hosts': 'inferred, as on the other hosts',
};

/** Best reason first: one statement per zone says it for all its hosts. */
const REASONS = ['given', 'same-migration', 'same-period', 'other-hosts'] as const;

function zones({ clocks }: Analysis, everyZone: boolean): string {
  const known = clocks.filter(
    ({ zone, zoneFrom }) => zoneFrom !== 'assumed' && zoneFrom !== 'utc-only' && (zone !== 'UTC' || everyZone),
  );
  const statements = [...new Set(known.map(({ zone }) => zone))].map((zone) => {
    const own = known.filter((clock) => clock.zone === zone);
    const reason = REASONS.find((origin) => own.some(({ zoneFrom }) => zoneFrom === origin)) ?? 'given';
    return `local time on ${listed(
      own.map(({ host }) => host),
      MOST_NAMES,
    )} is ${zone} (${WHY[reason]})`;
  });
  return ['All times are UTC', ...statements].join('; ');
}

function assumed({ clocks }: Analysis): readonly string[] {
  const hosts = clocks.filter(({ zoneFrom }) => zoneFrom === 'assumed').map(({ host }) => host);
  if (hosts.length === 0) return [];
  const all = hosts.length === clocks.length;
  const flags = all || hosts.length > 1 ? '--timezone [HOST=]ZONE' : `--timezone ${hosts[0] ?? ''}=ZONE`;
  return [
    `WARNING: the time zone of ${all ? 'these logs' : listed(hosts, MOST_NAMES)} is unknown; local times there are read as UTC. Set it: ${flags} (Europe/Berlin, UTC+1 ...)`,
  ];
}

function skews({ clocks }: Analysis): readonly string[] {
  return clocks.flatMap(({ host, skewMs, skewAgainst }) => {
    if (skewMs === null || skewAgainst === null || Math.abs(skewMs) < SKEW_IGNORED_MS) return [];
    const how = `${duration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'}`;
    return [`${host}: its clock is ${how} that of ${skewAgainst} (corrected below, not in quoted lines)`];
  });
}
