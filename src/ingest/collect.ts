import type { ParsedEvent } from '../model/event.ts';

/** A MAC address seen again within this adds nothing. */
const FRAME_INTERVAL_MS = 10_000;
/** A heartbeat write as quick as the one before it, this soon after, adds nothing to the picture. */
const PROBE_INTERVAL_MS = 10_000;
const QUICK_PROBE_MS = 100;

/** Takes events file by file and keeps those that tell something, so that memory follows what happened and not how often it was said. */
export interface Collector {
  add(event: ParsedEvent): void;
  events(): readonly ParsedEvent[];
}

/** A collector that drops repetitions: of "still waiting" it keeps the first and the last of a run, of frames and quick probes one in ten seconds. */
export function createCollector(): Collector {
  const kept: ParsedEvent[] = [];
  /** Where in `kept` the last event of a kind and subject of a file is. */
  const last = new Map<string, number>();
  /** Keys whose last event goes on from one before it, and may be replaced. */
  const running = new Set<string>();

  function keep(key: string, event: ParsedEvent): void {
    last.set(key, kept.length);
    kept.push(event);
  }

  function addProgress(key: string, event: ParsedEvent): void {
    const at = last.get(key) ?? -1;
    const goesOn = waitedMs(kept[at]) < waitedMs(event);
    if (goesOn && running.has(key)) kept[at] = event;
    else keep(key, event);
    if (goesOn) running.add(key);
    else running.delete(key);
  }

  return {
    add(event) {
      const { body, origin } = event;
      const interval = sparseInterval(event);
      if (body.kind === 'migrate-progress') addProgress(`${origin.file.path} ${body.vm}`, event);
      else if (interval === null) kept.push(event);
      else {
        const key = `${origin.file.path} ${body.kind} ${'mac' in body ? body.mac : ''}`;
        if (!isSoonAfter(kept[last.get(key) ?? -1], event, interval)) keep(key, event);
      }
    },
    events: () => kept,
  };
}

function waitedMs(event: ParsedEvent | undefined): number {
  return event?.body.kind === 'migrate-progress' ? event.body.waitedMs : Number.POSITIVE_INFINITY;
}

function isSoonAfter(before: ParsedEvent | undefined, { stamp }: ParsedEvent, interval: number): boolean {
  if (before === undefined || before.stamp === null || stamp === null) return false;
  const passed = stamp.ms - before.stamp.ms;
  return passed >= 0 && passed < interval;
}

/** How soon a like event may be dropped; `null` where none may. */
function sparseInterval({ body }: ParsedEvent): number | null {
  if (body.kind === 'frame-seen') return FRAME_INTERVAL_MS;
  return body.kind === 'heartbeat-probe' && body.latencyMs < QUICK_PROBE_MS && body.errorText === null ? PROBE_INTERVAL_MS : null;
}
