import type { ParsedEvent } from '../model/event.ts';

/** Frames of one MAC address within this are one event, with their times. */
const FRAME_INTERVAL_MS = 300_000;
/** A frame this soon after another one adds nothing. */
const FRAME_RESOLUTION_MS = 100;
/** A heartbeat write as quick as the one before it, this soon after, adds nothing to the picture. */
const PROBE_INTERVAL_MS = 10_000;
const QUICK_PROBE_MS = 100;

/** Takes events file by file and keeps those that tell something, so that memory follows what happened and not how often it was said. */
export interface Collector {
  add(event: ParsedEvent): void;
  events(): readonly ParsedEvent[];
}

/** A collector that drops repetitions: of "still waiting" it keeps the first and the last of a run, of quick probes one in ten seconds, of frames their times. */
export function createCollector(): Collector {
  const kept: ParsedEvent[] = [];
  /** Where in `kept` the last event of a kind and subject of a file is. */
  const last = new Map<string, number>();
  /** Keys whose last event goes on from one before it, and may be replaced. */
  const running = new Set<string>();
  /** Times that the last frame of a key takes up. */
  const repeats = new Map<string, number[]>();

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

  function addFrame(key: string, event: ParsedEvent): void {
    const passed = passedMs(kept[last.get(key) ?? -1], event);
    const times = repeats.get(key);
    if (passed === null || times === undefined || passed >= FRAME_INTERVAL_MS) {
      const again: number[] = [];
      repeats.set(key, again);
      const { body } = event;
      keep(key, body.kind === 'frame-seen' ? { ...event, body: { ...body, againAfterMs: again } } : event);
    } else if (passed - (times.at(-1) ?? 0) >= FRAME_RESOLUTION_MS) times.push(passed);
  }

  return {
    add(event) {
      const { body, origin } = event;
      if (body.kind === 'migrate-progress') addProgress(`${origin.file.path} ${body.vm}`, event);
      else if (body.kind === 'frame-seen') addFrame(`${origin.file.path} ${body.mac}`, event);
      else if (!isQuickProbe(event)) kept.push(event);
      else {
        const key = `${origin.file.path} probe`;
        const passed = passedMs(kept[last.get(key) ?? -1], event);
        if (passed === null || passed >= PROBE_INTERVAL_MS) keep(key, event);
      }
    },
    events: () => kept,
  };
}

function waitedMs(event: ParsedEvent | undefined): number {
  return event?.body.kind === 'migrate-progress' ? event.body.waitedMs : Number.POSITIVE_INFINITY;
}

/** Ms between two events of one file; `null` where that is not known, or runs backwards. */
function passedMs(before: ParsedEvent | undefined, { stamp }: ParsedEvent): number | null {
  if (before === undefined || before.stamp === null || stamp === null) return null;
  const passed = stamp.ms - before.stamp.ms;
  return passed >= 0 ? passed : null;
}

function isQuickProbe({ body }: ParsedEvent): boolean {
  return body.kind === 'heartbeat-probe' && body.latencyMs < QUICK_PROBE_MS && body.errorText === null;
}
