import { plural } from '../lib/units.ts';
import type { Check } from '../model/diagnosis.ts';
import type { Store } from '../store/store.ts';
import { rejectedRates, type RejectedRate } from './coverage.ts';
import { detailLines, partLines, share } from './detail-lines.ts';
import type { Filter } from './filter.ts';

/** From here on a program is probably not the one that the configuration says. */
const REJECTED_WARN_SHARE = 0.05;

/** How much could not be read, and how much is of no meaning for a migration, per host and program. */
export async function recordsCheck(store: Store, filter: Filter): Promise<Check> {
  const rates = await rejectedRates(store, filter);
  const sum = (of: (rate: RejectedRate) => number): number => rates.reduce((total, rate) => total + of(rate), 0);
  const records = sum((rate) => rate.records);
  const bad = rates.filter(({ rejectedShare }) => rejectedShare >= REJECTED_WARN_SHARE);
  return {
    name: 'records',
    state: bad.length > 0 ? 'warn' : 'ok',
    summary: `${records} read: ${share(
      sum(({ rejected }) => rejected),
      records,
    )} could not be read, ${share(
      sum(({ plain }) => plain),
      records,
    )} mean nothing for a migration`,
    details: detailLines(
      bad.map(
        ({ host, source, rejected, records: of }) =>
          `${host} ${source}: ${share(rejected, of)} of ${plural(of, 'record')} rejected`,
      ),
    ),
    parts: partLines(
      rates.map(
        ({ host, source, records: of, rejected, plain }) =>
          `${host} ${source}: ${plural(of, 'record')}, ${share(rejected, of)} rejected, ${share(plain, of)} mean nothing for a migration`,
      ),
    ),
    hint:
      bad.length > 0
        ? "see them: precopy query --sql 'SELECT host, path, line, reason, text FROM rejected ORDER BY observed_at DESC LIMIT 20'"
        : null,
  };
}
