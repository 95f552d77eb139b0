import type { Event, EventKind } from '../model/event.ts';
import { ofKind } from './of-kind.ts';

/** Reasons with which libvirt ends a QEMU whose memory it has put into a file. */
const KEPT = new Set(['saved', 'from snapshot']);
/** What a VM does on a host that has it: the last of it before a start tells whether it was taken up from a file. */
export const LIFE: ReadonlySet<EventKind> = new Set<EventKind>([
  'domain-started',
  'domain-stopped',
  'migrate-requested',
  'migrate-initiated',
]);

/**
 * A VM that is taken up from a file waits for its memory as one that migrates does, and its log says the same: but it was saved, and
 * no host had it since, so that there is nothing to migrate. It starts there like any other.
 */
export function withRestored(events: readonly Event[]): readonly Event[] {
  const kept = new Set(ofKind(events, 'domain-stopped').flatMap(({ body }) => (KEPT.has(body.reason) ? [body.vm] : [])));
  if (kept.size === 0) return events;
  const last = new Map<string, Event>();
  const restored = new Set<Event>();
  const lives = events.filter(({ body }) => LIFE.has(body.kind) && 'vm' in body && body.vm !== null && kept.has(body.vm));
  for (const event of lives.toSorted((a, b) => a.at - b.at)) {
    const vm = 'vm' in event.body ? (event.body.vm ?? '') : '';
    const before = last.get(vm);
    if (event.body.kind === 'domain-started' && before !== undefined && isKept(before)) restored.add(event);
    last.set(vm, event);
  }
  return events.map((event) =>
    event.body.kind === 'domain-started' && restored.has(event) ? { ...event, body: { ...event.body, incoming: false } } : event,
  );
}

/** Its memory was put into a file. */
export function isKept({ body }: Pick<Event, 'body'>): boolean {
  return body.kind === 'domain-stopped' && KEPT.has(body.reason);
}
