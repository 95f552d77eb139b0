import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bars } from '../../../src/reports/html/bars.ts';
import { htmlPage } from '../../../src/reports/html/document.ts';
import { html, markupText, type Fragment, type Markup } from '../../../src/reports/html/html.ts';
import { lanes } from '../../../src/reports/html/lanes.ts';
import { linePanel } from '../../../src/reports/html/line-panel.ts';
import { linearScale } from '../../../src/reports/html/scale.ts';
import { sparkline } from '../../../src/reports/html/sparkline.ts';
import { drawing } from '../../../src/reports/html/drawing.ts';
import { table } from '../../../src/reports/html/table.ts';
import { visible } from '../../../src/reports/visible.ts';
import { attributeOf, parsed, textOf } from './parsed.ts';

const x = linearScale([0, 10], [0, 100]);
const box = { left: 0, top: 20, width: 100, height: 50 };

/** A page with the text in every kind of place that there is. */
function pageWith(text: string): string {
  const line = { name: text, style: 1 as const, step: true, points: [{ at: 1, value: 2 }] };
  const body = html`<main id="a" title="${text}">
    <p data-a="1" class="${text}">${text}</p>
    <a href="#${text}">${text}</a>
    <pre>x${text}</pre>
    <ul>
      ${[text, text].map((each) => html`<li>${each}</li>`)}
    </ul>
    ${table({ caption: text, columns: [{ title: text, kind: 'long' }], rows: [[text], [html`<b>${text}</b>`]] })}
    ${bars(text, [{ label: text, value: 1, text, style: 'good' }])} ${sparkline(text, [1, null, 2])}
    ${drawing({
      label: text,
      description: text,
      width: 10,
      height: 10,
      body: [
        lanes([{ name: text, marks: [{ at: 3, text, style: 'plain', target: text }] }], x, box).markup,
        linePanel({ title: text, box, x, ticks: [0, 1], series: [line], format: () => text }),
      ],
    })}
  </main>`;
  return htmlPage({ title: text, body });
}

const EVIL = [
  '<script>alert(1)</script>',
  '</title></style></svg></pre><img src=x onerror=alert(1)>',
  '" onmouseover="alert(1)',
  "' onmouseover='alert(1)",
  '<!-- ',
  ']]>',
  '&lt;b&gt; &amp; &#60;',
  'a\0b\x1b[31m\x07\x9b\r',
  '\u202egnp.exe\u2066\u200b\u2028\ufeff',
  'javascript:alert(1)',
  '\ud800 half',
  '`${1}`',
];

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: fc.constantFrom(...Array.from('<>"\'&/=!-[]`\n\t ;#xscriptyle\u202e\0')), maxLength: 80 }),
  fc.constantFrom(...EVIL),
);

describe('a text', () => {
  const harmless = parsed(pageWith('x')).skeleton;

  test('never changes the elements and attributes of a page, whatever it holds', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(parsed(pageWith(text)).skeleton).toEqual(harmless);
      }),
    );
  });

  test.each(EVIL)('is read back as it was, in text and in an attribute: %j', (text) => {
    const { elements } = parsed(pageWith(text));
    const paragraph = elements.find(({ tagName }) => tagName === 'p');
    const title = elements.find(({ tagName }) => tagName === 'title');
    const main = elements.find(({ tagName }) => tagName === 'main');
    if (paragraph === undefined || title === undefined || main === undefined) throw new Error('the page has all three');
    expect(textOf(paragraph)).toBe(visible(text));
    expect(attributeOf(main, 'title')).toBe(visible(text));
    expect(textOf(title)).toBe(visible(text));
  });

  test('of 100 kB does not change them either', () => {
    expect(parsed(pageWith('<b x="1">\u202e'.repeat(10_000))).skeleton).toEqual(harmless);
  });

  test('shows what would reverse or hide the rest of the line', () => {
    const { elements } = parsed(markupText(html`<p>${'a\u202eb\x1bc\nd'}</p>`));
    expect(elements.map(textOf)).toEqual(['a\\u{202e}b\\x1bc\nd']);
  });

  test('is no markup, even where it claims to be', () => {
    // as it might come out of JSON: only a symbol of this module makes markup
    const foreign = JSON.parse('{"markup":"<b>","Symbol(markup)":"<b>"}') as Markup;
    expect(() => markupText(html`<p>${foreign}</p>`)).toThrow('html: an object is no markup');
    expect(markupText(html`<p>${markupText(html`<b></b>`)}</p>`)).toBe('<p>&lt;b&gt;&lt;/b&gt;</p>');
  });
});

describe('a template', () => {
  test('takes markup, lists, numbers and nothing', () => {
    const list: Fragment = ['a', 1.23456, null, html`<b>c</b>`, ['<']];
    expect(markupText(html`<p>${list}${null}</p>`)).toBe('<p>a1.23<b>c</b>&lt;</p>');
  });

  test('writes what is no number as 0, so that a drawing stays one', () => {
    expect(markupText(html`<rect x="${Number.NaN}" y="${Number.POSITIVE_INFINITY}" />`)).toBe('<rect x="0" y="0" />');
  });

  // under another name, so that no formatter mends them
  const template = html;

  test.each([
    ['a bare attribute', () => template`<p class=${'x'}></p>`],
    ['single quotation marks', () => template`<p class='${'x'}'></p>`],
    ['a tag', () => template`<p ${'x'}></p>`],
    ['the name of a tag', () => template`<${'x'}></p>`],
    ['an event', () => template`<p onclick="${'x'}"></p>`],
    ['an address', () => template`<a href="${'javascript:1'}"></a>`],
    ['a source', () => template`<img src="${'x'}">`],
    ['a style', () => template`<p style="width: ${'1px; x: y'}"></p>`],
    ['a style sheet', () => template`<style>${'x'}</style>`],
    ['a script', () => template`<script>${'x'}</script>`],
  ])('with a text in %s is refused', (_place, make) => {
    expect(make).toThrow('html: ');
  });

  test('with markup in an attribute is refused', () => {
    expect(() => html`<p title="${html`<b></b>`}"></p>`).toThrow('html: markup cannot stand in an attribute');
  });
});
