import { createOverlapIndex } from '../lib/overlap-index.ts';
import { listed } from '../lib/units.ts';
import type { Migration } from '../model/timeline.ts';

/** A stretch of time, Unix ms; `to` is `null` while it goes on. */
export interface Stretch {
  readonly from: number;
  readonly to: number | null;
}

/** Migrations named in a sentence; the rest are counted. */
const NAMED = 3;

/** The migrations that ran in a time, or not further than `nearMs` from it. */
export type During = (stretch: Stretch, nearMs?: number) => readonly Migration[];

/** Makes the migrations of a host to be asked which of them ran in a time: of a busy host there are thousands, and as many questions. */
export function during(migrations: readonly Migration[]): During {
  const overlapping = createOverlapIndex(migrations, ({ startedAt, lastSeenAt }) => ({ from: startedAt, to: lastSeenAt }));
  return ({ from, to }, nearMs = 0) => overlapping({ from: from - nearMs, to: (to ?? Number.POSITIVE_INFINITY) + nearMs });
}

/** `, while i-2-71-VM was being migrated to kvm-b`, as one of its hosts sees it; empty where nothing was. */
export function whileMigrating(host: string, migrations: readonly Migration[]): string {
  const [only] = migrations;
  if (only === undefined) return '';
  if (migrations.length === 1) return `, while ${only.vm} was being migrated ${direction(host, only)}`;
  const named = migrations.slice(0, NAMED).map((migration) => `${migration.vm} (${direction(host, migration)})`);
  const rest = migrations.length > NAMED ? [`${migrations.length - NAMED} more`] : [];
  return `, while ${listed([...named, ...rest])} were being migrated`;
}

function direction(host: string, { source, destination, destinationAddress }: Migration): string {
  if (source !== host) return `from ${source ?? 'another host'}`;
  return `to ${destination ?? destinationAddress ?? 'another host'}`;
}
