import type { Feature } from './temperature.ts';

/**
 * `sensors -j` and `-J` are often no JSON: labels are not escaped, keys repeat (two features of one label), commas are left over,
 * what cannot be read is `NaN` or `(label)`, several chips are several objects. So this reads keys, values and braces as they come.
 */
const TOKEN =
  /"(?<key>(?:(?!":)[^\n]){0,200})":\s*(?:(?<opens>\{)|"(?<text>[^\n]{0,200}?)"(?=\s*(?:[,}]|$))|(?<number>-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)|NaN|null)|(?<brace>[{}])|\([^()\n]*\)|[^"{}(]+|./y;

type Token = Readonly<Record<string, string | undefined>>;

interface OpenFeature {
  readonly chip: string;
  readonly key: string;
  label: string;
  unit: Feature['unit'];
  readonly values: Map<string, number>;
}

/** The features of all chips, or `null` where the text ends inside an object. */
export function readJson(text: string): readonly Feature[] | null {
  const features: OpenFeature[] = [];
  /** Keys of the objects that are open: the outermost (no key), chip, feature and, in -J, what is measured. */
  const path: string[] = [];
  for (const token of tokensOf(text)) {
    if (token['brace'] === '}') {
      path.pop();
    } else if (token['brace'] === '{' || token['opens'] !== undefined) {
      path.push(token['key'] ?? '');
      if (path.length === 3) features.push(openFeature(path));
    } else if (token['key'] !== undefined && path.length >= 3) {
      const feature = features.at(-1);
      if (feature !== undefined) readValue(feature, path[3], token);
    }
  }
  return path.length > 0 ? null : features;
}

function* tokensOf(text: string): Generator<Token> {
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) {
      TOKEN.lastIndex = at + 1;
    } else if (match.groups !== undefined) {
      yield match.groups;
    }
  }
}

function openFeature([, chip = '', key = '']: readonly string[]): OpenFeature {
  return { chip, key, label: key, unit: null, values: new Map() };
}

/** `"temp1_input": 45.000` of -j; `"input": {"unit": "°C", "value": 45}` and `"label": "Core 0"` of -J. */
function readValue(feature: OpenFeature, measured: string | undefined, { key = '', text, number }: Token): void {
  if (measured === undefined) {
    if (number !== undefined) feature.values.set(key, Number(number));
    else if (key === 'label' && text !== undefined) feature.label = text;
  } else if (key === 'value' && number !== undefined) {
    feature.values.set(`${feature.key}_${measured}`, Number(number));
  } else if (key === 'unit' && text?.endsWith('F')) {
    feature.unit = 'F';
  }
}
