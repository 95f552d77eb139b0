import { isoTime } from '../lib/units.ts';
import type { Stamp } from '../model/source.ts';
import type { Explanation, NearRule, NoHeader, Plain, Rejected, Understood } from '../parsers/explain.ts';
import type { Parser, Rule } from '../parsers/parser.ts';
import { paint, type Sheet } from './sheet.ts';
import { columns, cut, fold, foldTo, inert, pad } from './terminal/text.ts';

/** Blanks before the text behind a label. */
const LABEL = 10;
const RECORD_LINES = 6;
const VALUE_LINES = 4;

/** What becomes of each record, as text. */
export function explanationReport(explanations: readonly Explanation[], parsers: readonly Parser[], sheet: Sheet): string {
  const records = explanations.map((explanation) => recordLines(explanation, parsers, sheet).join('\n'));
  return `${records.join('\n\n')}\n`;
}

/** The same for programs. */
export function explanationDocument(explanations: readonly Explanation[]): unknown {
  return {
    schema: 'precopy/explain@1',
    records: explanations.map((explanation) => {
      if (explanation.outcome === 'no-header') return explanation;
      const { rule, time, ...rest } = explanation;
      const timed = { ...rest, time: time === null ? null : { ...time, written: isoTime(time.ms).slice(0, -1) } };
      const named = { ...timed, rule: rule === null ? null : { name: rule.name, versions: rule.versions } };
      if (explanation.outcome !== 'plain') return named;
      const nearest = explanation.nearest.map((near) => ({
        rule: near.rule.name,
        versions: near.rule.versions,
        shared: near.shared,
      }));
      return { ...named, nearest };
    }),
  };
}

function recordLines(explanation: Explanation, parsers: readonly Parser[], sheet: Sheet): readonly string[] {
  const quoted = foldTo(inert(explanation.record), { width: sheet.width - LABEL, lines: RECORD_LINES });
  const rest =
    explanation.outcome === 'no-header'
      ? noHeaderLines(explanation, parsers, sheet)
      : [...sourceLines(explanation, parsers, sheet), ...outcomeLines(explanation, sheet)];
  return [...labelled('record', quoted, sheet), ...rest];
}

function outcomeLines(explanation: Understood | Plain | Rejected, sheet: Sheet): readonly string[] {
  if (explanation.outcome === 'events') return understoodLines(explanation, sheet);
  return explanation.outcome === 'plain' ? plainLines(explanation, sheet) : rejectedLines(explanation, sheet);
}

function sourceLines(
  { source, time }: Understood | Plain | Rejected,
  parsers: readonly Parser[],
  sheet: Sheet,
): readonly string[] {
  const title = parsers.find((parser) => parser.source === source)?.title ?? '';
  return [...prose('source', `${source}: ${title}`, sheet), ...prose('time', timeText(time), sheet)];
}

function timeText(time: Stamp | null): string {
  if (time === null) return 'none of its own: it has that of the record before it in its file';
  const written = isoTime(time.ms).slice(0, -1).replace('T', ' ');
  const zone = time.clock === 'utc' ? 'UTC' : 'local time of its host, whose zone the record does not name';
  if (time.missing === 'year') return `${written.slice(5)}, ${zone}; the record has no year`;
  return time.missing === 'date' ? `${written.slice(11)}, ${zone}; the record has no date` : `${written}, ${zone}`;
}

function understoodLines({ rule, groups, header, events }: Understood, sheet: Sheet): readonly string[] {
  const captured = Object.entries({ ...header, ...groups }).filter(([, value]) => value !== undefined);
  const bodies = events.flatMap(({ kind, ...fields }) => [
    ...labelled('event', [paint(sheet, 'good', kind)], sheet),
    ...fieldLines(Object.entries(fields), sheet),
  ]);
  const named =
    rule === null
      ? prose('rule', 'none: it has a sentence that guides quote and no program prints', sheet)
      : ruleLines(rule, sheet);
  return [
    ...named,
    ...labelled('captures', captured.length === 0 ? ['nothing'] : [], sheet),
    ...fieldLines(captured, sheet),
    ...bodies,
  ];
}

