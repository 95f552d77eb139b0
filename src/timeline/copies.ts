import { groupBy } from '../lib/group.ts';
import type { ParsedEvent } from '../model/event.ts';
import type { FileContext } from '../model/source.ts';

/**
 * Leaves out what another file of the same host, program and VM says to the letter at the same time: a log that was collected twice,
 * or copied aside (`agent.log.bak`). What one file repeats stays, and what has no time of its own. Two files may have one path: a
 * program of another maker reads the same log, and sends it too.
 */
export function withoutCopies(events: readonly ParsedEvent[]): readonly ParsedEvent[] {
  // events share their file, so there are few of them
  const files = groupBy([...new Set(events.map(({ origin }) => origin.file))], subjectOf);
  const several = new Set([...files].flatMap(([key, of]) => (of.length > 1 ? [key] : [])));
  if (several.size === 0) return events;
  /** By record, the file that had it first. */
  const owners = new Map<string, FileContext>();
  return events.filter(({ origin, stamp }) => {
    const subject = subjectOf(origin.file);
    if (stamp === null || !several.has(subject)) return true;
    const key = `${subject} ${stamp.ms} ${origin.text}`;
    const owner = owners.get(key);
    if (owner === undefined) owners.set(key, origin.file);
    return owner === undefined || owner === origin.file;
  });
}

function subjectOf({ host, source, vm }: ParsedEvent['origin']['file']): string {
  return `${host} ${source} ${vm ?? ''}`;
}
