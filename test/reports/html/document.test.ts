import { describe, expect, test } from 'vitest';
import { htmlPage } from '../../../src/reports/html/document.ts';
import { html } from '../../../src/reports/html/html.ts';
import { attributeOf, parsed } from './parsed.ts';

const page = htmlPage({ title: 'A page', body: html`<p>x</p>` });

describe('a page', () => {
  const { elements } = parsed(page);
  const meta = (name: string): string | null => {
    const element = elements.find(({ attrs }) => attrs.some(({ value }) => value === name));
    return element === undefined ? null : attributeOf(element, 'content');
  };

  test('runs nothing and fetches nothing', () => {
    expect(meta('Content-Security-Policy')).toMatch(/^default-src 'none'; style-src 'unsafe-inline'/);
    expect(elements.map(({ tagName }) => tagName)).not.toContain('script');
    expect(page).not.toMatch(/https?:|url\(|@import/);
  });

  test('begins with its doctype, and says its language, characters and width', () => {
    expect(page.startsWith('<!doctype html>')).toBe(true);
    expect(elements.find(({ tagName }) => tagName === 'html')?.attrs).toEqual([{ name: 'lang', value: 'en' }]);
    expect(page.indexOf('charset="utf-8"')).toBeLessThan(1024);
    expect(meta('viewport')).toBe('width=device-width, initial-scale=1');
  });
});

/** `#rrggbb` → relative luminance (WCAG 2.2). */
function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].toSorted((one, other) => other - one);
  return (light + 0.05) / (dark + 0.05);
}

const blocks = [...page.matchAll(/:root \{(?<block>[^}]*)\}/g)].map(({ groups }) => groups?.['block'] ?? '');

describe.each([
  ['in light', blocks[0] ?? ''],
  ['in dark', blocks[1] ?? ''],
  ['on paper', blocks[2] ?? ''],
])('%s', (_mode, block) => {
  const tokens = new Map(
    [...block.matchAll(/--(?<name>[\w-]+): (?<color>#\w{6})/g)].map(({ groups }) => [groups?.['name'], groups?.['color'] ?? '']),
  );
  const color = (name: string): string => tokens.get(name) ?? '#000000';

  test.each(['ink', 'dim', 'link', 'critical', 'warning', 'info', 'good'])('letters in %s can be read (AA)', (name) => {
    expect(tokens.has(name)).toBe(true);
    for (const ground of ['ground', 'panel', 'mark']) expect(contrast(color(name), color(ground))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(['axis', 'series-1', 'series-2', 'series-3', 'series-4'])('lines in %s can be seen (AA)', (name) => {
    expect(tokens.has(name)).toBe(true);
    for (const ground of ['ground', 'panel']) expect(contrast(color(name), color(ground))).toBeGreaterThanOrEqual(3);
  });
});
