import { z } from 'zod';
import type { EventBody, Temperature } from '../model/event.ts';
import type { RejectReason } from '../model/source.ts';
import { ISO_TIME, objectOf, recordedStamp } from './json-line.ts';
import type { Groups, Parser, Rule } from './parser.ts';
import { readJson } from './sensors/json.ts';
import { collectedSamples, jsonSamples, rawSamples, textSamples } from './sensors/samples.ts';
import { temperaturesOf } from './sensors/temperature.ts';
import { readText } from './sensors/text.ts';

const collected = z.object({ sensors: z.union([z.string(), z.record(z.string(), z.unknown())]) });

function collectedPrintOut({ rest = '' }: Groups): readonly EventBody[] | RejectReason | null {
  const line = objectOf(rest);
  // the print-out inside may be no JSON where sensors prints none: then it is read as it came
  if (line === undefined) return /^[^{]*"sensors": ?\{/.test(rest) ? jsonPrintOut(objectIn(rest)) : 'bad-json';
  const found = collected.safeParse(line);
  if (!found.success) return 'bad-shape';
  const { sensors } = found.data;
  if (typeof sensors !== 'string') return jsonPrintOut(objectIn(rest));
  return sensors.trimStart().startsWith('{') ? jsonPrintOut(sensors) : textPrintOut(sensors);
}

/** What `"sensors": ` holds, as written: parsed, it would have lost the first of two equal keys. */
function objectIn(rest: string): string {
  return rest.slice(rest.indexOf('{', rest.indexOf('"sensors"'))).replace(/\}\s*$/, '');
}

function jsonPrintOut(text: string): readonly EventBody[] | RejectReason | null {
  const features = readJson(withoutErrors(text));
  return features === null ? 'bad-json' : orPlain(temperaturesOf(features));
}

function textPrintOut(text: string): readonly EventBody[] | null {
  return orPlain(temperaturesOf(readText(withoutErrors(text))));
}

function orPlain(events: readonly Temperature[]): readonly EventBody[] | null {
  return events.length === 0 ? null : events;
}

/** Where stderr goes to the same file its lines can land anywhere, even inside a number: stdout is flushed by the block. */
function withoutErrors(text: string): string {
  return text.replace(/(?:ERROR: Can't get [^\n]*|Can't get adapter name)(?:\n|$)/g, '');
}

const rules: readonly Rule[] = [
  {
    name: 'collected',
    versions: 'all',
    message: /^(?<rest>[,}][^]*)$/,
    starts: [],
    event: collectedPrintOut,
    samples: collectedSamples,
  },
  {
    name: 'json',
    versions: 'lm-sensors 3.6.0 `-j`, 3.6.2 `-j` and `-J`',
    message: /^(?<printed>\{[^]*)$/,
    // a collector's line whose time is none
    starts: [],
    event: ({ printed = '' }) => (/^\{ ?"at":/.test(printed) ? 'bad-time' : jsonPrintOut(printed)),
    samples: jsonSamples,
  },
  {
    name: 'raw',
    versions: 'lm-sensors 3.6.0–3.6.2, `-u`',
    message: /^(?<printed>\n[^]*?\n {2}[a-z]+\d*(?:_[a-z_]+)?: -?\d[^]*)$/,
    starts: [],
    event: ({ chip = '', printed = '' }) => textPrintOut(`${chip}${printed}`),
    samples: rawSamples,
  },
  {
    name: 'text',
    versions: 'lm-sensors 3.6.0–3.6.2, also `-A` and `-f`',
    message: /^(?<printed>\n[^]*)$/,
    starts: [],
    event: ({ chip = '', printed = '' }) => textPrintOut(`${chip}${printed}`),
    samples: textSamples,
  },
];

/**
 * `sensors` of lm-sensors. It prints no time: that comes from the collector's JSON line, or from a line before the print-out.
 * In text a chip is a record, in JSON the whole print-out.
 */
export const sensors: Parser = {
  source: 'sensors',
  title: 'lm-sensors: temperatures, limits and alarms',
  reference: 'prog/sensors/main.c and chips.c of lm-sensors 3.6.0 and 3.6.2; Documentation/hwmon/sysfs-interface of Linux',
  paths: /(?:^|[/._-])sensors(?:[._-][^/]*)?$/,
  recognises: /^\s*(?:\{?")?\S+-(?:isa|pci|i2c|spi|virtual|acpi|hid|mdio|scsi|sdio)(?:-\d+)?-[0-9a-f]+(?:"|\r?$)|"sensors":/,
  // the last part: what stderr says before the first chip (at the buffer's beginning only, elsewhere it interrupts a record)
  header: new RegExp(
    [
      String.raw`(?:\{ ?"at": ?")?(?<time>${ISO_TIME})(?:"|(?=\r?$))`,
      String.raw`(?=\{)`,
      String.raw`(?<chip>\S+-(?:isa|pci|i2c|spi|virtual|acpi|hid|mdio|scsi|sdio)(?:-\d+)?-[0-9a-f]+)(?=\r?$)`,
      String.raw`(?<![^])(?=ERROR: Can't get |Can't get adapter name|No sensors found!)`,
    ].join('|'),
    'my',
  ),
  time: ({ time }) => recordedStamp(time),
  rules,
};
