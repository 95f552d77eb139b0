import { groupBy } from '../../lib/group.ts';
import { duration } from '../../lib/units.ts';
import type { Announced, Event, ForwardingChanged, HeartbeatProbe, Temperature } from '../../model/event.ts';
import type { HostHistory, Migration } from '../../model/timeline.ts';
import { ofKind } from '../../timeline/of-kind.ts';
import { passTold, told, WEIGHT, type Told } from './telling.ts';

/** Where something happened. */
export type Lane = 'source' | 'destination' | 'network' | 'storage' | 'heat';

/** One thing that happened, in its lane. */
export interface Mark extends Told {
  readonly at: number;
  readonly lane: Lane;
  /** The record that says so, or the first of those; `null` where it is that none did. */
  readonly event: Event | null;
}

/** What happened in a migration and around it: at most so many marks, the most telling ones, in the order of time. */
export function marksOf(migration: Migration, hosts: readonly HostHistory[], most: number): readonly Mark[] {
  const all = [
    ...ownMarks(migration),
    ...passMarks(migration),
    ...postcopyMarks(migration),
    ...networkMarks(migration),
    ...storageMarks(migration, hosts),
    ...heatMarks(migration, hosts),
  ];
  const once = withoutRepeats(all.toSorted((a, b) => a.at - b.at));
  const kept = new Set(once.toSorted((a, b) => b.weight - a.weight).slice(0, most));
  return once.filter((mark) => kept.has(mark));
}

function ownMarks({ source, events }: Migration): readonly Mark[] {
  return events.flatMap((event) => {
    const { body, origin, at } = event;
    const said = told(body.kind, body);
    return said === null ? [] : [{ ...said, at, lane: laneOf(body.kind, origin.file.host === source), event }];
  });
}

function laneOf(kind: string, onSource: boolean): Lane {
  if (kind === 'heartbeat-write-failed' || kind === 'storage-message' || kind === 'host-resetting') return 'storage';
  return onSource ? 'source' : 'destination';
}

/** The first passes and the last one tell how it went. */
function passMarks({ passes }: Migration): readonly Mark[] {
  return passes.map(({ pass, startedAt, remainingBytes, sample }, i) => {
    const said = passTold(pass, remainingBytes);
    const weight = i === 0 || i === passes.length - 1 ? said.weight + 1 : i === 1 ? said.weight : 0;
    return { ...said, weight, at: startedAt, lane: 'source', event: sample };
  });
}

/** Often only a sample shows it, and from then on nothing is as before. */
function postcopyMarks({ postcopyAt, postcopyEvidence }: Migration): readonly Mark[] {
  return postcopyAt === null
    ? []
    : [
        {
          at: postcopyAt,
          lane: 'destination',
          weight: WEIGHT.error,
          text: 'post-copy: the guest runs here from now on',
          event: postcopyEvidence[0] ?? null,
        },
      ];
}

function networkMarks({ announcement, endedAt, lastSeenAt, outcome }: Migration): readonly Mark[] {
  if (announcement.state === 'unobserved') return [];
  const frames = announcement.evidence.filter((event): event is Event<Announced> => event.body.kind === 'announced');
  const moves = announcement.evidence.filter(
    (event): event is Event<ForwardingChanged> => event.body.kind === 'forwarding-changed',
  );
  if (announcement.state === 'yes') return [...bursts(frames), ...firstMoves(moves)];
  return outcome !== 'completed'
    ? []
    : [
        ...bursts(frames),
        {
          at: endedAt ?? lastSeenAt,
          lane: 'network',
          weight: WEIGHT.error,
          text: `not announced: ${announcement.because}`,
          event: null,
        },
      ];
}

/** Frames further apart belong to two announcements. */
const BURST_MS = 5000;

function bursts(frames: readonly Event<Announced>[]): readonly Mark[] {
  const groups: Event<Announced>[][] = [];
  for (const frame of frames) {
    const last = groups.findLast((group) => group[0]?.body.how === frame.body.how)?.at(-1);
    if (last === undefined || frame.at - last.at > BURST_MS) groups.push([frame]);
    else groups.findLast((group) => group.at(-1) === last)?.push(frame);
  }
  return groups.flatMap((group) => {
    const [first] = group;
    const last = group.at(-1);
    if (first === undefined || last === undefined) return [];
    const name = first.body.how === 'rarp' ? 'RARP' : 'gratuitous ARP';
    const text = group.length === 1 ? `${name} frame` : `${group.length} ${name} frames (${duration(last.at - first.at)})`;
    return [{ at: first.at, lane: 'network' as const, weight: WEIGHT.act, text, event: first }];
  });
}

function firstMoves(moves: readonly Event<ForwardingChanged>[]): readonly Mark[] {
  const firsts = moves.filter(
    ({ body, origin }, i) =>
      moves.findIndex((other) => other.body.mac === body.mac && other.origin.file.host === origin.file.host) === i,
  );
  return firsts.map((event) => ({
    at: event.at,
    lane: 'network',
    weight: WEIGHT.step,
    text: `${event.origin.file.host}: address moved to port ${event.body.port}`,
    event,
  }));
}

/** Storage is watched this long before and after. */
const AROUND_MS = 5000;
/** A heartbeat write that takes longer is shown. */
const SLOW_MS = 1000;