function ruleLines(rule: Rule, sheet: Sheet): readonly string[] {
  return prose('rule', `${rule.name} (releases: ${rule.versions})`, sheet);
}

function plainLines({ rule, nearest }: Plain, sheet: Sheet): readonly string[] {
  if (rule !== null) {
    const why = `plain: the rule ${rule.name} matches (releases: ${rule.versions}), and there is nothing in it that matters`;
    return prose('outcome', why, sheet);
  }
  return [
    ...prose('outcome', 'plain: its header matches, no rule does. It is kept, and means nothing special.', sheet),
    ...nearest.flatMap((near) => nearLines(near, sheet)),
  ];
}

function nearLines({ rule, shared, whole }: NearRule, sheet: Sheet): readonly string[] {
  const how = whole ? 'begins so, and goes on differently' : `shares "${shared}"`;
  const [sample] = rule.samples;
  const like = sample === undefined ? '' : `like: ${inert(sample.record.slice(Math.max(0, sample.record.indexOf(shared))))}`;
  const room = sheet.width - LABEL;
  return [
    ...prose('near', `${rule.name} (releases: ${rule.versions}): ${how}`, sheet),
    ...(like === '' ? [] : [' '.repeat(LABEL) + paint(sheet, 'dim', cut(like, room))]),
  ];
}

function rejectedLines({ reason, rule }: Rejected, sheet: Sheet): readonly string[] {
  const by = rule === null ? '' : ` It claims to be the message of the rule ${rule.name} (releases: ${rule.versions}).`;
  return [...prose('outcome', `rejected: ${reason}. ${REASONS[reason]}${by}`, sheet)];
}

const REASONS: Readonly<Record<Rejected['reason'], string>> = {
  'no-header': 'It does not begin as a record of this program.',
  'too-long': 'It is longer than a record may be.',
  'bad-time': 'What stands where its time should be is none.',
  'bad-json': 'It is not JSON where it has to be.',
  'bad-shape': 'It lacks fields that it has to have.',
};

function noHeaderLines({ tried }: NoHeader, parsers: readonly Parser[], sheet: Sheet): readonly string[] {
  const why =
    tried.length === 1
      ? `not read: it does not begin as a record of ${tried.join('')}. Such records begin:`
      : 'not read: it begins as no record of any program known. Records begin:';
  const examples = parsers
    .filter(({ source }) => tried.includes(source))
    .map((parser) => {
      const record = parser.rules[0]?.samples[0]?.record.split('\n')[0] ?? '';
      return `${pad(parser.source, 17)} ${cut(inert(record), sheet.width - LABEL - 18)}`;
    });
  return [...prose('outcome', why, sheet), ...examples.map((line) => ' '.repeat(LABEL) + paint(sheet, 'dim', line))];
}

function fieldLines(fields: readonly (readonly [string, unknown])[], sheet: Sheet): readonly string[] {
  const room = Math.min(28, Math.max(0, ...fields.map(([name]) => columns(name))));
  return fields.flatMap(([name, value]) => {
    const start = `${' '.repeat(LABEL)}  ${pad(name, room)}  `;
    const shown = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
    const [first = '', ...more] = foldTo(inert(shown), { width: sheet.width - columns(start), lines: VALUE_LINES });
    return [paint(sheet, 'dim', start) + first, ...more.map((line) => ' '.repeat(columns(start)) + line)];
  });
}

function prose(label: string, words: string, sheet: Sheet): readonly string[] {
  return labelled(label, fold(words, sheet.width - LABEL), sheet);
}

/** Lines behind a label, the later ones below the first. */
function labelled(label: string, lines: readonly string[], sheet: Sheet): readonly string[] {
  const [first = '', ...more] = lines;
  return [`${paint(sheet, 'strong', pad(label, LABEL))}${first}`.trimEnd(), ...more.map((line) => ' '.repeat(LABEL) + line)];
}
