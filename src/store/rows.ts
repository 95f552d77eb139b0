import type { Event } from '../model/event.ts';

/** An event as the store holds it: `at` by its host's own clock. */
export interface StoredEvent {
  readonly cluster: string;
  readonly fileId: string;
  /** From 0, among the events of its record. */
  readonly n: number;
  readonly event: Event;
}
