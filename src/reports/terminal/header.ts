import { duration, listed, plural } from '../../lib/units.ts';
import { SKEW_IGNORED_MS, type ZoneOrigin } from '../../timeline/clock.ts';
import type { Page } from './page.ts';
import { fold, MOST_NAMES } from './text.ts';
import { span } from './time.ts';

/** What was read, of when, and in which zone the files write their times. */
export function header(page: Page): readonly string[] {
  const { analysis } = page;
  const read = analysis.inputs.filter(({ tally }) => tally !== null);
  const hosts = [...new Set(read.flatMap(({ host }) => host ?? []))].toSorted();
  const of = hosts.length > MOST_HOSTS ? plural(hosts.length, 'host') : listed(hosts, MOST_HOSTS);
  const what = `precopy: ${plural(read.length, 'file')}${hosts.length === 0 ? '' : ` of ${of}`}`;
  if (analysis.from === null || analysis.to === null) return fold(page.show(`${what}; no record in them has a time`), page.width);
  const when = `${what}, ${span(analysis.from, analysis.to)}`;
  return [...fold(page.show(when), page.width), ...zones(page), ...assumed(page), ...skews(page)];
}

const MOST_HOSTS = 6;

const WHY: Readonly<Record<Exclude<ZoneOrigin, 'utc-only' | 'assumed'>, string>> = {
  given: 'given',
  'same-migration': "inferred from libvirt's log",
  'same-period': 'inferred from the period of the logs in UTC',
  'other-hosts': 'inferred, as on the other hosts',
};

/** Best reason first: one statement per zone says it for all its hosts. */
const REASONS = ['given', 'same-migration', 'same-period', 'other-hosts'] as const;

/** The zone of this report, and those of the quoted lines where they have another. */
function zones(page: Page): readonly string[] {
  const known = page.analysis.clocks.filter(
    ({ zone, zoneFrom }) => zoneFrom !== 'assumed' && zoneFrom !== 'utc-only' && (zone !== 'UTC' || page.allEvidence),
  );
  const statements = [...new Set(known.map(({ zone }) => zone))].map((zone) => {
    const own = known.filter((clock) => clock.zone === zone);
    const reason = REASONS.find((origin) => own.some(({ zoneFrom }) => zoneFrom === origin)) ?? 'given';
    return `local time on ${listed(
      own.map(({ host }) => host),
      MOST_NAMES,
    )} is ${zone} (${WHY[reason]})`;
  });
  return hanging(page, ['All times are UTC', ...statements].join('; ')).map((line) => page.paint('dim', line));
}

function assumed(page: Page): readonly string[] {
  const hosts = page.analysis.clocks.filter(({ zoneFrom }) => zoneFrom === 'assumed').map(({ host }) => host);
  if (hosts.length === 0) return [];
  const all = hosts.length === page.analysis.clocks.length;
  const flags = all || hosts.length > 1 ? '--timezone [HOST=]ZONE' : `--timezone ${hosts[0] ?? ''}=ZONE`;
  const text = `WARNING: the time zone of ${all ? 'these logs' : listed(hosts, MOST_NAMES)} is unknown; local times there are read as UTC. Set it: ${flags} (Europe/Berlin, UTC+1 ...)`;
  return hanging(page, text).map((line) => page.paint('warning', line));
}

function skews(page: Page): readonly string[] {
  return page.analysis.clocks.flatMap(({ host, skewMs, skewAgainst }) => {
    if (skewMs === null || skewAgainst === null || Math.abs(skewMs) < SKEW_IGNORED_MS) return [];
    const how = `${duration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'}`;
    return hanging(page, `${host}: its clock is ${how} that of ${skewAgainst} (corrected below, not in quoted lines)`);
  });
}

function hanging(page: Page, text: string): readonly string[] {
  return fold(page.show(text), page.width - 2).map((line) => `  ${line}`);
}
