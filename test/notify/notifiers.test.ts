import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { notificationDocument } from '../../src/alerts/notification-document.ts';
import { meaningOf } from '../../src/config/schema-walk.ts';
import { isSecret } from '../../src/config/secret.ts';
import { notifiers } from '../../src/notify/index.ts';
import { alertOf, notificationOf, resolved } from './alerts.ts';
import { direct } from './receiver.ts';

const options = { type: 'stdout', format: 'text', width: 100, color: false };

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
  const notifier = stdout?.create(options, { now: () => 0, out: (text) => texts.push(text), proxy: direct, runbookUrl: null });
  const alert = alertOf('cpu-incompatible');
  await notifier?.send(notificationOf([alert]), new AbortController().signal);
  expect(texts.join('')).toContain('CRITICAL  cpu-incompatible');
  expect(texts.join('')).toContain(`precopy alerts ack ${alert.id}`);
});

test('an alert that is over says why and for how long it was, and asks for nothing', async () => {
  const texts: string[] = [];
  const notifier = stdout?.create(options, { now: () => 0, out: (text) => texts.push(text), proxy: direct, runbookUrl: null });
  const over = resolved(alertOf('cpu-incompatible'));
  await notifier?.send(notificationOf([over], { kind: 'resolved' }), new AbortController().signal);
  expect(texts.join('')).toContain('The VM migrated since. It fired for 30 min');
  expect(texts.join('')).not.toContain('alerts ack');
});

test('standard output for programs is one line of JSON each', async () => {
  const texts: string[] = [];
  const parts = { now: () => 0, out: (text: string) => texts.push(text), proxy: direct, runbookUrl: null };
  await stdout
    ?.create({ ...options, format: 'json' }, parts)
    .send(notificationOf([alertOf('post-copy')]), new AbortController().signal);
  expect(texts).toEqual([expect.stringMatching(/^\{.*\}\n$/)]);
  expect(notificationDocument.parse(JSON.parse(texts[0] ?? '')).alerts).toHaveLength(1);
});

describe('docs/notifiers.md', () => {
  const page = readFileSync('docs/notifiers.md', 'utf8');
  const sections = new Map(page.split(/^## /m).map((text) => [/^`([\w-]+)`/.exec(text)?.[1] ?? '', text]));

  test.each(notifiers)('has $type with every option, and examples that are right', ({ type, options: schema }) => {
    const section = sections.get(type) ?? '';
    const missing = Object.keys(schema.shape).filter((key) => !new RegExp(`\\b${key}\\b`).test(section) && !COMMON.has(key));
    expect(missing).toEqual([]);
    const examples = [...section.matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, text = '']) => parse(text) as unknown);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const filled: unknown = JSON.parse(
        JSON.stringify(example)
          .replaceAll('${PAGERDUTY_KEY}', 'x'.repeat(32))
          .replaceAll('${SLACK_WEBHOOK}', 'https://hooks.slack.com/services/x'),
      );
      expect(schema.safeParse(filled).error?.issues ?? []).toEqual([]);
    }
  });
});

/** Options that the page explains once for all. */
const COMMON = new Set(['timeout', 'ca', 'cert', 'key']);

test('every option of every notifier says what it means', () => {
  const bare = notifiers.flatMap(({ type, options: schema }) =>
    Object.entries(schema.shape).flatMap(([key, one]) => (meaningOf(one as z.ZodType) === '' ? [`${type}.${key}`] : [])),
  );
  expect(bare).toEqual([]);
});

/** Names of what opens something; `key` is the path of a file. */
const OPENS = /secret|password|token|.Key$|headers|webhookUrl/;

test('what opens something is never shown', () => {
  const shown = notifiers.flatMap(({ type, options: schema }) =>
    Object.entries(schema.shape).flatMap(([key, one]) =>
      OPENS.test(key) && !isSecret(one as z.ZodType) ? [`${type}.${key}`] : [],
    ),
  );
  expect(shown).toEqual([]);
});
