import type { Event, EventBody } from '../model/event.ts';

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

/** The host that printed an event. */
export function hostOf({ origin }: Event): string {
  return origin.file.host;
}
