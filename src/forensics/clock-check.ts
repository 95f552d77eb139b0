import { duration, plural } from '../lib/units.ts';
import type { Check } from '../model/diagnosis.ts';
import type { Store } from '../store/store.ts';
import { lateness } from './coverage.ts';
import { detailLines, partLines } from './detail-lines.ts';
import type { Filter } from './filter.ts';
import { findings } from './findings.ts';

/** Records from further in the future: a clock or a zone is wrong, ms. */
const FUTURE_WARN_MS = 5_000;

/** Whether clocks agree: by migrations of which both hosts wrote, and by records that come before their time. */
export async function clockCheck(store: Store, filter: Filter): Promise<Check> {
  const all = await lateness(store, filter);
  const skews = new Map(
    (await findings(store, { ...filter, detector: 'clock-skew' })).toReversed().map((one) => [one.host, one]),
  );
  const ahead = all.filter(({ minMs }) => minMs < -FUTURE_WARN_MS);
  const wrong = skews.size + ahead.length > 0;
  return {
    name: 'clocks',
    state: wrong ? 'warn' : 'ok',
    summary: wrong ? trouble(skews.size, ahead.length) : agreement(all.map(({ p95Ms }) => p95Ms)),
    details: detailLines([
      ...[...skews.values()].map(({ summary }) => firstSentence(summary)),
      ...ahead.map(({ host, source, minMs }) => `${host} ${source}: records from ${duration(-minMs)} in the future`),
    ]),
    parts: partLines(
      all.map(
        ({ host, source, p50Ms, p95Ms, maxMs }) =>
          `${host} ${source}: read ${delay(p50Ms)} after it was written, 95 % within ${delay(p95Ms)}, all within ${delay(maxMs)}`,
      ),
    ),
    hint: wrong ? 'on that host: chronyc tracking; and is the timezone of that file right in the configuration?' : null,
  };
}

function trouble(skews: number, ahead: number): string {
  return [
    ...(skews === 0 ? [] : [`the clock of ${plural(skews, 'host')} differs from the others'`]),
    ...(ahead === 0 ? [] : [`${plural(ahead, 'program')} ${ahead === 1 ? 'writes' : 'write'} times that have not come yet`]),
  ].join('; ');
}

function agreement(p95s: readonly number[]): string {
  if (p95s.length === 0) return 'no record with a time was read in this time';
  return `no time from the future; 95 % of the chunks of every program are read within ${delay(Math.max(...p95s))}`;
}

function firstSentence(text: string): string {
  return /^.*?\.(?= [A-Z]|$)/s.exec(text)?.[0] ?? text;
}

/** A clock a little ahead gives a delay below zero. */
function delay(ms: number): string {
  return duration(Math.max(0, ms));
}
