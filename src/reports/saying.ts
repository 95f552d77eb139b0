import { detectors } from '../detectors/index.ts';
import { isoMs } from '../lib/units.ts';
import type { HostState } from '../model/timeline.ts';
import type { AnalysisDocument } from './json.ts';
import { EVIDENCE_SHOWN } from './incident/quotes.ts';
import { cut } from './terminal/text.ts';

/** A finding as documents have it. */
export type LiveFinding = AnalysisDocument['findings'][number];
/** A migration as documents have it. */
export type LiveMigration = AnalysisDocument['migrations'][number];

/** A finding to tell. */
export interface ToldFinding {
  readonly finding: LiveFinding;
  /** As far as it is known. */
  readonly migration: LiveMigration | null;
  /** The words of each record of evidence, without time and logger. */
  readonly quotes: readonly string[];
}

/** What is said of a finding, in the order in which one asks, before it is laid out on a screen, in a mail or in a chat. */
export interface Saying {
  readonly severity: LiveFinding['severity'];
  readonly detector: string;
  /** The VM and its way, or the host: `i-2-12-VM   kvm-a → kvm-b`. */
  readonly about: readonly string[];
  /** When it began, Unix ms. */
  readonly at: number;
  /** What, and how bad; without the sentence on where the VM is, where `now` tells of every host. */
  readonly summary: string;
  /** Where the VM is, host by host; empty where nothing is known of its migration. */
  readonly now: readonly { readonly host: string; readonly state: HostState['state']; readonly why: string }[];
  /** `seen`, `follows`, or that it was not observed: it stands before the evidence. */
  readonly certainty: string;
  readonly evidence: readonly { readonly place: string; readonly at: number; readonly quote: string }[];
  /** Records of evidence that are not shown. */
  readonly hidden: number;
  readonly remedies: readonly { readonly what: string; readonly commands: readonly string[] }[];
}

/** What is said of a finding. All texts are as they came: whoever lays it out makes them inert. */
export function sayingOf({ finding, migration: tied, quotes }: ToldFinding): Saying {
  const { severity, detector, summary, vm, host, from, evidence, confidence, remedies } = finding;
  // what is wrong with a host is not about the VM that happened to move then, which the summary names
  const ofHost = host !== null && OF_HOSTS.has(detector);
  const migration = ofHost ? null : tied;
  return {
    severity,
    detector,
    about: ofHost ? [host] : migration === null ? [vm ?? host ?? ''] : [vm ?? migration.vm, routeOf(migration)],
    at: isoMs(from),
    summary: migration === null ? summary : summary.replace(WHEREABOUTS, ''),
    now: (migration?.after ?? []).map((state) => ({
      host: state.host,
      state: state.state,
      why: `${state.certainty === 'unobserved' ? 'not observed' : state.certainty}: ${state.because}`,
    })),
    certainty: confidence === 'unobserved' ? 'not observed; nearest to it:' : confidence,
    evidence: evidence.slice(0, EVIDENCE_SHOWN).map(({ host: on, path, line, at, text }, i) => ({
      place: `${on} ${path}:${line}`,
      at: isoMs(at),
      quote: cut(quotes[i] ?? text, QUOTE),
    })),
    hidden: Math.max(0, evidence.length - EVIDENCE_SHOWN),
    remedies: remedies.map(({ what, command }) => ({
      what: what + (command === null || what.endsWith(':') ? '' : ':'),
      commands: command === null ? [] : command.split('\n'),
    })),
  };
}

/** Columns of a quote, whatever a log has in one line. */
const QUOTE = 500;

/** The way of a migration: `kvm-a → kvm-b`, or the address that it went to. */
export function routeOf({ source, destination, destinationAddress }: LiveMigration): string {
  return `${source ?? '?'} → ${destination ?? destinationAddress ?? '?'}`;
}

const OF_HOSTS: ReadonlySet<string> = new Set(detectors.filter(({ subject }) => subject === 'host').map(({ id }) => id));

/** The sentence on where the VM is (src/detectors/words.ts), which what is known of every host says better. */
const WHEREABOUTS = / It (?:runs|is paused) on \S+(?: and is paused on \S+)? \((?:seen|follows|unobserved): .*?\)\.(?= |$)/;
