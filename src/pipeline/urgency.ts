import type { EventBody, EventKind, HeartbeatProbe, Temperature } from '../model/event.ts';
import type { Urgency } from './dirty.ts';

/** A heartbeat write quicker than this is as it should be, ms. */
const QUICK_MS = 1000;

/** Kinds that come all the time, and tell of migrations only what happens around them; `null`: not even that. */
const CALM: Readonly<Partial<Record<EventKind, Urgency | null>>> = {
  'host-fact': null,
  'frame-seen': 'background',
  'collector-report': 'background',
  'connection-lost': 'background',
  'daemon-started': 'background',
};

/** How soon timelines have to follow an event; `null` where none shows it. */
export function urgencyOf(body: EventBody): Urgency | null {
  if (body.kind === 'heartbeat-probe') return isQuick(body) ? 'background' : 'urgent';
  if (body.kind === 'temperature') return isHot(body) ? 'urgent' : 'background';
  const calm = CALM[body.kind];
  return calm === undefined ? 'urgent' : calm;
}

function isQuick({ latencyMs, pending, errorText }: HeartbeatProbe): boolean {
  return latencyMs < QUICK_MS && !pending && errorText === null;
}

function isHot({ alarm, celsius, highCelsius }: Temperature): boolean {
  return alarm || (highCelsius !== null && celsius >= highCelsius);
}
