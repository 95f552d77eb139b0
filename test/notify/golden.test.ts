import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tellingHtml } from '../../src/alerts/telling-html.ts';
import { tellingText } from '../../src/alerts/telling-text.ts';
import { tellingOf, type Telling } from '../../src/alerts/telling.ts';
import { slackBlocks } from '../../src/notify/slack-blocks.ts';
import { alertOf, alertOfRecording, notificationOf } from './alerts.ts';

/** Compares a text with the one that was read and found good. */
function expectGolden(name: string, text: string): void {
  const path = `test/notify/golden/${name}`;
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text);
  expect(existsSync(path) ? readFileSync(path, 'utf8') : '').toBe(text);
}

const RUNBOOKS = { runbookUrl: 'https://wiki.example.org/precopy/{{detector}}' };

async function splitBrain(): Promise<Telling> {
  const alert = await alertOfRecording('split-brain-risk', 'recordings/libvirt-9.0/split-brain');
  return tellingOf(notificationOf([alert], { explains: [alertOf('migration-failed')] }), RUNBOOKS);
}

const reads = 'reads as reviewed (UPDATE_GOLDEN=1 rewrites it)';

test(`a critical alert in a terminal ${reads}`, async () => {
  expectGolden('split-brain.txt', tellingText(await splitBrain(), { width: 100, color: false }));
});

test(`a critical alert in a mail ${reads}`, async () => {
  expectGolden('split-brain.html', tellingHtml(await splitBrain()));
});

test(`a storm ${reads}`, () => {
  const counts = [
    { detector: 'migration-failed', alerts: 200 },
    { detector: 'storage-heartbeat-spike', alerts: 3 },
  ];
  const alerts = [alertOf('split-brain-risk'), alertOf('storage-heartbeat-spike'), alertOf('migration-failed')];
  const telling = tellingOf(notificationOf(alerts, { kind: 'storm', counts }), RUNBOOKS);
  expectGolden('storm.txt', `${telling.subject}\n\n${tellingText(telling, { width: 78, color: false })}`);
});

test(`a warning in Slack ${reads}`, async () => {
  const alert = await alertOfRecording('not-converging', 'recordings/libvirt-9.0/not-converging');
  expectGolden(
    'not-converging.slack.json',
    `${JSON.stringify(slackBlocks(tellingOf(notificationOf([alert]), RUNBOOKS)), null, 2)}\n`,
  );
});
