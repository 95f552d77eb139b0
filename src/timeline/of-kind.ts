import type { Event, EventBody } from '../model/event.ts';
import type { Source } from '../model/source.ts';

/** The events of one kind. */
export function ofKind<K extends EventBody['kind']>(
  events: readonly Event[],
  kind: K,
): readonly Event<Extract<EventBody, { kind: K }>>[] {
  const found: Event<Extract<EventBody, { kind: K }>>[] = [];
  // a plain loop: every migration is looked through a dozen times
  for (const event of events) if (isOf(event, kind)) found.push(event);
  return found;
}

function isOf<K extends EventBody['kind']>(event: Event, kind: K): event is Event<Extract<EventBody, { kind: K }>> {
  return event.body.kind === kind;
}

/** Kinds that end every QEMU of their host, whether or not a log of it still says so. */
export const HOST_ENDS: ReadonlySet<EventBody['kind']> = new Set(['host-resetting', 'host-booted']);

/** What one of `HOST_ENDS` says, after the name of its host. */
export function hostEndWords({ body }: Event): string {
  return body.kind === 'host-resetting' ? 'reset itself' : 'was started anew';
}

/** A QEMU began or ended. */
export function isProcess({ body }: Event): boolean {
  return body.kind === 'domain-started' || body.kind === 'domain-stopped';
}

/** The host that printed an event. */
export function hostOf({ origin }: Event): string {
  return origin.file.host;
}

/** What a system log has of one program only. */
const SAID_BY: Partial<Readonly<Record<EventBody['kind'], Source>>> = {
  'daemon-message': 'libvirtd',
  'daemon-started': 'libvirtd',
  'migrate-requested': 'cloudstack-agent',
  'migrate-thread-ended': 'cloudstack-agent',
  'destination-prepared': 'cloudstack-agent',
};

/** The program whose words an event is, where a system log has them, too. */
export function writerOf({ body, origin: { file } }: Pick<Event, 'body' | 'origin'>): Source {
  return file.source === 'journal' ? (SAID_BY[body.kind] ?? file.source) : file.source;
}
