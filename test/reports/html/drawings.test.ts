import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bars } from '../../../src/reports/html/bars.ts';
import { markupText } from '../../../src/reports/html/html.ts';
import { lanes, type LaneMark } from '../../../src/reports/html/lanes.ts';
import { linePanel, thinned } from '../../../src/reports/html/line-panel.ts';
import { byteTicks, linearScale, roundTicks } from '../../../src/reports/html/scale.ts';
import { sparkline } from '../../../src/reports/html/sparkline.ts';
import { timeAxis } from '../../../src/reports/html/time-axis.ts';
import { timeTicks } from '../../../src/reports/html/time-ticks.ts';
import { attributeOf, parsed } from './parsed.ts';

const instant = (text: string): number => Date.parse(text);
const labels = (from: string, to: string): readonly string[] =>
  timeTicks(instant(from), instant(to), 6).map(({ label }) => label);

describe('ticks', () => {
  test('of values are round, start at 0, reach the largest and are few', () => {
    expect(roundTicks(63, 5)).toEqual([0, 20, 40, 60, 80]);
    expect(roundTicks(0.3, 5)).toEqual([0, 0.1, 0.2, 0.3]);
    expect(byteTicks(512 * 2 ** 20, 5)).toEqual([0, 128, 256, 384, 512].map((mib) => mib * 2 ** 20));
    const largest = fc.double({ min: 1e-6, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(largest, fc.integer({ min: 3, max: 12 }), (value, most) => {
        const ticks = roundTicks(value, most);
        expect(ticks.length).toBeLessThanOrEqual(most);
        expect(ticks[0]).toBe(0);
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(value * 0.999999);
      }),
    );
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('of %d are still an axis', (largest) => {
    expect(roundTicks(largest, 5)).toEqual([0, 1]);
  });

  test('of time are what a clock shows, as short as they may be', () => {
    expect(labels('2026-11-23T04:42:33.100Z', '2026-11-23T04:42:38.400Z')).toEqual([
      '04:42:34',
      '04:42:35',
      '04:42:36',
      '04:42:37',
      '04:42:38',
    ]);
    expect(labels('2026-11-23T04:42:33.000Z', '2026-11-23T04:42:33.400Z')).toContain('04:42:33.1');
    expect(labels('2026-11-23T04:00:00Z', '2026-11-23T06:00:00Z')).toEqual(['04:00', '04:30', '05:00', '05:30', '06:00']);
    expect(labels('2026-11-22T18:00:00Z', '2026-11-23T18:00:00Z')).toContain('11-23');
    expect(labels('2026-11-20T00:00:00Z', '2026-11-24T00:00:00Z')).toEqual(['11-20', '11-21', '11-22', '11-23', '11-24']);
  });

  test('of time lie within it and are few, however long it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2e12 }), fc.integer({ min: 1, max: 4e11 }), (from, length) => {
        const ticks = timeTicks(from, from + length, 8);
        expect(ticks.length).toBeLessThanOrEqual(8);
        for (const { at } of ticks) expect(at >= from && at <= from + length).toBe(true);
      }),
    );
  });
});

