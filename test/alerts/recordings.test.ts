import { expect, test } from 'vitest';
import type { Notification } from '../../src/alerts/alert.ts';
import { createAlertBook } from '../../src/alerts/book.ts';
import { alertSettings } from '../../src/alerts/settings.ts';
import type { Analysis } from '../../src/reports/analysis.ts';
import { toFindingMessage, type FindingMessage } from '../../src/reports/finding-message.ts';
import { findingDocument, migrationDocument } from '../../src/reports/json.ts';
import { messageOf } from '../../src/reports/incident/quotes.ts';
import { analysedFolder, recordings } from '../recording.ts';

/** As a running instance tells them, all at once when the logs end. */
function messagesOf({ findings, migrations }: Analysis, at: number): readonly FindingMessage[] {
  const byId = new Map(migrations.map((migration) => [migration.id, migration]));
  return findings.map((finding) => {
    const migration = byId.get(finding.migration ?? '');
    return toFindingMessage({
      change: 'found',
      id: finding.id,
      cluster: 'c1',
      at,
      finding: findingDocument(finding),
      migration: migration === undefined ? null : migrationDocument(migration),
      quotes: finding.evidence.map(messageOf),
    });
  });
}

/** All that is told of a recording: what is found, what the migrations that completed end, and a week of silence. */
function told(analysis: Analysis): readonly Notification[] {
  const end = (analysis.to ?? 0) + 5000;
  const book = createAlertBook('c1', { alerts: [], actions: [] }, alertSettings.parse({}));
  const notifications: Notification[] = [];
  const completed = analysis.migrations.filter(({ outcome }) => outcome === 'completed');
  const ends = new Map(completed.map(({ vm, endedAt }) => [vm, endedAt ?? 0]));
  let inputs = { now: end, changes: messagesOf(analysis, end), actions: [], moved: new Map<string, number>(), maintenance: [] };
  for (let steps = 0; steps < 1000; steps += 1) {
    const step = book.step(inputs);
    notifications.push(...step.notifications);
    if (step.nextAt === null || step.nextAt > end + 7 * 86_400_000) return notifications;
    inputs = { ...inputs, now: step.nextAt, changes: [], moved: ends };
  }
  throw new Error('steps never end');
}

const all = recordings().filter(({ name }) => name.startsWith('libvirt-9.0/'));

test.each(all.map(({ name, folder, label }) => [name, folder, label] as const))(
  '%s: one alert each broken migration, none of what is healthy, and all but a VM on two hosts end',
  async (_name, folder, { migrations, expect: expected, may }) => {
    const notifications = told(await analysedFolder(folder));
    const firing = notifications.filter(({ kind }) => kind === 'firing');
    const alerts = firing.flatMap((notification) => notification.alerts);
    const names = alerts.map(({ id }) => id);
    expect(names).toEqual([...new Set(names)]);
    const subjects = alerts.map(({ subject }) => subject);
    const explained = firing.flatMap(({ explains }) => explains.map(({ subject }) => subject));
    for (const { vm } of migrations.filter(({ exit }) => exit !== 0)) {
      const own = subjects.filter((subject) => subject === vm);
      expect(own.length === 1 || (own.length === 0 && explained.includes(vm)), `${vm} is told of once`).toBe(true);
    }
    for (const { detector } of alerts) expect([...expected, ...may]).toContain(detector);
    // of expected findings each is told, or told with another one
    expect(alerts.length > 0 || expected.length === 0).toBe(true);
    const ended = notifications.filter(({ kind }) => kind === 'resolved').flatMap((notification) => notification.alerts);
    const endless = alerts.filter(({ id, detector }) => detector !== 'split-brain-risk' && !ended.some((one) => one.id === id));
    expect(endless).toEqual([]);
  },
);
