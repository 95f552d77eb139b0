import { duration, plural } from '../../lib/units.ts';
import type { WeeklyReport } from './document.ts';
import { OVER_TARGET_WATCH, SUCCESS } from './limits.ts';

/** What a verdict is about: the report without it. */
type Judged = Omit<WeeklyReport, 'verdict' | 'reconciliation'>;
type Verdict = WeeklyReport['verdict'];

/** The week in a sentence, and whether somebody has to do something about it. */
export function verdictOf(report: Judged): Verdict {
  const { migrations, records, hosts } = report;
  if (migrations.total === 0 && records.records === 0)
    return { level: 'unknown', text: `Nothing was read of this week${silence(hosts.silent)}, so nothing is known of it.` };
  const parts = [completion(report), ...failures(report), ...downtimes(report), ...dangers(report), ...blind(report)];
  return { level: levelOf(report), text: `${parts.join('; ')}.` };
}

function silence(silent: number): string {
  return silent === 0 ? '' : ` of ${plural(silent, 'host')} that had been known before`;
}

function levelOf({ migrations, downtime, storage, hosts, incidents }: Judged): Verdict['level'] {
  const rate = migrations.success.rate;
  const gravest = incidents.causes.some(({ cause, critical }) => cause === 'split-brain-risk' && critical > 0);
  if (gravest || storage.resets.some(({ reset }) => reset) || (rate !== null && rate < SUCCESS.bad)) return 'bad';
  const near = storage.resets.length > 0 || hosts.silent > 0;
  const slow = (downtime.overTargetShare ?? 0) > OVER_TARGET_WATCH;
  return near || slow || (rate !== null && rate < SUCCESS.good) ? 'watch' : 'good';
}

function completion({ migrations, changes }: Judged): string {
  const { completed, judged, notJudged, rate } = migrations.success;
  if (migrations.total === 0) return 'No migration began';
  if (rate === null) return `${plural(notJudged, 'migration')} began, and none has an end that was seen`;
  const last = changes.find(({ of }) => of === 'successRate')?.lastWeek ?? null;
  const points = last === null ? null : (rate - last) * 100;
  const compared =
    points === null
      ? ''
      : Math.abs(points) < 0.05
        ? ', as in the week before'
        : `, ${Math.abs(points).toFixed(1)} points ${points < 0 ? 'less' : 'more'} than the week before`;
  return `${completed} of ${plural(judged, 'migration')} completed (${percent(rate)}${compared})`;
}

function failures({ migrations }: Judged): readonly string[] {
  const { completed, judged } = migrations.success;
  const worst = migrations.causes.find(({ cause }) => cause !== null && cause !== 'unknown');
  if (judged === completed) return [];
  const ended = judged - completed;
  if (worst === undefined) return [`${ended} did not`];
  const count = worst.failed + worst.aborted;
  if (count === ended) return [`${ended} did not, for ${worst.cause}`];
  // of causes that are all single ones none is the most frequent
  return [count === 1 ? `${ended} did not` : `${ended} did not, most often for ${worst.cause} (${count})`];
}

function downtimes({ downtime }: Judged): readonly string[] {
  const { known, completed, p95Ms, maxMs, overTarget, targetMs } = downtime;
  if (completed === 0) return [];
  if (known === 0 || maxMs === null) return ['for how long guests stood still was not observed'];
  const worst =
    p95Ms === null
      ? `guests stood still for up to ${duration(maxMs)}`
      : `95 % of guests stood still for ${duration(p95Ms)} or less`;
  return [overTarget === 0 ? `${worst}, none above ${targetMs} ms` : `${worst}, ${overTarget} of ${known} above ${targetMs} ms`];
}

function dangers({ storage, incidents }: Judged): readonly string[] {
  const resets = storage.resets.filter(({ reset }) => reset).length;
  const near = storage.resets.length - resets;
  const split = incidents.causes.reduce((sum, { cause, incidents: n }) => sum + (cause === 'split-brain-risk' ? n : 0), 0);
  return [
    ...(split === 0 ? [] : [`${plural(split, 'VM')} may have run twice`]),
    ...(resets === 0 ? [] : [`${plural(resets, 'host')} reset itself for its storage`]),
    ...(near === 0 ? [] : [`${plural(near, 'near-reset')} of hosts for their storage`]),
  ];
}

function blind({ hosts }: Judged): readonly string[] {
  return hosts.silent === 0 ? [] : [`nothing was read of ${plural(hosts.silent, 'host')}`];
}

/** `96.6 %`; a share just below the whole is not the whole. */
export function percent(share: number): string {
  const tenths = Math.round(share * 1000) / 10;
  if (tenths === 100 && share < 1) return 'over 99.9 %';
  return tenths === 0 && share > 0 ? 'under 0.1 %' : `${tenths} %`;
}
