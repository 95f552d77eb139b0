import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWeeklyReports } from '../../src/commands/weekly-reports.ts';
import { loadConfig } from '../../src/config.ts';
import { makeReport } from '../../src/forensics/weekly/make-report.ts';
import type { Lifecycle } from '../../src/lib/lifecycle.ts';
import { createLog } from '../../src/lib/log.ts';
import { isSchedule } from '../../src/lib/schedule.ts';
import { NotifyError, type MailedReport } from '../../src/notify/notifier.ts';
import type { Receiver } from '../../src/pipeline/alerts/dispatch.ts';
import { keepReport, keptReports } from '../../src/store/kept-reports.ts';
import { eventually } from '../integration/program.ts';
import { openInstance, type Instance } from '../pipeline/instance.ts';

/** A Wednesday. */
const NOW = Date.UTC(2026, 10, 25, 12);
let instance: Instance;
let folder: string;
const mails: MailedReport[] = [];
let refusals = 1;

beforeAll(async () => {
  instance = await openInstance();
  folder = mkdtempSync(join(tmpdir(), 'precopy-weekly-'));
}, 30_000);
afterAll(async () => {
  await instance.remove();
  rmSync(folder, { recursive: true, force: true });
});

const receiver: Receiver = {
  name: 'leads',
  minSeverity: 'warning',
  clusters: [],
  detectors: [],
  notifier: {
    send: () => Promise.reject(new Error('alerts are not mailed here')),
    repeat: null,
    report(report) {
      refusals -= 1;
      if (refusals >= 0) return Promise.reject(new NotifyError('451 try again', { retriable: true, retryAfterMs: 10 }));
      mails.push(report);
      return Promise.resolve({ status: '250 queued' });
    },
    close: () => Promise.resolve(),
  },
};

/** The schedule of a process that leads, or does not. */
function reports(leads: boolean): Lifecycle {
  const file = join(folder, 'precopy.yaml');
  writeFileSync(
    file,
    JSON.stringify({
      timezone: 'Europe/Berlin',
      alerts: {
        notifiers: [{ name: 'leads', type: 'email', host: 'mail.example.org', from: 'a@example.org', to: ['b@example.org'] }],
      },
      report: { schedule: '0 7 * * 1', mail: ['leads'] },
    }),
  );
  return createWeeklyReports(loadConfig(file, {}), {
    store: instance.store,
    log: createLog({ level: 'error' }),
    alerting: () => ({ leads: () => leads, receivers: [receiver] }),
    settledMs: 0,
    now: () => NOW,
  });
}

async function weeks(): Promise<readonly string[]> {
  return (await keptReports(instance.store)).map(({ week }) => week);
}

/** Starts, lets it do what is due, and stops. */
async function ran(leads: boolean, until: () => Promise<boolean>): Promise<void> {
  const own = reports(leads);
  await own.start();
  await eventually(until);
  await own.stop();
}

test(
  'the report that was due while nothing ran is made by who leads, once, and mailed until it is taken',
  { timeout: 60_000 },
  async () => {
    // nothing was ever kept: a new installation mails nobody about the time before it
    await ran(true, () => Promise.resolve(true));
    expect(await weeks()).toEqual([]);
    await keepReport(
      instance.store,
      await makeReport(instance.store, { week: '2026-W46', zone: 'Europe/Berlin', cluster: null, now: NOW }),
    );
    await ran(false, () => Promise.resolve(true));
    expect(await weeks()).toEqual(['2026-W46']);
    await ran(true, () => Promise.resolve(mails.length === 1));
    expect(await weeks()).toEqual(['2026-W47', '2026-W46']);
    await ran(true, () => Promise.resolve(true));
    expect(mails.map(({ fileName }) => fileName)).toEqual(['precopy-2026-W47.html']);
    const rows = await instance.store.query(
      "SELECT outcome, status FROM notifications FINAL WHERE kind = 'report' ORDER BY attempt",
    );
    expect(rows).toEqual([
      { outcome: 'failed', status: '451 try again' },
      { outcome: 'sent', status: '250 queued' },
    ]);
  },
);

test.each([
  ['0 7 * * 1', true],
  ['*/15 8-18 * * MON-FRI', true],
  ['0 0 7 * * 1', false],
  ['Monday', false],
  ['0 25 * * 1', false],
  ['0 7 30 2 *', false],
])('%s is a schedule: %s', (text, is) => {
  expect(isSchedule(text)).toBe(is);
});
