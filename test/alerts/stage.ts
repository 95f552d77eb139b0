import type { Alert, AlertAction, Maintenance, Notification } from '../../src/alerts/alert.ts';
import { createAlertBook, type AlertBook, type Step } from '../../src/alerts/book.ts';
import { policyOf } from '../../src/alerts/policies.ts';
import { alertSettings, type AlertSettings } from '../../src/alerts/settings.ts';
import { isoTime } from '../../src/lib/units.ts';
import type { FindingMessage } from '../../src/reports/finding-message.ts';
import { attemptOf, type Attempt } from './attempt.ts';

/** The second 0 of every test here, 30 November 2026, Unix ms. */
const START = Date.UTC(2026, 10, 30);

/** An instant of a test, Unix ms. */
export function second(seconds: number): number {
  return START + Math.round(seconds * 1000);
}

type Finding = FindingMessage['finding'];

/** What a finding of a test says, in seconds; the rest is as usual. */
export interface Found {
  readonly detector: string;
  readonly vm?: string;
  readonly host?: string;
  readonly id?: string;
  readonly change?: FindingMessage['change'];
  readonly severity?: Finding['severity'];
  readonly from?: number;
  readonly to?: number | null;
  /** When it was concluded. */
  readonly at: number;
  readonly summary?: string;
  readonly migration?: Partial<Attempt>;
  readonly cluster?: string;
}

/** What is not said of it. */
const USUAL = { vm: 'i-2-1-VM', severity: 'warning', change: 'found', cluster: 'c1', migration: {} } as const;

/** A message about a migration of a VM from kvm-a to kvm-b, or about a host. */
export function found(of: Found): FindingMessage {
  const { at, change, cluster, ...rest } = { from: of.at - 10, to: of.at, ...USUAL, ...of };
  const isOfHost = policyOf(of.detector).about === 'host';
  const migration = isOfHost ? null : attempt(rest.vm, { from: rest.from, to: rest.to, of: rest.migration });
  const host = migration === null ? (of.host ?? 'kvm-a') : migration.destination;
  const id = of.id ?? `${of.detector} ${migration?.id ?? host}`;
  return {
    schema: 'precopy/finding@1',
    change,
    id,
    cluster,
    at: time(at),
    finding: findingOf({ ...rest, id, at, host, migration }),
    migration: change === 'withdrawn' ? null : migration,
    quotes: ['a line'],
  };
}

type Concluded = Omit<Found, 'migration' | 'host'> &
  Pick<Required<Found>, 'id' | 'from' | 'to' | 'severity' | 'vm'> & {
    readonly host: string | null;
    readonly migration: Attempt | null;
  };

function findingOf({ id, detector, severity, from, to, at, vm, host, migration, summary }: Concluded): Finding {
  return {
    id,
    detector,
    severity,
    confidence: 'seen',
    migration: migration?.id ?? null,
    vm: migration === null ? null : vm,
    host,
    from: time(from),
    to: to === null ? null : time(to),
    summary: summary ?? `${detector} of ${migration === null ? host : vm}.`,
    evidence: [{ host: 'kvm-a', source: 'cloudstack-agent', path: 'agent.log', line: 1, at: time(to ?? at), text: 'a line' }],
    remedies: [],
  };
}

function time(seconds: number): string {
  return isoTime(second(seconds));
}

function attempt(vm: string, { from, to, of }: { from: number; to: number | null; of: Partial<Attempt> }): Attempt {
  return attemptOf({
    id: `${vm}@${from}`,
    vm,
    source: 'kvm-a',
    destination: 'kvm-b',
    startedAt: time(from),
    endedAt: to === null ? null : time(to),
    outcome: to === null ? 'running' : 'failed',
    cause: to === null ? null : 'connection-refused',
    ...of,
  });
}

/** What comes at a second of a test. */
export interface Comes {
  readonly found?: readonly FindingMessage[];
  readonly actions?: readonly AlertAction[];
  /** VM → second at which its latest completed migration ended; known from then on. */
  readonly moved?: Readonly<Record<string, number>>;
  /** In force from then on, instead of those before. */
  readonly maintenance?: readonly Maintenance[];
}

/** A book with its store, played through time. */
export interface Stage {
  /** Goes on to a second, with a step whenever one is due, and then takes in what comes. Returns what was told, a line each. */
  at(seconds: number, comes?: Comes): readonly string[];
  /** Every notification so far. */
  readonly told: readonly Notification[];
  /** The newest row of each alert. */
  readonly stored: ReadonlyMap<string, Alert>;
  alert(subject: string, detector?: string): Alert;
}

/** What a stage is set up with. */
export interface StageSettings {
  readonly settings?: AlertSettings;
  /** Before which steps the processor is started anew; never where it is absent. */
  restarts?(step: number): boolean;
}

/** Sets up an empty book. */
export function createStage({ settings = alertSettings.parse({}), restarts = () => false }: StageSettings = {}): Stage {
  const stored = new Map<string, Alert>();
  const actions: AlertAction[] = [];
  const told: Notification[] = [];
  const moved = new Map<string, number>();
  let maintenance: readonly Maintenance[] = [];
  let book = createAlertBook('c1', { alerts: [], actions: [] }, settings);
  let nextAt: number | null = null;
  let steps = 0;

  function step(now: number, { found: changes = [], actions: done = [] }: Comes): void {
    if (restarts(steps)) book = restored(now);
    steps += 1;
    const taken: Step = book.step({ now, changes, actions: done, moved, maintenance });
    actions.push(...done);
    for (const alert of taken.changed) stored.set(alert.id, structuredClone(alert));
    told.push(...taken.notifications);
    nextAt = taken.nextAt;
    if (nextAt !== null && nextAt <= now) throw new Error(`a step is due at ${nextAt - now} ms from now`);
  }

  function restored(now: number): AlertBook {
    const alerts = [...stored.values()].filter(
      ({ resolvedAt, told: last }) => resolvedAt === null || resolvedAt > now - settings.keepMs || last?.kind === 'storm',
    );
    return createAlertBook('c1', { alerts, actions }, settings);
  }

  return {
    at(seconds, comes = {}) {
      const before = told.length;
      const now = second(seconds);
      while (nextAt !== null && nextAt <= now) step(nextAt, {});
      for (const [vm, at] of Object.entries(comes.moved ?? {})) moved.set(vm, second(at));
      maintenance = comes.maintenance ?? maintenance;
      step(now, comes);
      return told.slice(before).map(lineOf);
    },
    told,
    stored,
    alert(subject, detector) {
      const alert = [...stored.values()].find(
        (one) => one.subject === subject && (detector === undefined || one.detector === detector),
      );
      if (alert === undefined) throw new Error(`no alert of ${subject}`);
      return alert;
    },
  };
}

/** `firing: migration-failed i-2-1-VM, …`, with what it explains after `because of it:`. */
function lineOf({ kind, alerts, explains, counts }: Notification): string {
  const names = (of: readonly Alert[]): string => of.map(({ detector, subject }) => `${detector} ${subject}`).join(', ');
  const because = explains.length === 0 ? '' : ` because of it: ${names(explains)}`;
  const many = counts.map(({ detector, alerts: count }) => `${count} ${detector}`).join(', ');
  return counts.length > 0 ? `${kind}: ${many}` : `${kind}: ${names(alerts)}${because}`;
}
