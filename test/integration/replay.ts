import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { replayed, type ReplayedFile } from '../../src/commands/replay.ts';
import type { Source } from '../../src/model/source.ts';
import { fixedZone, zoneNamed, type Zone } from '../../src/timeline/zone.ts';

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
    filesFrom: (startAt, zone) => replayed(folder, { byMs: startAt - from, recordedZone, zone }),
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
