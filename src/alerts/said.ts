import { tellsReset } from '../detectors/heartbeat-words.ts';
import { isoMs } from '../lib/units.ts';
import type { FindingMessage } from '../reports/finding-message.ts';
import { rankOf } from '../reports/telling.ts';
import type { Said } from './alert.ts';
import { policyOf } from './policies.ts';

/** What a message says; of what it does not repeat, what was known before. */
export function saidBy({ id, at, finding, migration }: FindingMessage, before: Said | undefined): Said {
  const isOfMigration = policyOf(finding.detector).about === 'vm' && finding.migration !== null;
  const told = isOfMigration ? migration : null;
  const from = isoMs(finding.from);
  const to = timeOf(finding.to);
  return {
    id,
    at: isoMs(at),
    from,
    to,
    heardAt: Math.max(from, to ?? from, ...finding.evidence.map((line) => isoMs(line.at))),
    severity: finding.severity,
    migration: isOfMigration ? finding.migration : null,
    ...(told === null ? knownOf(before) : attemptOf(told)),
    telling: isOfMigration ? tellingIn(finding, told) : 0,
    resets: finding.detector === 'storage-heartbeat-spike' && tellsReset(finding.summary),
    over: null,
    explainedBy: before?.explainedBy ?? null,
  };
}

type Attempt = Pick<Said, 'source' | 'destination' | 'endedAt' | 'broken' | 'cause'>;

const UNTOLD: Attempt = { source: null, destination: null, endedAt: null, broken: false, cause: null };

function attemptOf({ source, destination, endedAt, outcome, cause }: NonNullable<FindingMessage['migration']>): Attempt {
  return { source, destination, endedAt: timeOf(endedAt), broken: outcome === 'failed' || outcome === 'aborted', cause };
}

function knownOf(before: Said | undefined): Attempt {
  if (before === undefined) return UNTOLD;
  const { source, destination, endedAt, broken, cause } = before;
  return { source, destination, endedAt, broken, cause };
}

function timeOf(iso: string | null): number | null {
  return iso === null ? null : isoMs(iso);
}

/** Above all but a VM that runs twice: advice to abort a migration would now cost the VM. */
const IN_POST_COPY = 4.5;

function tellingIn(finding: FindingMessage['finding'], migration: FindingMessage['migration']): number {
  if (finding.detector === 'post-copy' && (migration === null || migration.outcome === 'running')) return IN_POST_COPY;
  return rankOf(finding, migration);
}

/** When a message comes, and what is too old to matter. */
export interface Intake {
  /** Unix ms. */
  readonly now: number;
  readonly maxAgeMs: number;
}

/** Whether somebody would be woken for what happened long ago: then the message makes no alert. */
export function isStale({ heardAt }: Said, { now, maxAgeMs }: Intake): boolean {
  return heardAt < now - maxAgeMs;
}

/** Whether what was over goes on, by a newer message about it. That the VM moved is final: another attempt is another finding. */
export function goesOn(before: Said, after: Said): boolean {
  if (before.over === null || before.over === 'moved') return false;
  if (before.over === 'withdrawn') return true;
  return before.to === null ? after.to === null && after.heardAt > before.heardAt : (after.to ?? Infinity) > before.to;
}
