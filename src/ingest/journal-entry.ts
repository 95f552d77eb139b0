import { z } from 'zod';

const text = z.union([z.string(), z.array(z.number()), z.array(z.string()), z.null()]);

const entry = z.looseObject({
  __CURSOR: z.string(),
  __REALTIME_TIMESTAMP: z.string(),
  MESSAGE: text.optional(),
  PRIORITY: z.string().optional(),
  SYSLOG_IDENTIFIER: text.optional(),
  SYSLOG_PID: z.string().optional(),
  _COMM: text.optional(),
  _PID: z.string().optional(),
  _HOSTNAME: z.string().optional(),
  _MACHINE_ID: z.string().optional(),
  _TRANSPORT: z.string().optional(),
});

type Entry = z.infer<typeof entry>;

/** Fields of an entry that are asked for. */
export const JOURNAL_FIELDS = Object.keys(entry.shape).filter((name) => !name.startsWith('__'));

/** An entry as the journal's parser reads it. */
export interface JournalLine {
  readonly cursor: string;
  /** With its line break, and those of the message indented. */
  readonly text: string;
  /** `null` where it does not say, as before a host has read its name. */
  readonly host: string | null;
  readonly machineId: string | null;
  /** Its message was left out: journalctl prints none above 4096 bytes in JSON, unless it is asked for all. */
  readonly isCut: boolean;
}

/**
 * A line of `journalctl -o json` → the line that `-o short-iso-precise` prints of it, in UTC. What libvirt's daemons send with their
 * level in a field of its own gets it into the text, as they write it to syslog. `null` where it is no entry.
 */
export function journalLine(json: string): JournalLine | null {
  return journalLineOf(parsed(json));
}

/** The same of the entry's fields. */
export function journalLineOf(fields: unknown): JournalLine | null {
  const found = entry.safeParse(fields);
  if (!found.success) return null;
  const { data } = found;
  const host = data['_HOSTNAME'] ?? 'localhost';
  return {
    cursor: data['__CURSOR'],
    text: `${timeOf(data)} ${host} ${programOf(data)}: ${messageOf(data)}\n`,
    host: /^localhost(?:\.|$)/.test(host) ? null : host,
    machineId: data['_MACHINE_ID'] ?? null,
    isCut: data.MESSAGE === null,
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** `2026-11-23T04:40:14.105923+00:00`: the journal has microseconds. */
function timeOf(found: Entry): string {
  const micros = found['__REALTIME_TIMESTAMP'];
  const iso = new Date(Number(micros.slice(0, -3))).toISOString();
  return `${iso.slice(0, -1)}${micros.slice(-3)}+00:00`;
}

/** libvirt's daemons send no identifier to the journal (virLogOutputToJournald). */
function nameOf(found: Entry): string {
  return textOf(found.SYSLOG_IDENTIFIER) || textOf(found['_COMM']) || 'unknown';
}

function programOf(found: Entry): string {
  const name = nameOf(found);
  const pid = found.SYSLOG_PID ?? found['_PID'];
  return pid === undefined || name === 'kernel' ? name : `${name}[${pid}]`;
}

function messageOf(found: Entry): string {
  const message = textOf(found.MESSAGE).replaceAll('\n', '\n    ');
  const isLibvirt = /^(?:libvirtd|virtqemud)$/.test(nameOf(found)) && found['_TRANSPORT'] === 'journal';
  return isLibvirt ? `${found['_PID'] ?? '0'}: ${levelOf(Number(found.PRIORITY ?? '6'))} : ${message}` : message;
}

/** Level of libvirt by its priority in syslog (virLogPriorityToSyslog). */
function levelOf(priority: number): string {
  if (priority <= 3) return 'error';
  if (priority === 4) return 'warning';
  return priority === 7 ? 'debug' : 'info';
}

/** Fields that are not UTF-8 come as bytes, fields that occur more than once as a list. */
function textOf(value: z.infer<typeof text> | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  const strings = value.filter((one) => typeof one === 'string');
  return strings.length > 0 ? strings.join('\n') : Buffer.from(value.map(Number)).toString('utf8');
}
