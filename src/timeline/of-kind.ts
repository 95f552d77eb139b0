import type { Event, EventBody } from '../model/event.ts';

/** The events of one kind. */
export function ofKind<K extends EventBody['kind']>(
  events: readonly Event[],
  kind: K,
): readonly Event<Extract<EventBody, { kind: K }>>[] {
  return events.filter((event): event is Event<Extract<EventBody, { kind: K }>> => event.body.kind === kind);
}

/** The host that printed an event. */
export function hostOf({ origin }: Event): string {
  return origin.file.host;
}
