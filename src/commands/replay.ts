import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Zone } from '../timeline/zone.ts';

/** A record of a file, whole, its times shifted. */
export interface ReplayedRecord {
  /** When it is written, Unix ms; within a file never earlier than the one before. */
  readonly at: number;
  /** With its last line break. */
  readonly text: string;
}

/** A file of a recording, its times shifted. */
export interface ReplayedFile {
  /** Below the folder of the recording: `hosts/kvm-a/var/log/…`. */
  readonly path: string;
  readonly records: readonly ReplayedRecord[];
}

/** How the times of a recording become others. */
export interface Shift {
  readonly byMs: number;
  /** In which its agents wrote local times. */
  readonly recordedZone: Zone;
  /** In which they write them now. */
  readonly zone: Zone;
}

/** All logs of a recording, as if it had happened at another time. */
export function replayed(folder: string, shift: Shift): readonly ReplayedFile[] {
  return filesBelow(folder).map((path) => ({ path, records: recordsOf(readFileSync(join(folder, path), 'utf8'), shift) }));
}

/** The label of a recording is not one of its logs. */
const NO_LOG = 'label.json';

function filesBelow(folder: string, below = ''): readonly string[] {
  return readdirSync(join(folder, below)).flatMap((name) => {
    const path = join(below, name);
    if (statSync(join(folder, path)).isDirectory()) return filesBelow(folder, path);
    return name === NO_LOG ? [] : [path];
  });
}

/** Records by where a line begins with a time; all times in them shifted. */
function recordsOf(text: string, shift: Shift): readonly ReplayedRecord[] {
  const records: { at: number; text: string }[] = [];
  for (const line of text.split(/(?<=\n)/)) {
    const whole = line.endsWith('\n') ? line : `${line}\n`;
    const { at, text: moved, leads } = shiftedLine(whole, shift);
    const last = records.at(-1);
    if (last === undefined || leads) records.push({ at: Math.max(at ?? 0, last?.at ?? 0), text: moved });
    else last.text += moved;
  }
  return records;
}

/** A form in which the recorded programs write times: what is matched, and how it is written again. */
interface TimeForm {
  readonly pattern: RegExp;
  /** Unix ms of a match. */
  read(match: readonly string[], shift: Shift): number;
  write(ms: number, match: readonly string[], shift: Shift): string;
}

const FORMS: readonly TimeForm[] = [
  {
    // agent.log: 2026-11-22 23:40:06,768
    pattern: /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d),(\d{3})(?=\s)/,
    read: ([, date, time, ms], { recordedZone }) => {
      const local = Date.parse(`${date}T${time}.${ms}Z`);
      return local - (recordedZone.offsetsMs(local)[0] ?? 0);
    },
    write: (at, _, { zone }) =>
      new Date(at + (zone.offsetsMs(at)[0] ?? 0)).toISOString().replace('T', ' ').replace('.', ',').replace('Z', ''),
  },
  {
    // libvirt: 2026-11-23 04:40:22.228+0000; JSON lines and QEMU: 2026-11-23T04:40:18.924Z; tcpdump: 2026-11-23 04:46:16.563027
    pattern: /(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)\.(\d{3})(\d{3})?(\+0000|Z| )/g,
    read: ([, date, , time, ms]) => Date.parse(`${date}T${time}.${ms}Z`),
    write: (at, [, , separator, , , below, zone]) =>
      `${new Date(at)
        .toISOString()
        .replace('T', separator ?? '')
        .replace('Z', '')}${below ?? ''}${zone}`,
  },
  {
    // bridge monitor: Timestamp: Mon Nov 23 04:46:16 2026 563063 usec
    pattern: /^Timestamp: \w{3} (\w{3} [ \d]\d) (\d\d:\d\d:\d\d) (\d{4}) (\d+) usec/,
    read: ([, day, time, year, micros]) => Date.parse(`${day} ${year} ${time} UTC`) + Math.floor(Number(micros) / 1000),
    write: (at, [, , , , micros]) => {
      const [weekday, date = '', month, year, time] = new Date(at).toUTCString().replace(',', '').split(' ');
      const below = (at % 1000) * 1000 + (Number(micros) % 1000);
      return `Timestamp: ${weekday} ${month} ${String(Number(date)).padStart(2, ' ')} ${time} ${year} ${below} usec`;
    },
  },
  {
    // QEMU's monitor: "timestamp": {"seconds": 1795505544, "microseconds": 543942}
    pattern: /("timestamp": ?\{"seconds": ?)(\d+)(, ?"microseconds": ?)(\d+)/g,
    read: ([, , seconds, , micros]) => Number(seconds) * 1000 + Math.floor(Number(micros) / 1000),
    write: (at, [, before, , between, micros]) =>
      `${before}${Math.floor(at / 1000)}${between}${(at % 1000) * 1000 + (Number(micros) % 1000)}`,
  },
];

interface ShiftedLine {
  /** The first time in it; `null` where it has none. */
  readonly at: number | null;
  readonly text: string;
  /** It begins a record. */
  readonly leads: boolean;
}

function shiftedLine(line: string, shift: Shift): ShiftedLine {
  let at: number | null = null;
  let text = line;
  for (const { pattern, read, write } of FORMS) {
    text = text.replace(pattern, (...args: readonly unknown[]) => {
      const match = args.filter((one): one is string => typeof one === 'string' || one === undefined);
      const moved = read(match, shift) + shift.byMs;
      at ??= moved;
      return write(moved, match, shift);
    });
  }
  return { at, text, leads: at !== null && /^(?:\{"at"|Timestamp: |\d{4}-)/.test(line) };
}
