import type { ParsedEvent } from '../model/event.ts';

/** Frames of one MAC address within this are one event, with their times. */
const FRAME_INTERVAL_MS = 300_000;
/** A frame this soon after another one adds nothing. */
const FRAME_RESOLUTION_MS = 100;
/** Of heartbeat writes that are quick, one in so long tells it: the first by the clock, so that it is the same wherever reading begins. */
const PROBE_INTERVAL_MS = 10_000;
const QUICK_PROBE_MS = 100;

/** Takes the events of one file and passes on those that tell something, so that memory follows what happened and not how often it was said. */
export interface Thinner {
  add(event: ParsedEvent): void;
  /** Passes on what was held back; the file has no more events. */
  end(): void;
}

/** Frames of one MAC address that are told as one event. */
interface Frames {
  readonly first: ParsedEvent;
  readonly againAfterMs: number[];
}

/** What was heard of one VM's wait. */
interface Wait {
  readonly last: ParsedEvent;
  /** The last event goes on from one that was passed on, and is held back: the next may replace it. */
  readonly held: boolean;
}

/**
 * Drops repetitions from one file: of "still waiting" it passes on the first and the last of a run, of quick probes one in ten
 * seconds, of frames their times. What a repetition may still change is held back, so `emit` is called a little out of the
 * file's order (`inFileOrder` restores it).
 */
export function createThinner(emit: (event: ParsedEvent) => void): Thinner {
  const frames = new Map<string, Frames>();
  const waits = new Map<string, Wait>();
  let lastProbe: ParsedEvent | undefined;

  function addProgress(vm: string, event: ParsedEvent): void {
    const known = waits.get(vm);
    const goesOn = waitedMs(known?.last) < waitedMs(event);
    if (!goesOn && known?.held === true) emit(known.last);
    if (!goesOn) emit(event);
    waits.set(vm, { last: event, held: goesOn });
  }

  function addFrame(mac: string, event: ParsedEvent): void {
    const known = frames.get(mac);
    const passed = passedMs(known?.first, event);
    if (known === undefined || passed === null || passed >= FRAME_INTERVAL_MS) {
      if (known !== undefined) emit(withTimes(known));
      frames.set(mac, { first: event, againAfterMs: [] });
    } else if (passed - (known.againAfterMs.at(-1) ?? 0) >= FRAME_RESOLUTION_MS) known.againAfterMs.push(passed);
  }

  return {
    add(event) {
      const { body } = event;
      if (body.kind === 'migrate-progress') addProgress(body.vm, event);
      else if (body.kind === 'frame-seen') addFrame(body.mac, event);
      else if (!isQuickProbe(event)) emit(event);
      else {
        if (lastProbe !== undefined && isSameInterval(lastProbe, event)) return;
        lastProbe = event;
        emit(event);
      }
    },
    end() {
      for (const { last, held } of waits.values()) if (held) emit(last);
      for (const known of frames.values()) emit(withTimes(known));
      waits.clear();
      frames.clear();
    },
  };
}

/** What a thinner passed on of one file, in the order of the file. */
export function inFileOrder(events: readonly ParsedEvent[]): readonly ParsedEvent[] {
  return events.toSorted((a, b) => a.origin.offset - b.origin.offset);
}

/** Takes the events of one file and keeps those that a thinner passes on. */
export interface Collector {
  add(event: ParsedEvent): void;
  /** The events kept, in the order of the file; no event may come after. */
  events(): readonly ParsedEvent[];
}

/** A collector for one file. */
export function createCollector(): Collector {
  const kept: ParsedEvent[] = [];
  const thinner = createThinner((event) => kept.push(event));
  return {
    add: (event) => thinner.add(event),
    events() {
      thinner.end();
      return inFileOrder(kept);
    },
  };
}

/** The frame with the times of those after it, in an array without room for more. */
function withTimes({ first, againAfterMs }: Frames): ParsedEvent {
  const { body } = first;
  return body.kind === 'frame-seen' ? { ...first, body: { ...body, againAfterMs: againAfterMs.slice() } } : first;
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

function isSameInterval({ stamp: a }: ParsedEvent, { stamp: b }: ParsedEvent): boolean {
  if (a === null || b === null) return false;
  return Math.floor(a.ms / PROBE_INTERVAL_MS) === Math.floor(b.ms / PROBE_INTERVAL_MS);
}

function isQuickProbe({ body }: ParsedEvent): boolean {
  return body.kind === 'heartbeat-probe' && body.latencyMs < QUICK_PROBE_MS && body.errorText === null;
}
