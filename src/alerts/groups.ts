import { missingFeatures } from '../detectors/cpu-incompatible.ts';
import { poolTold } from '../detectors/heartbeat-words.ts';
import type { FindingMessage } from '../reports/finding-message.ts';
import { policyOf, type Together } from './policies.ts';

/** What is told as one: alerts of a cluster that most likely have one cause. */
export function groupOf(message: FindingMessage): string {
  const { detector } = message.finding;
  return [message.cluster, detector, ...KEYS[policyOf(detector).together](message)].join(' ');
}

/** What is told in the summaries of a storm, as one incident at every receiver. */
export function stormGroup(cluster: string): string {
  return `${cluster} storm`;
}

type Key = (message: FindingMessage) => readonly string[];

const KEYS: Readonly<Record<Together, Key>> = {
  cluster: () => [],
  vm: ({ finding }) => [finding.vm ?? finding.host ?? ''],
  host: (message) => [hostOf(message)],
  pool: ({ finding }) => [poolTold(finding.summary) ?? finding.host ?? ''],
  destination: (message) => [destinationOf(message)],
  pair: ({ finding, migration }) => [migration?.source ?? '', migration?.destination ?? finding.host ?? ''].toSorted(),
  'destination-features': (message) => [
    destinationOf(message),
    missingFeatures(message.migration?.causeText ?? message.finding.summary)
      .toSorted()
      .join(','),
  ],
  'cause-and-destination': (message) => [message.migration?.cause ?? 'unknown', destinationOf(message)],
};

/** A finding about a host is told with a migration that ran meanwhile, which is another's matter. */
function hostOf({ finding, migration }: FindingMessage): string {
  const source = policyOf(finding.detector).about === 'vm' ? migration?.source : null;
  return source ?? finding.host ?? '';
}

function destinationOf({ finding, migration }: FindingMessage): string {
  return migration?.destination ?? finding.host ?? '';
}
