import { SEVERITIES } from '../model/finding.ts';
import type { CauseKind } from '../model/timeline.ts';
import type { Alert, Said } from './alert.ts';
import { policyOf } from './policies.ts';

/** Which alerts of a host say why others happen. */
export interface CauseRule {
  /** Detector of the alert that explains; about a host. */
  readonly cause: string;
  /** Only where it says that the host resets itself. */
  readonly resets: boolean;
  /** Detectors that it may explain: of migrations from and to the host, and of the host itself. */
  readonly explains: readonly string[];
  /** Only migrations whose own cause is none (`null`) or one of these; `null`: whatever the cause. */
  readonly causes: readonly (CauseKind | null)[] | null;
  /** What happened up to this long before it, or after its end, is explained. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** In words, after the host's name. */
  readonly because: string;
}

/** A write that hangs is known of by its beginning; clocks and samples are a few seconds apart. */
const SKEW_MS = 5000;
/** Guests whose disks hung still catch up. */
const CATCH_UP_MS = 60_000;
/** A reset host is back, with its agent, after so long. */
const REBOOT_MS = 30 * 60_000;

/**
 * What explains what across migrations, the strongest first. (Of one migration the most telling finding explains the others.)
 * Not here, because it would hide a cause of its own: a spike and a network cut at once are as likely one cut of the network that
 * storage is on; CPUs and versions that do not fit do so without any spike. No alert of a row explains one of an earlier row.
 */
export const causeRules: readonly CauseRule[] = [
  {
    cause: 'storage-heartbeat-spike',
    resets: true,
    explains: [
      'clock-skew',
      'destination-died',
      'downtime-exceeded',
      'host-overheated',
      'migration-aborted',
      'migration-failed',
      'missing-garp',
      'network-interrupted',
      'not-converging',
      'post-copy',
    ],
    causes: null,
    beforeMs: SKEW_MS,
    afterMs: REBOOT_MS,
    because: 'resets itself, because it cannot write its storage heartbeat',
  },
  {
    cause: 'storage-heartbeat-spike',
    resets: false,
    explains: ['downtime-exceeded', 'migration-aborted', 'migration-failed'],
    causes: [
      null,
      'unknown',
      'timed-out',
      'aborted-by-operator',
      'storage-unavailable',
      'disk-copy-failed',
      'disk-locked',
      'lock-timeout',
      'source-died',
    ],
    beforeMs: SKEW_MS,
    afterMs: CATCH_UP_MS,
    because: 'has a slow or failing storage heartbeat',
  },
];

/** Says why a finding happens. */
export interface Causes {
  /** The alert that explains a finding of another, and how in words; `null` where none does. */
  of(alert: Alert, said: Said): Said['explainedBy'];
}

interface Candidate {
  readonly alert: Alert;
  readonly said: Said;
}

/** Where explanations are looked for. */
export interface Suspects {
  /** Alerts that may explain something, each once. */
  readonly alerts: Iterable<Alert>;
  /** Any alert that there is. */
  find(id: string): Alert | undefined;
  /** Whether people are, or are about to be, told of an alert: only such a one explains another. */
  isTold(alert: Alert): boolean;
}

/** Whether alerts of a detector explain others across migrations. */
export function isHostCause(detector: string): boolean {
  return CAUSES.has(detector);
}

/** Everything among alerts that explains something. */
export function createCauses({ alerts, find, isTold }: Suspects): Causes {
  const byHost = new Map<string, Candidate[]>();
  const byMigration = new Map<string, Candidate[]>();
  for (const alert of alerts) {
    const isOfHost = policyOf(alert.detector).about === 'host';
    if ((isOfHost && !isHostCause(alert.detector)) || !isTold(alert)) continue;
    for (const said of alert.said) {
      if (said.over === 'withdrawn') continue;
      if (isOfHost) add(byHost, alert.subject, { alert, said });
      else if (said.migration !== null) add(byMigration, said.migration, { alert, said });
    }
  }

  /** The alert that explained it before, of which nothing says that it does not. */
  function before({ explainedBy, migration }: Said): Said['explainedBy'] {
    const cause = explainedBy === null ? undefined : find(explainedBy.id);
    if (cause === undefined) return explainedBy;
    // it still speaks of the same migration, and no longer tells more of it
    if (migration !== null && cause.said.some((one) => one.migration === migration)) return null;
    const wasTold = cause.toldAt !== null || (cause.state === 'pending' && cause.episode > 1);
    return wasTold && cause.said.some(({ over }) => over !== 'withdrawn') ? explainedBy : null;
  }

  return {
    of(alert, said) {
      // whatever else happens, two writers to one disk are told
      if (alert.detector === NEVER_EXPLAINED) return null;
      const hosts = policyOf(alert.detector).about === 'host' ? [alert.subject] : [said.source, said.destination];
      const ofHosts = hosts.flatMap((host) => (host === null ? [] : (byHost.get(host) ?? [])));
      for (const rule of causeRules) {
        const cause = ofHosts.find((candidate) => explains(rule, { cause: candidate, effect: { alert, said } }));
        if (cause !== undefined)
          return { id: cause.alert.id, because: `${cause.alert.subject} ${rule.because} (${cause.alert.detector})` };
      }
      return ofMigration(byMigration, { alert, said }) ?? before(said);
    },
  };
}

const CAUSES: ReadonlySet<string> = new Set(causeRules.map(({ cause }) => cause));
const NEVER_EXPLAINED = 'split-brain-risk';

function add(map: Map<string, Candidate[]>, key: string, candidate: Candidate): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [candidate]);
  else known.push(candidate);
}

interface Pair {
  readonly cause: Candidate;
  readonly effect: Candidate;
}

function explains(rule: CauseRule, { cause, effect }: Pair): boolean {
  if (rule.cause !== cause.alert.detector || (rule.resets && !cause.said.resets) || cause.alert.id === effect.alert.id)
    return false;
  if (!rule.explains.includes(effect.alert.detector)) return false;
  if (rule.causes !== null && !rule.causes.includes(effect.said.cause)) return false;
  return endOf(effect.said) >= cause.said.from - rule.beforeMs && effect.said.from <= endOf(cause.said) + rule.afterMs;
}

function endOf({ to }: Said): number {
  return to ?? Number.POSITIVE_INFINITY;
}

/** Of one migration the most telling finding explains every other. */
function ofMigration(byMigration: ReadonlyMap<string, readonly Candidate[]>, effect: Candidate): Said['explainedBy'] {
  const others = effect.said.migration === null ? [] : (byMigration.get(effect.said.migration) ?? []);
  let best: Candidate | null = null;
  for (const other of others) {
    if (other.alert.id !== effect.alert.id && isMoreTelling(other, best ?? effect)) best = other;
  }
  return best === null ? null : { id: best.alert.id, because: `the same migration is told of by ${best.alert.detector}` };
}

/** A strict order, so that no two explain each other; of equals, what still goes on. */
function isMoreTelling(a: Candidate, b: Candidate): boolean {
  const ranks = [
    a.said.telling - b.said.telling,
    rank(a.said) - rank(b.said),
    Number(a.said.to === null) - Number(b.said.to === null),
    b.said.from - a.said.from,
  ];
  const first = ranks.find((difference) => difference !== 0);
  return first === undefined ? a.alert.id < b.alert.id : first > 0;
}

function rank({ severity }: Said): number {
  return SEVERITIES.indexOf(severity);
}
