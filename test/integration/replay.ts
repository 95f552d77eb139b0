import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Source } from '../../src/model/source.ts';
import { fixedZone, zoneNamed, type Zone } from '../../src/timeline/zone.ts';

/** A record of a file, whole. */
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

/** What really happened, as far as a replay needs it. */
const label = z.object({
  agentLogTimeZone: z.string(),
  recorded: z.object({ from: z.iso.datetime(), to: z.iso.datetime() }),
  migrations: z.array(z.object({ vm: z.string(), startedAt: z.iso.datetime(), endedAt: z.iso.datetime() })),
});

/** A recording that can be written again at any time. */
export interface Replay {
  /** From the first to the last thing recorded, ms. */
  readonly lengthMs: number;
  /** When its first migration ended, ms after the beginning. */
  readonly endedAfterMs: number;
  /** All of its logs as if it had begun at this time (Unix ms). Agents write local times of the zone. */
  filesFrom(startAt: number, zone: Zone): readonly ReplayedFile[];
}

/** A recording below `recordings`. */
export function replayOf(name: string): Replay {
  const folder = join('recordings', name);
  const { agentLogTimeZone, recorded, migrations } = label.parse(JSON.parse(readFileSync(join(folder, 'label.json'), 'utf8')));
  const recordedZone = zoneNamed(agentLogTimeZone) ?? fixedZone(0);
  const from = Date.parse(recorded.from);
  return {
    lengthMs: Date.parse(recorded.to) - from,
    endedAfterMs: Date.parse(migrations[0]?.endedAt ?? recorded.to) - from,
    filesFrom: (startAt, zone) =>
      filesBelow(folder).map((path) => {
        const shift = { byMs: startAt - from, recordedZone, zone };
        return { path, records: recordsOf(readFileSync(join(folder, path), 'utf8'), shift) };
      }),
  };
}

/** The program that wrote a file, by its name. */
export function sourceOf(path: string): Source {
  const name = basename(path);
  if (name.startsWith('agent.log')) return 'cloudstack-agent';
  if (name.startsWith('libvirtd.log')) return 'libvirtd';
  const source = OTHERS[name];
  return source ?? 'libvirt-qemu';
}

const OTHERS: Readonly<Record<string, Source>> = {
  'domjobinfo.jsonl': 'domjobinfo',
  'heartbeat.jsonl': 'heartbeat',
  'tcpdump.log': 'tcpdump',
  'bridge-fdb.log': 'bridge-fdb',
};

function filesBelow(folder: string, below = ''): readonly string[] {
  return readdirSync(join(folder, below)).flatMap((name) => {
    const path = join(below, name);
    if (statSync(join(folder, path)).isDirectory()) return filesBelow(folder, path);
    return name === 'label.json' ? [] : [path];
  });
}

interface Shift {
  readonly byMs: number;
  readonly recordedZone: Zone;
  readonly zone: Zone;
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

/** Each form in which the recorded programs write times: what is matched, and how it is written again. */
const FORMS: readonly {
  readonly pattern: RegExp;
  /** Unix ms and what lies below them of a match. */
  read(match: readonly string[], shift: Shift): number;
  write(ms: number, match: readonly string[], shift: Shift): string;
}[] = [
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
      `${new Date(at).toISOString().replace('T', separator ?? '').replace('Z', '')}${below ?? ''}${zone}`,
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

function shiftedLine(line: string, shift: Shift): { readonly at: number | null; readonly text: string; readonly leads: boolean } {
  let at: number | null = null;
  let text = line;
  for (const { pattern, read, write } of FORMS) {
    text = text.replace(pattern, (...args: readonly unknown[]) => {
      const match = args.filter((one) => typeof one === 'string' || one === undefined) as readonly string[];
      const moved = read(match, shift) + shift.byMs;
      at ??= moved;
      return write(moved, match, shift);
    });
  }
  return { at, text, leads: at !== null && /^(?:\{"at"|Timestamp: |\d{4}-)/.test(line) };
}
