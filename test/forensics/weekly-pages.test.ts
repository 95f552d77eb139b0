import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeReport } from '../../src/forensics/weekly/make-report.ts';
import type { WeeklyReport } from '../../src/reports/weekly/document.ts';
import { reportHtml } from '../../src/reports/weekly/report-html.ts';
import { reportMarkdown } from '../../src/reports/weekly/report-markdown.ts';
import { reportText } from '../../src/reports/weekly/report-text.ts';
import { weekAfter, weekBounds, zoneNamed } from '../../src/timeline/zone.ts';
import { attributeOf, parsed, textOf } from '../reports/html/parsed.ts';
import { openEmbedded, type TemporaryStore } from '../store/temporary-store.ts';
import { hostileMonth } from './hostile-month.ts';
import { FOREVER, storeMonth, syntheticMonth, type Month } from './synthetic-month.ts';

const zone = zoneNamed('Europe/Berlin');
const bounds = zone === null ? null : weekBounds('2026-W43', zone);
if (zone === null || bounds === null) throw new Error('no week');
const week = bounds;
const weeks = [-4, -3, -2, -1, 0].map((n) => weekAfter(week, n, zone));

const MONTHS: Readonly<Record<string, Month>> = {
  'a full month': syntheticMonth({ seed: 11, weeks, perWeek: 500, clusters: ['c1', 'c2'] }),
  'a few migrations': syntheticMonth({ seed: 3, weeks, perWeek: 3, clusters: ['c1'] }),
  'hostile names': hostileMonth(week),
  nothing: { migrations: [], findings: [], samples: [], ranges: [], facts: [] },
};

/** Numbers as the pages write them, back as numbers: `1.9 points`, `243 ms`, `2 min 10 s`, `93.4 %`, `389 MB/s`, `−17`. */
function numbersOf(text: string): readonly number[] {
  const units: Readonly<Record<string, number>> = {
    ms: 1,
    s: 1000,
    min: 60_000,
    h: 3_600_000,
    '%': 0.01,
    points: 0.01,
    'MB/s': 1e6,
    'GB/s': 1e9,
  };
  return [...text.matchAll(/([−+]?)(\d+(?:\.\d+)?)(?: (ms|s|min|h|%|points|MB\/s|GB\/s))?/g)].map(
    ([, sign, digits, unit]) => (sign === '−' ? -1 : 1) * Number(digits) * (units[unit ?? ''] ?? 1),
  );
}

/** What is read back from the words is the number, within the digits that they have. */
function isWorded(element: Parameters<typeof attributeOf>[0], value: number): boolean {
  const text = textOf(element);
  const field = attributeOf(element, 'data-field') ?? '';
  if (text === '±0') return Math.abs(value) < 0.06;
  if (text === 'under 0.1 %' || text === 'over 99.9 %') return value > 0 && value < 1;
  // percent of the throttle are percent in the document too
  const scale = field.endsWith('Percent') ? 100 : field === 'hours' ? 1 / 3_600_000 : 1;
  const read = numbersOf(text).reduce((sum, part) => sum + part, 0) * scale;
  return Math.abs(read - value) <= Math.abs(value) * (isWhole(text) ? 0 : 0.03) + 0.501 * stepOf(text);
}

function isWhole(text: string): boolean {
  return /^[\d−+]+$/.test(text);
}

/** The step of the last digit. */
function stepOf(text: string): number {
  if (/%|points/.test(text)) return 0.001;
  if (text.endsWith('ms')) return 1;
  return isWhole(text) ? 0 : 0.01;
}

function valueAt(report: WeeklyReport, field: string): unknown {
  let value: unknown = report;
  for (const key of field.split('.')) value = (value as Readonly<Record<string, unknown>>)[key];
  return value;
}

/** Every string of the document. */
function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

