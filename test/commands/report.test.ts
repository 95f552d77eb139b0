import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { announceInstance } from '../../src/commands/instance-file.ts';
import { createLocalQuestions } from '../../src/commands/local-questions.ts';
import { report } from '../../src/commands/report.ts';
import { createMetrics } from '../../src/lib/metrics.ts';
import { reportDocument } from '../../src/reports/weekly/document.ts';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { applySchema } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { weekBounds, zoneNamed } from '../../src/timeline/zone.ts';
import { createApi } from '../../src/web/api.ts';
import { createFeed } from '../../src/web/feed.ts';
import { FOREVER, storeMonth, syntheticMonth } from '../forensics/synthetic-month.ts';
import { testTerminal } from './terminal.ts';

const zone = zoneNamed('Europe/Berlin');
const week = zone === null ? null : weekBounds('2026-W13', zone);

let folder = '';
let config = '';

beforeAll(async () => {
  if (week === null) throw new Error('no week');
  folder = mkdtempSync(join(tmpdir(), 'precopy-report-'));
  config = join(folder, 'precopy.yaml');
  writeFileSync(config, JSON.stringify({ cluster: 'c1', data: join(folder, 'data'), timezone: 'Europe/Berlin' }));
  const store = await opened();
  await applySchema(store, FOREVER);
  await storeMonth(store, syntheticMonth({ seed: 9, weeks: [week], perWeek: 60, clusters: ['c1', 'c2'] }));
  await store.close();
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function opened(): Promise<Store> {
  return openEmbeddedStore({ folder: join(folder, 'data', 'store') });
}

/** What the command prints, and what it notes beside it. */
async function ran(...args: readonly string[]) {
  const terminal = testTerminal();
  const notes: string[] = [];
  const status = await report([...args, '-c', config], { terminal, env: {}, note: (text) => notes.push(text) });
  return { status, printed: terminal.printed(), notes };
}

/** The moment of making differs. */
function undated(text: string): string {
  return text.replace(/made\s+\d{4}-\d\d-\d\d\s+\d\d:\d\d/g, 'made').replace(/"madeAt": "[^"]*"/, '');
}

describe('a report of a data folder on which nothing runs', { timeout: 60_000 }, () => {
  test('prints a summary in the zone of the configuration, and keeps the report', async () => {
    const { status, printed } = await ran('--week', '2026-W13');
    expect(status).toBe(0);
    expect(printed).toMatch(/^Live migrations, week 2026-W13\n(?:WATCH|BAD|GOOD) /);
    expect(printed).toContain('from 2026-03-23 00:00 to 2026-03-30 00:00 (167 h)');
    expect(printed).toContain('\nTHE WEEK IN NUMBERS\n');
    expect((await ran('--list')).printed).toMatch(/2026-W13 {2}all/);
  });

  test('writes whole files, and nothing beside them', async () => {
    const [html, md, json] = ['week.html', 'week.md', 'week.json'].map((name) => join(folder, name));
    const { notes } = await ran(
      '--week',
      '2026-W13',
      '--cluster',
      'c2',
      '--html',
      html ?? '',
      '--md',
      md ?? '',
      '--json',
      json ?? '',
    );
    expect(notes).toEqual([html, md, json].map((path) => `wrote ${path}`));
    expect(
      readdirSync(folder)
        .filter((name) => name.startsWith('week'))
        .toSorted(),
    ).toEqual(['week.html', 'week.json', 'week.md']);
    const document = reportDocument.parse(JSON.parse(readFileSync(json ?? '', 'utf8')));
    expect(document).toMatchObject({ week: '2026-W13', cluster: 'c2', zone: 'Europe/Berlin', hours: 167 });
    expect(readFileSync(html ?? '', 'utf8')).toMatch(/^<!doctype html>/);
    expect(readFileSync(md ?? '', 'utf8')).toMatch(/^# Live migrations, week 2026-W13\n/);
  });

  test('--json - prints the document and nothing else', async () => {
    const { printed } = await ran('--week', '2026-W13', '--zone', 'UTC+5:30', '--json', '-');
    expect(reportDocument.parse(JSON.parse(printed))).toMatchObject({
      zone: 'UTC+5:30',
      hours: 168,
      from: '2026-03-22T18:30:00.000Z',
    });
  });

  test.each([
    [['--week', '2026-W60'], '2026-W60: there is no such week'],
    [['--zone', 'Europe/Nowhere'], '--zone Europe/Nowhere: no such time zone'],
    [['--html', ''], '--html names nothing'],
    [['--mail'], 'report.mail names nobody'],
    [['2026-W13'], 'Unexpected argument'],
  ])('%j is refused', async (args, message) => {
    await expect(ran(...args)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
  });

  test('a file that cannot be written is said, and no summary printed', async () => {
    await expect(ran('--week', '2026-W13', '--md', join(folder, 'nowhere', 'x.md'))).rejects.toMatchObject({ code: 'not-found' });
  });
});

test('--mail sends the summary and the page, and writes down what the server answered', { timeout: 60_000 }, async () => {
  const mails: ParsedMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, _session, callback) => {
      const take = async (): Promise<void> => {
        mails.push(await simpleParser(stream));
        callback(null, 'queued');
      };
      void take();
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  const before = readFileSync(config, 'utf8');
  const to = {
    name: 'leads',
    type: 'email',
    host: '127.0.0.1',
    port,
    security: 'none',
    from: 'p@example.org',
    to: ['l@example.org'],
  };
  writeFileSync(config, JSON.stringify({ ...JSON.parse(before), alerts: { notifiers: [to] }, report: { mail: ['leads'] } }));
  try {
    const { status, notes } = await ran('--week', '2026-W13', '--mail');
    expect(status).toBe(0);
    expect(notes).toEqual([expect.stringMatching(/^mailed by leads: 250 /)]);
    expect(mails[0]?.subject).toMatch(/^Migrations in 2026-W13: /);
    expect(mails[0]?.attachments.map(({ filename }) => filename)).toEqual(['precopy-2026-W13.html']);
    await new Promise<void>((closed) => server.close(closed));
    const refused = await ran('--week', '2026-W13', '--mail');
    expect(refused.status).toBe(1);
    expect(refused.notes).toEqual([expect.stringMatching(/^not mailed by leads: /)]);
  } finally {
    writeFileSync(config, before);
  }
  const store = await opened();
  const rows = await store.query("SELECT outcome FROM notifications FINAL WHERE kind = 'report' ORDER BY at");
  await store.close();
  expect(rows).toEqual([{ outcome: 'sent' }, { outcome: 'dead' }]);
});

test('an instance that runs is asked, and says the same', { timeout: 60_000 }, async () => {
  const [here, document] = [await ran('--week', '2026-W13'), await ran('--week', '2026-W13', '--json', '-')];
  const store = await opened();
  const api = createApi('127.0.0.1:0', {
    questions: createLocalQuestions({ store, stream: null, limits: () => ({}) }),
    metrics: createMetrics(),
    feed: createFeed(),
    readiness: () => ({ ready: true, problems: [] }),
    failed: () => {},
  });
  await api.start();
  const leave = await announceInstance(join(folder, 'data'), api.url());
  try {
    expect(undated((await ran('--week', '2026-W13')).printed)).toBe(undated(here.printed));
    expect(undated((await ran('--week', '2026-W13', '--json', '-')).printed)).toBe(undated(document.printed));
    expect((await ran('--list')).printed).toMatch(/2026-W13 {2}all/);
    await expect(ran('--week', '2026-W60')).rejects.toMatchObject({ code: 'usage', hint: '2026 has 53 weeks of ISO 8601' });
  } finally {
    await leave();
    await api.stop();
    await store.close();
  }
});
