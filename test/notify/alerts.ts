import type { Alert, Notification } from '../../src/alerts/alert.ts';
import { detectors } from '../../src/detectors/index.ts';
import { tell } from '../../src/detectors/story.ts';
import { stableId } from '../../src/lib/hash.ts';
import { findingsOf, type Analysis } from '../../src/reports/analysis.ts';
import { findingDocument, migrationDocument } from '../../src/reports/json.ts';
import { messageOf } from '../../src/reports/incident/quotes.ts';
import { analysedFolder } from '../recording.ts';

/** When the alerts of tests began to fire. */
const FIRED_AT = Date.UTC(2026, 10, 23, 4, 42, 40);

/** The alert of a detector's first story that it must report. */
export function alertOf(detector: string, changes: Partial<Alert> = {}): Alert {
  const [story] = detectors.find(({ id }) => id === detector)?.fires ?? [];
  if (story === undefined) throw new Error(`${detector} has no story`);
  const told = tell(story.events);
  return alertIn(detector, { findings: findingsOf(told, detectors), migrations: told.migrations }, changes);
}

/** The alert of a detector in a recording. */
export async function alertOfRecording(detector: string, folder: string, changes: Partial<Alert> = {}): Promise<Alert> {
  return alertIn(detector, await analysedFolder(folder), changes);
}

function alertIn(
  detector: string,
  { findings, migrations }: Pick<Analysis, 'findings' | 'migrations'>,
  changes: Partial<Alert>,
): Alert {
  const finding = findings.find((one) => one.detector === detector);
  if (finding === undefined) throw new Error(`${detector} finds nothing`);
  const migration = migrations.find(({ id }) => id === finding.migration) ?? null;
  const subject = finding.vm ?? finding.host ?? '';
  return {
    id: stableId('pod-1', detector, subject),
    cluster: 'pod-1',
    detector,
    subject,
    hosts: [...new Set([finding.host, migration?.source, migration?.destination].filter((host) => typeof host === 'string'))],
    group: `pod-1/${detector}`,
    state: 'firing',
    episode: 1,
    findingId: finding.id,
    finding: findingDocument(finding),
    migration: migration === null ? null : migrationDocument(migration),
    quotes: finding.evidence.map(messageOf),
    said: [],
    spare: [],
    forgottenAt: null,
    count: 1,
    since: FIRED_AT,
    seenAt: FIRED_AT,
    worsenedAt: null,
    firingAt: FIRED_AT,
    toldAt: null,
    resolvedAt: null,
    resolvedBecause: null,
    muted: null,
    acknowledged: null,
    told: null,
    ...changes,
  };
}

/** The same alert, over after half an hour. */
export function resolved(alert: Alert): Alert {
  return { ...alert, state: 'resolved', resolvedAt: FIRED_AT + 30 * 60_000, resolvedBecause: 'the VM migrated since' };
}

/** A notification of these alerts. */
export function notificationOf(alerts: readonly Alert[], changes: Partial<Notification> = {}): Notification {
  return {
    id: stableId('notification', ...alerts.map(({ id }) => id), changes.kind ?? 'firing'),
    kind: 'firing',
    cluster: 'pod-1',
    group: alerts[0]?.group ?? 'pod-1/none',
    at: FIRED_AT,
    alerts,
    others: [],
    explains: [],
    counts: [],
    ...changes,
  };
}
