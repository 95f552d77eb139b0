import { readdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { notifiers } from '../../src/notify/index.ts';
import { alertOf, notificationOf, resolved } from './alerts.ts';

const options = { type: 'stdout', width: 100, color: false };

const stdout = notifiers.find(({ type }) => type === 'stdout');

test('every kind of src/notify is in its registry, under the name of its file', async () => {
  const files = readdirSync('src/notify').filter((file) => file !== 'index.ts');
  const kinds: string[] = [];
  for (const file of files) {
    const loaded: Record<string, unknown> = await import(pathToFileURL(resolve('src/notify', file)).href);
    const own = Object.values(loaded).filter((value) => typeof value === 'object' && value !== null && 'create' in value);
    if (own.length > 0) kinds.push(file.replace(/\.ts$/, ''));
  }
  expect(notifiers.map(({ type }) => type).toSorted()).toEqual(kinds.toSorted());
});

test('standard output has the whole alert', async () => {
  const texts: string[] = [];
  const notifier = stdout?.create(options, { now: () => 0, out: (text) => texts.push(text), runbookUrl: null });
  const alert = alertOf('cpu-incompatible');
  await notifier?.send(notificationOf([alert]), new AbortController().signal);
  expect(texts.join('')).toContain('CRITICAL  cpu-incompatible');
  expect(texts.join('')).toContain(`precopy alerts ack ${alert.id}`);
});

test('an alert that is over says why and for how long it was, and asks for nothing', async () => {
  const texts: string[] = [];
  const notifier = stdout?.create(options, { now: () => 0, out: (text) => texts.push(text), runbookUrl: null });
  const over = resolved(alertOf('cpu-incompatible'));
  await notifier?.send(notificationOf([over], { kind: 'resolved' }), new AbortController().signal);
  expect(texts.join('')).toContain('The VM migrated since. It fired for 30 min');
  expect(texts.join('')).not.toContain('alerts ack');
});
