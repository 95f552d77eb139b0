import { visible } from '../visible.ts';

const MARKUP = Symbol('markup');

/** A safe piece of a page. Only `html` makes one, so that a text, whatever it holds, is never taken for markup. */
export interface Markup {
  readonly [MARKUP]: string;
}

/** What may stand in a template: texts are escaped, lists are joined, `null` is nothing. */
export type Fragment = string | number | null | Markup | readonly Fragment[];

/**
 * Markup of a literal with values in it. A value stands in text, or inside an attribute's quotation marks, and nowhere else:
 * elsewhere escaping could not hold it. Values in `href` come behind a literal `#`; styles take numbers only.
 *
 * @throws Error, on the first use, where a template has a value in another place: that is a bug of the template, never of a value.
 */
export function html(literals: TemplateStringsArray, ...values: readonly Fragment[]): Markup {
  const places = placesOf(literals);
  let text = literals[0] ?? '';
  for (const [i, value] of values.entries()) text += written(value, places[i] ?? 'text') + (literals[i + 1] ?? '');
  return { [MARKUP]: text };
}

/** The characters of a fragment, to be written to a file. */
export function markupText(fragment: Fragment): string {
  return written(fragment, 'text');
}

type Place = 'text' | 'attribute' | 'number';

function written(value: Fragment, place: Place): string {
  if (value === null) return '';
  if (typeof value === 'number') return finite(value);
  if (typeof value === 'string') return place === 'number' ? refused('a style takes numbers only') : escaped(value);
  if (MARKUP in value) return place === 'text' ? value[MARKUP] : refused('markup cannot stand in an attribute');
  // what came out of JSON may have any type
  return Array.isArray(value) ? value.map((each: Fragment) => written(each, place)).join('') : refused('an object is no markup');
}

function refused(why: string): never {
  throw new Error(`html: ${why}`);
}

/** Coordinates come from arithmetic: a hundredth of a pixel is enough, and what is no number must not break a drawing. */
function finite(value: number): string {
  return Number.isFinite(value) ? String(Math.round(value * 100) / 100) : '0';
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** Templates are literals: each is looked at once. */
const known = new WeakMap<TemplateStringsArray, readonly Place[]>();

function placesOf(literals: TemplateStringsArray): readonly Place[] {
  const before = known.get(literals);
  if (before !== undefined) return before;
  let behind = '';
  const places = literals.slice(0, -1).map((literal) => {
    behind += literal;
    const place = placeBehind(behind);
    // stands for the value: no character of it can end what it stands in
    behind += 'x';
    return place;
  });
  known.set(literals, places);
  return places;
}

/** What a browser may fetch, run or go to. */
const ADDRESSES = /^(?:xlink:)?href$|^(?:src|srcset|srcdoc|action|formaction|data|poster|content)$/i;

const OPEN_ATTRIBUTE = /[\s"'](?<name>[\w:-]+)="(?<start>[^"]*)$/;

function placeBehind(markup: string): Place {
  if (/<(?:style|script)\b(?![^]*<\/(?:style|script)>)/i.test(markup))
    return refused('a value cannot stand in a style or a script');
  const tag = openTag(markup);
  if (tag === null) return 'text';
  const { name, start = '' } = OPEN_ATTRIBUTE.exec(tag)?.groups ?? {};
  if (name === undefined) return refused(`a value in a tag stands in quotation marks: ${tag}`);
  if (/^on/i.test(name)) return refused(`a value cannot stand in ${name}`);
  if (ADDRESSES.test(name) && !start.startsWith('#')) return refused(`a value in ${name} comes behind a #`);
  return name === 'style' ? 'number' : 'attribute';
}

/** The tag that is open at the end of a piece of markup; `null` in text. Literals have no `<` or `>` inside quotation marks. */
function openTag(markup: string): string | null {
  const start = markup.lastIndexOf('<');
  return start < 0 || markup.includes('>', start) ? null : markup.slice(start);
}
