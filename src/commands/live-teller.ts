import type { Event } from '../model/event.ts';
import { eventLine, findingLines, isWorse, migrationLines, type LiveFinding, type LiveMigration } from '../reports/live.ts';
import type { Sheet } from '../reports/sheet.ts';
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

  function tellMigration(migration: LiveMigration): void {
    const before = migrations.get(migration.id)?.outcome;
    remember(migrations, migration.id, migration);
    if (migration.outcome !== before) out(migrationLines(migration, sheet));
  }

  function tellFinding(finding: LiveFinding): void {
    const before = findings.get(finding.id);
    remember(findings, finding.id, finding.severity);
    if (before !== undefined && !isWorse(finding.severity, before)) return;
    out(['', ...findingLines(finding, migrations.get(finding.migration ?? '') ?? null, sheet), '']);
  }

  return {
    tell({ event, document }) {
      if (event === 'missed') {
        const { items } = document as { readonly items: number };
        note(`${items} left out: they came faster than they could be shown`);
        return;
      }
      if (event === 'migration') tellMigration((document as { readonly document: LiveMigration }).document);
      else if (event === 'finding') tellFinding((document as { readonly document: LiveFinding }).document);
      else if (event === 'event') out([eventLine((document as { readonly document: Event }).document, sheet)]);
    },
  };
}

/** The longest known is forgotten first. */
function remember<T>(known: Map<string, T>, id: string, value: T): void {
  known.delete(id);
  known.set(id, value);
  const [oldest] = known.size > MOST_KNOWN ? known.keys() : [];
  if (oldest !== undefined) known.delete(oldest);
}
