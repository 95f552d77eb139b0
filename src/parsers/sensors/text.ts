import type { Feature } from './temperature.ts';

const CHIP = /^\S+-(?:isa|pci|i2c|spi|virtual|acpi|hid|mdio|scsi|sdio)(?:-\d+)?-[0-9a-f]+$/;
/** In UTF-8 and Latin-1 locales with a degree sign, in the C locale with a blank instead. */
const TEMPERATURE = /^(?<label>.+?): +(?<value>[+-]\d+\.\d)[ °](?<unit>[CF])\b(?<rest>.*)$/;
const LIMIT = /(low|high|crit low|crit|emerg|lowest|highest|hyst) *= *([+-]\d+\.\d)/g;
const ALARM = /\bALARM\b(?: \((?<which>[A-Z, ]+)\))?/;
const RAW_LABEL = /^(?<label>\S.*):$/;
const RAW_VALUE = /^ {2}(?<name>\w+): (?<value>-?\d+(?:\.\d+)?)$/;

/** libsensors' names of the limits and alarms that matter. */
const LIMIT_NAMES: Readonly<Record<string, string>> = { high: 'temp_max', crit: 'temp_crit', emerg: 'temp_emergency' };
const ALARM_NAMES: Readonly<Record<string, string>> = {
  HIGH: 'temp_max_alarm',
  CRIT: 'temp_crit_alarm',
  EMERGENCY: 'temp_emergency_alarm',
  LOW: 'temp_min_alarm',
  LCRIT: 'temp_lcrit_alarm',
};

interface OpenFeature extends Feature {
  readonly values: Map<string, number>;
}

/** Reads what `sensors` prints without -j: one chip or several, for people or, with -u, raw. */
export function readText(text: string): readonly Feature[] {
  const features: OpenFeature[] = [];
  let chip = '';
  /** What indented lines belong to. */
  let open: OpenFeature | null = null;
  for (const line of text.split('\n')) {
    // a value that cannot be read at all leaves `(label)` at the line's beginning
    if (open !== null && (line.startsWith(' ') || line.startsWith('('))) {
      readMore(open, line);
      continue;
    }
    if (CHIP.test(line)) chip = line;
    open = openFeature(chip, line);
    if (open !== null) features.push(open);
  }
  return features;
}

function openFeature(chip: string, line: string): OpenFeature | null {
  const raw = RAW_LABEL.exec(line)?.groups;
  if (raw !== undefined) return { chip, label: raw['label'] ?? '', unit: null, values: new Map() };
  const found = TEMPERATURE.exec(line)?.groups;
  if (found === undefined) return null;
  const feature: OpenFeature = {
    chip,
    label: found['label'] ?? '',
    unit: found['unit'] === 'F' ? 'F' : 'C',
    values: new Map([['temp_input', Number(found['value'])]]),
  };
  readMore(feature, found['rest'] ?? '');
  return feature;
}

/** The rest of a line, or a line that goes on with it: limits and alarms, or a raw value. */
function readMore({ values }: OpenFeature, text: string): void {
  const raw = RAW_VALUE.exec(text)?.groups;
  if (raw !== undefined) {
    values.set(raw['name'] ?? '', Number(raw['value']));
    return;
  }
  readLimits(values, text);
  const alarm = ALARM.exec(text);
  if (alarm === null) return;
  for (const word of alarm.groups?.['which']?.split(', ') ?? ['']) values.set(ALARM_NAMES[word] ?? 'temp_alarm', 1);
}

function readLimits(values: Map<string, number>, text: string): void {
  for (const [, word = '', value] of text.matchAll(LIMIT)) {
    const name = LIMIT_NAMES[word];
    if (name !== undefined) values.set(name, Number(value));
  }
}
