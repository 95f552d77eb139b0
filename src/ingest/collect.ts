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
  /** Where in `kept` the last event of a run is, by file and subject. */
  const last = new Map<string, { readonly index: number; readonly run: number }>();

  function keep(key: string, event: ParsedEvent, run: number): void {
    last.set(key, { index: kept.length, run });
    kept.push(event);
  }

  return {
    add(event) {
      const { body, origin, stamp } = event;
      const path = origin.file.path;
      if (body.kind === 'migrate-progress') {
        const key = `${path} progress ${body.vm}`;
        const before = last.get(key);
        const previous = before === undefined ? undefined : kept[before.index];
        const goesOn = previous?.body.kind === 'migrate-progress' && previous.body.waitedMs < body.waitedMs;
        if (before === undefined || !goesOn || before.run < 2) return keep(key, event, goesOn ? (before?.run ?? 0) + 1 : 1);
        kept[before.index] = event;
        return;
      }
      const interval = sparseInterval(event);
      const key = interval === null ? '' : `${path} ${body.kind} ${'mac' in body ? body.mac : ''}`;
      const before = interval === null ? undefined : kept[last.get(key)?.index ?? -1];
      if (interval !== null && before?.stamp != null && stamp !== null && stamp.ms - before.stamp.ms < interval && stamp.ms >= before.stamp.ms) return;
      keep(key, event, 1);
    },
    events: () => kept,
  };
}

/** How soon a like event may be dropped; `null` where none may. */
function sparseInterval({ body }: ParsedEvent): number | null {
  if (body.kind === 'frame-seen') return FRAME_INTERVAL_MS;
  return body.kind === 'heartbeat-probe' && body.latencyMs < QUICK_PROBE_MS && body.errorText === null ? PROBE_INTERVAL_MS : null;
}
