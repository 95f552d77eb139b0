import type { ParsedEvent } from '../model/event.ts';

/**
 * Leaves out what another file of the same host, program and VM says to the letter at the same time: a log that was collected twice,
 * or copied aside (`agent.log.bak`). What one file repeats stays, and what has no time of its own.
 */
export function withoutCopies(events: readonly ParsedEvent[]): readonly ParsedEvent[] {
  const paths = new Map<string, Set<string>>();
  // events share their file, so there are few of them
  for (const file of new Set(events.map(({ origin }) => origin.file))) {
    const key = subjectOf(file);
    const known = paths.get(key);
    if (known === undefined) paths.set(key, new Set([file.path]));
    else known.add(file.path);
  }
  const several = new Set([...paths].flatMap(([key, of]) => (of.size > 1 ? [key] : [])));
  if (several.size === 0) return events;
  /** By record, the file that had it first. */
  const owners = new Map<string, string>();
  return events.filter(({ origin, stamp }) => {
    const subject = subjectOf(origin.file);
    if (stamp === null || !several.has(subject)) return true;
    const key = `${subject} ${stamp.ms} ${origin.text}`;
    const owner = owners.get(key);
    if (owner === undefined) owners.set(key, origin.file.path);
    return owner === undefined || owner === origin.file.path;
  });
}

function subjectOf({ host, source, vm }: ParsedEvent['origin']['file']): string {
  return `${host} ${source} ${vm ?? ''}`;
}
