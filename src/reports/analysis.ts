import { stableId } from '../lib/hash.ts';
import type { Detector } from '../detectors/detector.ts';
import type { Conclusion, Finding } from '../model/finding.ts';
import { SEVERITIES } from '../model/finding.ts';
import type { InputResult } from '../model/input.ts';
import type { HostHistory, Migration } from '../model/timeline.ts';
import type { HostClock } from '../timeline/clock.ts';
import type { Timelines } from '../timeline/build.ts';

/** Everything that an analysis found, for every way of showing it. */
export interface Analysis {
  /** In the order of their beginning. */
  readonly migrations: readonly Migration[];
  /** The worst first, then in the order of time. */
  readonly findings: readonly Finding[];
  readonly hosts: readonly HostHistory[];
  readonly clocks: readonly HostClock[];
  readonly inputs: readonly InputResult[];
  /** Migrations that do not touch the time asked for. */
  readonly outside: number;
  /** The time that the logs cover, Unix ms; `null` where no record has a time. */
  readonly from: number | null;
  readonly to: number | null;
}

/** Settings of detectors by id, as `precopy.yaml` or the command line gives them. */
export type DetectorSettings = Readonly<Record<string, unknown>>;

/** Runs every detector over every subject of its kind. */
export function findingsOf(
  { migrations, hosts }: Timelines,
  detectors: readonly Detector[],
  settings: DetectorSettings = {},
): readonly Finding[] {
  const findings = detectors.flatMap((detector) => {
    const subjects: readonly (Migration | HostHistory)[] = detector.subject === 'migration' ? migrations : hosts;
    return subjects.flatMap((subject) =>
      detector.run(subject, settings[detector.id] ?? {}).map((conclusion) => finding(detector, subject, conclusion)),
    );
  });
  const once = [...new Map(findings.map((found) => [found.id, found])).values()];
  return once.toSorted(
    (a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || a.from - b.from || (a.id < b.id ? -1 : 1),
  );
}

/** The migration that a finding about a host is told with: one that ran meanwhile, rather one that the evidence is of, or that did not complete. */
function tiedTo({ migrations }: HostHistory, { from, to, evidence }: Conclusion): Migration | null {
  const meanwhile = migrations.filter(
    ({ startedAt, lastSeenAt }) => startedAt <= (to ?? Number.POSITIVE_INFINITY) && lastSeenAt >= from,
  );
  const score = ({ events, outcome }: Migration): number =>
    (evidence.some((event) => events.includes(event)) ? 2 : 0) + (outcome === 'completed' ? 0 : 1);
  return meanwhile.toSorted((a, b) => score(b) - score(a))[0] ?? null;
}

function finding({ id: detector, title }: Detector, subject: Migration | HostHistory, conclusion: Conclusion): Finding {
  if ('vm' in subject) {
    const { id, vm } = subject;
    return {
      ...conclusion,
      id: stableId(detector, id, conclusion.discriminator),
      detector,
      title,
      migration: id,
      vm,
      host: subject.destination ?? subject.source,
    };
  }
  const tied = tiedTo(subject, conclusion);
  return {
    ...conclusion,
    id: stableId(detector, subject.host, conclusion.discriminator),
    detector,
    title,
    migration: tied?.id ?? null,
    vm: tied?.vm ?? null,
    host: subject.host,
  };
}
