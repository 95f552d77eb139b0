import { isWorse } from '../reports/live.ts';
import type { Alert, Said, Statement } from './alert.ts';

/** Statements kept besides the one that is shown. */
const SPARE = 2;

/**
 * The alert showing the worst of its findings that hold, of several the newest. Where none of those whose words are known holds,
 * it shows what it did.
 *
 * @param statements what is known in words, the first of an id counts
 */
export function shown(alert: Alert, statements: readonly Statement[], now: number): Alert {
  const words = new Map<string, Statement>();
  for (const statement of statements) if (!words.has(statement.id)) words.set(statement.id, statement);
  const holding = alert.said.filter(({ id, over }) => over === null && words.has(id)).toSorted(worstFirst);
  const [best, ...others] = holding.flatMap(({ id }) => words.get(id) ?? []);
  const { id, finding, migration, quotes } = best ?? { ...alert, id: alert.findingId };
  const worsened = isWorse(finding.severity, alert.finding.severity) && alert.state !== 'resolved';
  return {
    ...alert,
    findingId: id,
    finding,
    migration,
    quotes,
    spare: others
      .slice(0, SPARE)
      .map((one) => ({ id: one.id, finding: one.finding, migration: one.migration, quotes: one.quotes })),
    worsenedAt: worsened ? now : alert.worsenedAt,
  };
}

/** The alert after some of its findings ceased to hold. */
export function shownStill(alert: Alert, now: number): Alert {
  return shown(alert, [{ ...alert, id: alert.findingId }, ...alert.spare], now);
}

function worstFirst(a: Said, b: Said): number {
  if (isWorse(a.severity, b.severity)) return -1;
  return isWorse(b.severity, a.severity) ? 1 : b.at - a.at;
}
