import { groupBy } from '../../lib/group.ts';
import type { Event } from '../../model/event.ts';
import type { HostHistory } from '../../model/timeline.ts';
import { hostOf } from '../../timeline/of-kind.ts';
import type { Mark } from '../incident/lane-events.ts';

/** Lines of one host around the marks of a migration. */
export interface NearbyLines {
  readonly host: string;
  readonly lines: readonly NearbyLine[];
  /** Lines with a mark for which there was no room. */
  readonly left: number;
}

/** One of them. */
export interface NearbyLine {
  readonly event: Event;
  /** Others of this host stand between it and the line before. */
  readonly gap: boolean;
}

/** Lines shown before and behind each mark. */
const AROUND = 3;

/** What stands around the marks in the logs of each host, as far as it means something for a migration. */
export function nearbyLines(marks: readonly Mark[], hosts: readonly HostHistory[], most: number): readonly NearbyLines[] {
  const marked = groupBy([...new Set(marks.flatMap(({ event }) => event ?? []))], (event) => hostOf(event));
  return [...marked].map(([host, events]) => {
    const all = (hosts.find((history) => history.host === host)?.events ?? events).filter(isTelling);
    return { host, ...around(all, events, most) };
  });
}

/** Frames and ages come by the thousand, and facts once an hour: neither is what happened around a mark. */
function isTelling({ body: { kind } }: Event): boolean {
  return kind !== 'frame-seen' && kind !== 'heartbeat-age' && kind !== 'host-fact';
}

function around(all: readonly Event[], marked: readonly Event[], most: number): Omit<NearbyLines, 'host'> {
  const places = new Map(all.map((event, i) => [event, i]));
  const kept = new Set<number>();
  let left = 0;
  for (const event of marked) {
    const place = places.get(event);
    if (place === undefined || kept.size >= most) left += 1;
    else for (let i = Math.max(0, place - AROUND); i <= Math.min(all.length - 1, place + AROUND); i += 1) kept.add(i);
  }
  const indexes = [...kept].toSorted((a, b) => a - b);
  const lines = indexes.flatMap((index, i) => {
    const event = all[index];
    return event === undefined ? [] : [{ event, gap: i > 0 && index - (indexes[i - 1] ?? index) > 1 }];
  });
  return { lines, left };
}