describe.each(Object.keys(MONTHS))('%s', (name) => {
  let temporary: TemporaryStore;
  let report: WeeklyReport;
  let html = '';
  let markdown = '';

  beforeAll(async () => {
    temporary = await openEmbedded(FOREVER);
    await storeMonth(temporary.store, MONTHS[name] ?? { migrations: [], findings: [], samples: [], ranges: [], facts: [] });
    report = await makeReport(temporary.store, { week: week.week, zone: 'Europe/Berlin', cluster: null, now: week.to + 1000 });
    html = reportHtml(report);
    markdown = reportMarkdown(report);
  }, 60_000);
  afterAll(() => temporary.remove());

  test('every number and time of the page is that of its field of the document', () => {
    const figures = parsed(html).elements.filter((element) => attributeOf(element, 'data-field') !== null);
    const wrong = figures.filter((element) => {
      const value = valueAt(report, attributeOf(element, 'data-field') ?? '');
      if (element.tagName === 'time')
        return attributeOf(element, 'datetime') !== value || textOf(element) !== berlin(String(value));
      return Number(attributeOf(element, 'value')) !== value || !isWorded(element, value);
    });
    expect(figures.length).toBeGreaterThan(10);
    expect(wrong.map((element) => [attributeOf(element, 'data-field'), textOf(element)])).toEqual([]);
  });

  test('no number stands on the page but those, and what the document says in words', () => {
    const { elements } = parsed(html);
    const body = elements.find(({ tagName }) => tagName === 'body');
    if (body === undefined) throw new Error('no body');
    let text = visibleText(body);
    for (const said of stringsIn(report).toSorted((a, b) => b.length - a.length))
      if (said.length > 1) text = text.replaceAll(spelled(said), ' ');
    expect(text.replace(/\bp(?:50|95|99)\b/g, '').match(/.{0,40}\d.{0,40}/g) ?? []).toEqual([]);
  });

  test('Markdown has the same numbers in the same order', () => {
    const body = parsed(html).elements.find(({ tagName }) => tagName === 'body');
    if (body === undefined) throw new Error('no body');
    const digits = (text: string): readonly string[] => [...text.matchAll(/\d+(?:\.\d+)?/g)].map(([found]) => found);
    expect(digits(unescaped(markdown))).toEqual(digits(visibleText(body, '')));
  });

  test('the terminal says the same verdict, and is as wide as it is told', () => {
    for (const width of [40, 80, 120]) {
      const text = reportText(report, { width, color: false });
      expect(text.replace(/\s+/g, '')).toContain(shownOnTerminal(report.verdict.text).replace(/\s+/g, ''));
      // commands are pasted, and not folded
      const wide = text.split('\n').filter((line) => Array.from(line).length > width && !line.startsWith('      '));
      expect(width >= 80 ? wide : []).toEqual([]);
      expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
    expect(reportText(report, { width: 80, color: true })).toContain('\u001b[');
  });

  test('the page runs nothing, fetches nothing and goes nowhere', () => {
    const { elements } = parsed(html);
    expect(
      elements
        .map(({ tagName }) => tagName)
        .filter((tag) => ['script', 'img', 'a', 'iframe', 'link', 'object', 'form'].includes(tag)),
    ).toEqual([]);
    expect(elements.flatMap(({ attrs }) => attrs).filter(({ name: attribute }) => /^on|^src$|^href$/.test(attribute))).toEqual(
      [],
    );
  });
});

/** Text that a reader sees; drawings have their own words. */
function visibleText(element: Parameters<typeof textOf>[0], figure: string | null = null): string {
  if (!('childNodes' in element)) return 'value' in element ? element.value : '';
  if ('tagName' in element && element.tagName === 'svg') return ' ';
  if (figure === null && 'attrs' in element && element.attrs.some(({ name }) => name === 'data-field')) return ' ';
  const inside = element.childNodes.map((node) => visibleText(node, figure)).join('');
  return 'tagName' in element && ['td', 'th', 'p', 'pre', 'h1', 'h2', 'h3', 'caption', 'summary'].includes(element.tagName)
    ? `${inside} `
    : inside;
}

/** As both screens spell what they would obey. */
function spelled(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (character === '\n' || character === '\t') return character;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

function shownOnTerminal(text: string): string {
  return spelled(text.replace(/[\n\t]/g, ' '));
}

/** Markdown as it reads: marks of ours gone, escapes undone. */
function unescaped(text: string): string {
  return text.replace(/\\([\\`*_{}[\]<>#|~!&@$^:.])/g, '$1');
}

/** Written here, without the code that is tested. */
function berlin(iso: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', {
    timeZone: 'Europe/Berlin',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  return parts.format(new Date(iso));
}