function storageMarks({ source, destination, startedAt, lastSeenAt }: Migration, hosts: readonly HostHistory[]): readonly Mark[] {
  const during = ({ at }: Event): boolean => at >= startedAt - AROUND_MS && at <= lastSeenAt + AROUND_MS;
  const near = hosts.filter(({ host }) => host === source || host === destination);
  const words = near.flatMap(({ events, host }) =>
    events
      .filter(({ body, at, origin }) => laneOf(body.kind, true) === 'storage' && during({ at, body, origin }))
      .flatMap((event): readonly Mark[] => {
        const said = told(event.body.kind, event.body);
        return said === null ? [] : [{ ...said, text: `${host}: ${said.text}`, at: event.at, lane: 'storage', event }];
      }),
  );
  const spikes = hosts.flatMap(({ probes }) => probes).filter((probe) => during(probe) && isSlow(probe));
  return [...words, ...worstOfRuns(spikes)];
}

function isSlow({ body: { latencyMs, pending, errorText } }: Event<HeartbeatProbe>): boolean {
  return latencyMs >= SLOW_MS || pending || errorText !== null;
}

/** Probes of one hang, one after the other: only the longest says something new. */
function worstOfRuns(spikes: readonly Event<HeartbeatProbe>[]): readonly Mark[] {
  const runs: Event<HeartbeatProbe>[][] = [];
  for (const probe of spikes.toSorted((a, b) => a.at - b.at)) {
    const run = runs.find(
      (other) => other.at(-1)?.body.address === probe.body.address && probe.at - (other.at(-1)?.at ?? 0) <= RUN_MS,
    );
    if (run === undefined) runs.push([probe]);
    else run.push(probe);
  }
  return runs.flatMap((run) => {
    const worst = run.toSorted((a, b) => b.body.latencyMs - a.body.latencyMs)[0];
    if (worst === undefined) return [];
    const { address, latencyMs, pending, errorText } = worst.body;
    const took = pending ? `no answer for ${duration(latencyMs)}` : `took ${duration(latencyMs)}`;
    const file = address === null ? 'heartbeat' : `hb-${address}`;
    return [
      {
        at: worst.at,
        lane: 'storage' as const,
        weight: WEIGHT.error,
        text: `${worst.origin.file.host}: ${file} ${errorText ?? took}`,
        event: worst,
      },
    ];
  });
}

/** Probes come every 10 s or so. */
const RUN_MS = 30_000;

/** Of each sensor above a limit of its own the hottest moment, and the first throttling of each host. */
function heatMarks({ source, destination, startedAt, lastSeenAt }: Migration, hosts: readonly HostHistory[]): readonly Mark[] {
  const near = hosts.filter(({ host }) => host === source || host === destination);
  return near.flatMap(({ host, events }) => {
    const during = events.filter(({ at }) => at >= startedAt - AROUND_MS && at <= lastSeenAt + AROUND_MS);
    const throttled = during.find(({ body }) => body.kind === 'cpu-throttled');
    const slowed = throttled === undefined ? [] : [heatMark(throttled, `${host}: a CPU is throttled for heat`)];
    return [...slowed, ...hottest(ofKind(during, 'temperature').filter(({ body }) => isHot(body)))];
  });
}

function isHot({ celsius, highCelsius, critCelsius, alarm }: Temperature): boolean {
  return alarm || celsius >= Math.min(highCelsius ?? Number.POSITIVE_INFINITY, critCelsius ?? Number.POSITIVE_INFINITY);
}

function hottest(readings: readonly Event<Temperature>[]): readonly Mark[] {
  const sensors = groupBy(readings, ({ body }) => `${body.chip} ${body.sensor}`);
  return [...sensors.values()].flatMap((own) => {
    const [top] = own.toSorted((a, b) => b.body.celsius - a.body.celsius);
    if (top === undefined) return [];
    const { chip, sensor, celsius } = top.body;
    return [heatMark(top, `${top.origin.file.host}: ${chip} ${sensor} ${celsius} °C`)];
  });
}

function heatMark(event: Event, text: string): Mark {
  return { at: event.at, lane: 'heat', weight: WEIGHT.error, text, event };
}

/** Without words said before in the same lane, errors inside other errors of it, and details where there is enough else. */
function withoutRepeats(marks: readonly Mark[]): readonly Mark[] {
  const repeats = (mark: Mark, i: number): boolean => {
    const others = marks.filter((other, j) => j !== i && other.lane === mark.lane);
    const before = marks.slice(0, i).filter(({ lane }) => lane === mark.lane);
    if (before.some(({ text }) => text === mark.text)) return true;
    if (mark.weight !== WEIGHT.error) return false;
    return (
      before.some((other) => other.weight === WEIGHT.error && mark.text.includes(other.text)) ||
      others.some((other) => other.weight === WEIGHT.end && other.text.includes(mark.text))
    );
  };
  const once = marks.filter((mark, i) => !repeats(mark, i));
  const telling = once.filter(({ weight }) => weight > WEIGHT.detail);
  return telling.length >= ENOUGH ? telling : once;
}

/** So many marks make a story; details would only dilute it. */
const ENOUGH = 4;
