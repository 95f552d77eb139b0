import type { Event } from '../model/event.ts';
import { eventLine, findingLines, isWorse, migrationLines } from '../reports/live.ts';
import type { LiveFinding, LiveMigration } from '../reports/saying.ts';
import type { Sheet } from '../reports/sheet.ts';
import { GENERIC } from '../reports/telling.ts';
import type { ServerEvent } from './tail-stream.ts';

/** Where what happens is told. */
export interface TellerParts {
  readonly sheet: Sheet;
  out(lines: readonly string[]): void;
  /** Says something that is not part of what happens. */
  note(text: string): void;
}

/** Tells what a feed says, and nothing twice: a feed repeats what it knows whenever anything of it changes. */
export interface LiveTeller {
  tell(event: ServerEvent): void;
}

/** Migrations and findings that are remembered: more than ever change again. */
const MOST_KNOWN = 5000;

/** A teller that has told nothing yet. */
export function createLiveTeller({ sheet, out, note }: TellerParts): LiveTeller {
  const migrations = new Map<string, LiveMigration>();
  const findings = new Map<string, LiveFinding['severity']>();
  /** Migrations of which a finding said why they failed. */
  const explained = new Map<string, true>();
  let last: 'nothing' | 'line' | 'block' = 'nothing';

  function say(kind: 'line' | 'block', lines: readonly string[]): void {
    out(last === 'nothing' || (kind === 'line' && last === 'line') ? lines : ['', ...lines]);
    last = kind;
  }

  function tellMigration(migration: LiveMigration): void {
    const before = migrations.get(migration.id) ?? earlierTelling(migration, migrations);
    if (before !== null && before.id !== migration.id) migrations.delete(before.id);
    remember(migrations, migration.id, migration);
    if (migration.outcome !== before?.outcome) say('line', migrationLines(migration, sheet));
  }

  function tellFinding({ document: finding, quotes = [] }: FindingItem): void {
    const before = findings.get(finding.id);
    remember(findings, finding.id, finding.severity);
    if (before !== undefined && !isWorse(finding.severity, before)) return;
    const about = finding.migration ?? '';
    if (!GENERIC.has(finding.detector) && finding.severity !== 'info') remember(explained, about, true);
    else if (GENERIC.has(finding.detector) && explained.has(about)) return;
    say('block', findingLines({ finding, migration: migrations.get(about) ?? null, quotes }, sheet));
  }

  return {
    tell({ event, document }) {
      if (event === 'missed') {
        const { items } = document as { readonly items: number };
        note(`${items} left out: they came faster than they could be shown`);
        return;
      }
      if (event === 'migration') tellMigration((document as { readonly document: LiveMigration }).document);
      else if (event === 'finding') tellFinding(document as FindingItem);
      else if (event === 'event') say('line', [eventLine((document as { readonly document: Event }).document, sheet)]);
    },
  };
}

/** A line that arrives late lets a migration begin earlier, under another id: what was told of it, for a VM has one at a time. */
function earlierTelling(
  { vm, startedAt, endedAt }: LiveMigration,
  told: ReadonlyMap<string, LiveMigration>,
): LiveMigration | null {
  const same = [...told.values()].findLast(
    (other) =>
      other.vm === vm &&
      (endedAt === null || other.startedAt <= endedAt) &&
      (other.endedAt === null || startedAt <= other.endedAt),
  );
  return same ?? null;
}

interface FindingItem {
  readonly document: LiveFinding;
  readonly quotes?: readonly string[];
}

/** The longest known is forgotten first. */
function remember<T>(known: Map<string, T>, id: string, value: T): void {
  known.delete(id);
  known.set(id, value);
  const [oldest] = known.size > MOST_KNOWN ? known.keys() : [];
  if (oldest !== undefined) known.delete(oldest);
}
