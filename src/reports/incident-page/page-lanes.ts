import type { EventBody, EventKind } from '../../model/event.ts';
import type { Source } from '../../model/source.ts';
import type { Migration } from '../../model/timeline.ts';
import type { Lane, LaneMark } from '../html/lanes.ts';
import type { Mark } from '../incident/lane-events.ts';
import { WEIGHT } from '../incident/telling.ts';
import { cut, cutMiddle } from '../terminal/text.ts';
import { LETTERS } from './sheet-limits.ts';

/** Finds the line on the page that a mark leads to; `null` where it is not on it. */
export type TargetOf = (mark: Mark) => string | null;

type PageLane = Mark['lane'] | 'management';

/** What the lanes are made of. */
export interface LaneSources {
  readonly marks: readonly Mark[];
  readonly targetOf: TargetOf;
  /** Kinds of logs that were read: an empty lane means something only where somebody looked. */
  readonly read: ReadonlySet<Source | null>;
}

/** The marks of a migration on six lanes, each with what it means that one is empty. */
export function pageLanes(migration: Migration, { marks, targetOf, read }: LaneSources): readonly Lane[] {
  const { source, destination, destinationAddress, announcement } = migration;
  const lane = (of: PageLane, name: string, empty: string): Lane => ({
    name: cutMiddle(name, LETTERS.name),
    empty: cut(empty, LETTERS.name),
    marks: marks.filter((mark) => laneOf(mark) === of).map((mark) => laneMark(mark, targetOf)),
  });
  return [
    lane('management', 'management', 'nothing of CloudStack in these logs'),
    lane('source', source === null ? 'source' : `${source} (source)`, 'nothing in these logs'),
    lane('destination', `${destination ?? destinationAddress ?? '?'} (destination)`, 'nothing in these logs'),
    lane('network', 'network', announcement.because),
    lane(
      'storage',
      'storage',
      read.has('heartbeat') ? 'the heartbeat was probed and never slow' : 'not observed (no heartbeat probe)',
    ),
    lane('heat', 'heat', read.has('sensors') ? 'below every limit' : 'not observed (no temperatures)'),
  ];
}

/** What CloudStack's agents ask for and answer is not what the hypervisors do. */
function laneOf({ lane, event }: Mark): PageLane {
  const host = lane === 'source' || lane === 'destination';
  return host && event?.origin.file.source === 'cloudstack-agent' ? 'management' : lane;
}

function laneMark(mark: Mark, targetOf: TargetOf): LaneMark {
  return { at: mark.at, text: cut(mark.text, LETTERS.record), style: styleOf(mark), target: targetOf(mark) };
}

/** Events that always mean the same. */
const STYLES: Readonly<Partial<Record<EventKind, LaneMark['style']>>> = {
  'migrate-error': 'critical',
  'guest-resume-failed': 'critical',
  'host-resetting': 'critical',
  'host-booted': 'critical',
  'abort-requested': 'warning',
  'migrate-succeeded': 'good',
  'job-completed': 'good',
};

function styleOf({ weight, event }: Mark): LaneMark['style'] {
  if (event === null || weight === WEIGHT.error) return weight === WEIGHT.error ? 'critical' : 'plain';
  return STYLES[event.body.kind] ?? styleOfState(event.body);
}

function styleOfState(body: EventBody): LaneMark['style'] {
  switch (body.kind) {
    case 'migration-status':
      return body.status === 'failed' ? 'critical' : 'plain';
    case 'domain-stopped':
      return body.reason === 'failed' || body.reason === 'crashed' ? 'critical' : 'plain';
    case 'daemon-message':
    case 'qemu-message':
      return body.level === 'warning' ? 'warning' : 'plain';
    default:
      return 'plain';
  }
}