describe('lanes', () => {
  const x = linearScale([0, 100], [160, 1100]);
  const mark = fc.record({
    at: fc.integer({ min: 0, max: 100 }),
    text: fc.string({ minLength: 1, maxLength: 200, unit: 'binary' }),
    style: fc.constant('plain' as const),
    target: fc.constant(null),
  });

  /** Where labels stand, with the width of their letters as a browser has it at most. */
  function labelsOf(marks: readonly LaneMark[]): readonly { readonly y: number; readonly from: number; readonly to: number }[] {
    const { markup } = lanes([{ name: 'a', marks }], x, { left: 160, top: 0, width: 940 });
    return parsed(`<svg>${markupText(markup)}</svg>`)
      .elements.filter((element) => element.tagName === 'text' && attributeOf(element, 'text-anchor') !== null)
      .map((element) => {
        const at = Number(attributeOf(element, 'x'));
        const node = element.childNodes[0];
        const length = (node !== undefined && 'value' in node ? Array.from(node.value).length : 0) * 6;
        const from = attributeOf(element, 'text-anchor') === 'end' ? at - length : at;
        return { y: Number(attributeOf(element, 'y')), from, to: from + length };
      });
  }

  test('labels never stand over each other, nor beyond the drawing', () => {
    fc.assert(
      fc.property(fc.array(mark, { maxLength: 20 }), (marks) => {
        const all = labelsOf(marks.toSorted((a, b) => a.at - b.at));
        expect(all).toHaveLength(marks.length);
        for (const { from, to } of all) expect(from >= 160 && to <= 1100).toBe(true);
        for (const [i, one] of all.entries())
          for (const other of all.slice(i + 1))
            expect(one.y !== other.y || one.to <= other.from || other.to <= one.from).toBe(true);
      }),
    );
  });

  test('a label at the end of the axis stands before its mark', () => {
    const [label] = labelsOf([{ at: 100, text: 'a long label at the end', style: 'plain', target: null }]);
    expect(label?.to).toBeLessThanOrEqual(1100);
  });

  test('a mark with more to tell is a link to it', () => {
    const { markup } = lanes([{ name: 'a', marks: [{ at: 1, text: 'b', style: 'critical', target: 'line-7' }] }], x, {
      left: 0,
      top: 0,
      width: 9,
    });
    expect(markupText(markup)).toContain('<a href="#line-7">');
  });
});

describe('lines', () => {
  const box = { left: 0, top: 0, width: 100, height: 100 };
  const x = linearScale([0, 100], [0, 100]);
  const pathOf = (step: boolean, values: readonly (number | null)[]): string | null => {
    const points = values.map((value, at) => ({ at: at * 10, value }));
    const panel = linePanel({
      title: 'a',
      box,
      x,
      ticks: [0, 100],
      series: [{ name: 'b', style: 1, step, points }],
      format: String,
    });
    const path = parsed(`<svg>${markupText(panel)}</svg>`).elements.find(({ tagName }) => tagName === 'path');
    return path === undefined ? null : attributeOf(path, 'd');
  };

  test('a step holds its value until the next one', () => {
    expect(pathOf(true, [100, 50])).toBe('M0.0 0.0H10.0V50.0');
    expect(pathOf(false, [100, 50])).toBe('M0.0 0.0L10.0 50.0');
  });

  test('nothing is drawn where nothing was known', () => {
    expect(pathOf(false, [100, null, 50, 0])).toBe('M0.0 0.0M20.0 50.0L30.0 100.0');
  });

  test('of very many points no spike is lost', () => {
    const points = Array.from({ length: 50_000 }, (_, at) => ({ at, value: at === 31_234 ? 900 : at % 7 }));
    const few = thinned(points, 800);
    expect(few.length).toBeLessThanOrEqual(800);
    expect(few.map(({ value }) => value)).toContain(900);
    expect(few.map(({ at }) => at)).toEqual(few.map(({ at }) => at).toSorted((a, b) => a - b));
  });
});

describe('every drawing', () => {
  const drawn = [
    bars('Migrations by outcome', [{ label: 'completed', value: 3, text: '3', style: 'good' }]),
    bars('None', []),
    sparkline('Downtime by week: 40, 50, 60 ms', [40, null, 60]),
    sparkline('Nothing', []),
  ].map(markupText);

  test.each(drawn)('has a name for those who do not see it, and numbers only where numbers stand', (markup) => {
    const { elements } = parsed(markup);
    const svg = elements.find(({ tagName }) => tagName === 'svg');
    expect(svg === undefined ? null : attributeOf(svg, 'aria-label')).toMatch(/\w/);
    expect(elements.some(({ tagName }) => tagName === 'title')).toBe(true);
    expect(markup).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('an axis keeps its outermost labels inside', () => {
    const axis = markupText(
      timeAxis(
        [
          { at: 0, label: 'a' },
          { at: 50, label: 'b' },
          { at: 100, label: 'c' },
        ],
        linearScale([0, 100], [0, 100]),
        { left: 0, top: 0, width: 100, height: 9 },
      ),
    );
    expect([...axis.matchAll(/text-anchor="(\w+)"/g)].map(([, anchor]) => anchor)).toEqual(['start', 'middle', 'end']);
  });
});
