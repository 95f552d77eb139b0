import { groupBy } from '../lib/group.ts';
import type { DomainStarted, Event, EventKind, GuestResumeFailed } from '../model/event.ts';
import type { GuestState, HostState, Outcome } from '../model/timeline.ts';
import { HOST_ENDS, hostEndWords, hostOf, isProcess, ofKind } from './of-kind.ts';

/** What one attempt tells about where its VM is. */
export interface Move {
  readonly source: string | null;
  readonly destination: string | null;
  /** As the source was told it. */
  readonly destinationAddress: string | null;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly outcome: Outcome;
  /** The source told of its progress, more often than once in ten seconds. */
  readonly reported: boolean;
  readonly postcopy: boolean;
  /** The source's QEMU was lost in it. */
  readonly sourceDied: boolean;
  /** The source's QEMU ended as one does that all of the VM has left, whatever the client says of it. */
  readonly left: boolean;
  /** The source's libvirt did not know the VM when it was asked to migrate it. */
  readonly unknownAtSource: Event | null;
  /** The agent paused the guest and nobody was seen to resume it. */
  readonly leftPaused: boolean;
  /** The agent could not resume it on the destination. */
  readonly resumeFailed: Event<GuestResumeFailed> | null;
}

interface Known {
  readonly host: string;
  readonly state: GuestState;
  readonly certainty: HostState['certainty'];
  readonly because: string;
  readonly evidence: readonly Event[];
}

/** What hosts tell of themselves, whatever VM is asked for. */
export interface HostLives {
  /** `HOST_ENDS` of each host, in the order of time. */
  readonly ends: ReadonlyMap<string, readonly Event[]>;
  /** The last start of each host's agent, which may have been one of the host. */
  readonly agentStarts: ReadonlyMap<string, Event>;
  /** The last moment that the logs of each host cover, Unix ms. */
  readonly heardUntil: ReadonlyMap<string, number>;
}

/** A host that fell silent: whether its VM outlived the start elsewhere nobody saw. */
export const UNHEARD = 'nothing was heard of this host since the VM was started elsewhere';

/** A source that fell silent before the other host gave the migration up: its link is cut, or it went down. */
export const SILENT_SOURCE = 'nothing was heard of this host any more when the migration was given up';

/** From a source whose migration completed; it goes on with the destination's address where no log is that host's. */
export const MOVED_AWAY = 'it moved away';

/** A host that lives writes more often than this while it migrates. */
const SILENCE_MS = 10_000;

/** All events by host: what hosts tell of themselves. */
export function hostEndsOf(events: readonly Event[]): HostLives['ends'] {
  return groupBy(
    events.filter(({ body }) => HOST_ENDS.has(body.kind)),
    hostOf,
  );
}

/** Of all events, the last start of each host's agent. */
export function agentStartsOf(events: readonly Event[]): HostLives['agentStarts'] {
  const starts = ofKind(events, 'agent-ended').filter(({ body }) => body.reason === null);
  return new Map(starts.map((event) => [hostOf(event), event]));
}

/** Where a VM is when the logs end, on every host that has to do with it. `events`: all that name the VM, in the order of time. */
export function presenceOf(events: readonly Event[], moves: readonly Move[], lives: HostLives): readonly HostState[] {
  const hosts = [
    ...new Set([...moves.flatMap(({ source, destination }) => [source, destination]), ...events.filter(isProcess).map(hostOf)]),
  ];
  return hosts
    .filter((host): host is string => host !== null)
    .toSorted()
    .map((host) => {
      const own = events.filter((event) => hostOf(event) === host);
      const ownMoves = moves.filter(({ source, destination }) => source === host || destination === host);
      const since = Math.max(own.findLast(isProcess)?.at ?? Number.NEGATIVE_INFINITY, ownMoves.at(-1)?.startedAt ?? 0);
      const end = lives.ends.get(host)?.find(({ at }) => at > since);
      const state = withMoves(onHost(host, own, ownMoves), moves, ownMoves.at(-1));
      if (state.state === 'absent') return state;
      if (end !== undefined)
        return { host, state: 'absent', certainty: 'follows', because: `the host ${hostEndWords(end)}`, evidence: [end] };
      if (isUnheard(host, events, { since, lives })) return unknown(host, UNHEARD);
      return fellSilent(host, ownMoves.at(-1), lives) ? unknown(host, SILENT_SOURCE) : withAgentStart(state, since, lives);
    });
}

/** That the agent was started anew since is told with what the state rests on: nobody knows whether the host was, too. */
function withAgentStart(known: Known, since: number, { agentStarts }: HostLives): Known {
  const start = agentStarts.get(known.host);
  return start === undefined || start.at <= since ? known : { ...known, evidence: [...known.evidence, start] };
}

/** That a VM moved away holds until it leaves another host for one that is not known, which may be this one. */
function withMoves(known: Known, moves: readonly Move[], last: Move | undefined): Known {
  if (last === undefined || known.state !== 'absent' || known.certainty !== 'follows') return known;
  const movedOn = moves.some(
    ({ destination, startedAt, outcome }) =>
      destination === null && startedAt > last.startedAt && (outcome === 'completed' || outcome === 'unknown'),
  );
  return movedOn ? unknown(known.host, 'it moved on since, and nobody saw where to') : known;
}

/** The VM was started elsewhere after the last that was heard of this host. */
function isUnheard(
  host: string,
  events: readonly Event[],
  { since, lives }: { readonly since: number; readonly lives: HostLives },
): boolean {
  const heardUntil = lives.heardUntil.get(host) ?? Number.POSITIVE_INFINITY;
  return events.some(
    (event) =>
      event.body.kind === 'domain-started' &&
      event.body.incoming === false &&
      hostOf(event) !== host &&
      event.at > Math.max(since, heardUntil),
  );
}

/** A source that reported progress, and nothing from well before the end on. */
function fellSilent(host: string, move: Move | undefined, { heardUntil }: HostLives): boolean {
  if (move?.source !== host || move.outcome !== 'failed' || !move.reported || move.endedAt === null) return false;
  return (heardUntil.get(host) ?? Number.POSITIVE_INFINITY) + SILENCE_MS < move.endedAt;
}

function onHost(host: string, events: readonly Event[], moves: readonly Move[]): Known {
  const process = events.findLast(isProcess);
  const move = moves.at(-1);
  const gone = goneFrom(host, events, move);
  if (gone !== null) return gone;
  const started = startedSince(process, move);
  if (started?.incoming === null && move?.destination !== host)
    return unknown(host, 'its QEMU was started here, and its log was cut where it tells what for');
  if (move === undefined || started?.incoming === false)
    return process === undefined ? unknown(host, 'nothing tells') : alive(host, events, process);
  return move.source === host ? atSource(host, events, move) : atDestination(host, events, move);
}

/** The start of a QEMU here, if it is later than the last migration's beginning. */
function startedSince(process: Event | undefined, move: Move | undefined): DomainStarted | null {
  if (process?.body.kind !== 'domain-started') return null;
  return move === undefined || process.at > move.startedAt ? process.body : null;
}

/** Kinds that only a VM which is on the host makes it print, and the one that says it is not. */
const OF_LIFE = new Set<EventKind>([
  'domain-started',
  'domain-missing',
  'guest-run-state',
  'job-sample',
  'job-completed',
  'migrate-initiated',
]);

/** libvirt's last word of the VM on this host is that it has none such; a destination has none before it comes. */
function missingSince(host: string, events: readonly Event[], move: Move | undefined): Event | null {
  const last = events.findLast(({ body }) => OF_LIFE.has(body.kind));
  if (last?.body.kind !== 'domain-missing' || move === undefined) return null;
  const since = move.source === host ? move.startedAt : (move.endedAt ?? Number.POSITIVE_INFINITY);
  return last.at > since ? last : null;
}

/** Its QEMU was seen to end and none to start since, or libvirt has no such VM. */
function goneFrom(host: string, events: readonly Event[], move: Move | undefined): Known | null {
  const process = events.findLast(isProcess);
  const absent = { host, state: 'absent', certainty: 'seen' } as const;
  if (process?.body.kind === 'domain-stopped')
    return { ...absent, because: `its QEMU ended: ${process.body.reason}`, evidence: [process] };
  const missing = missingSince(host, events, move);
  return missing === null ? null : { ...absent, because: 'libvirt has no such VM here', evidence: [missing] };
}

function unknown(host: string, because: string): Known {
  return { host, state: 'unknown', certainty: 'unobserved', because, evidence: [] };
}

/** A QEMU that was started here and not seen to end. */
function alive(host: string, events: readonly Event[], started: Event): Known {
  const marked = runState(events.filter(({ at }) => at >= started.at));
  if (marked !== null) return { host, ...marked };
  return { host, state: 'running', certainty: 'seen', because: 'it was started here, and nothing ended it', evidence: [started] };
}

function wentTo({ destination, destinationAddress }: Move): string {
  return destination === null && destinationAddress !== null ? `${MOVED_AWAY} to ${destinationAddress}` : MOVED_AWAY;
}

function atSource(host: string, events: readonly Event[], move: Move): Known {
  if (move.outcome === 'completed') return { host, state: 'absent', certainty: 'follows', because: wentTo(move), evidence: [] };
  if (move.outcome === 'unknown') return unknown(host, 'nobody saw how the migration ended');
  if (move.unknownAtSource !== null)
    return { host, state: 'absent', certainty: 'seen', because: 'libvirt has no such VM here', evidence: [move.unknownAtSource] };
  if (move.sourceDied) return unknown(host, 'its QEMU was lost during the migration');
  const read = events.some(({ origin }) => origin.file.source === 'libvirt-qemu');
  // a source that was left without its execution may have been ended, which its QEMU's log alone tells
  if (move.postcopy && move.outcome === 'failed' && !read)
    return unknown(host, 'post-copy had moved its execution away, and no QEMU log of it was read');
  const marked = runState(events.filter(({ at }) => at >= move.startedAt));
  if (marked !== null) return { host, ...marked };
  if (move.postcopy) {
    return {
      host,
      state: 'paused',
      certainty: 'follows',
      because: 'post-copy had already moved its execution away',
      evidence: [],
    };
  }
  if (move.leftPaused) return unknown(host, 'the agent had paused it, and nothing says that it was resumed');
  const because = move.outcome === 'running' ? 'the migration still runs' : 'it did not complete, and a source keeps its VM then';
  return { host, state: 'running', certainty: 'follows', because, evidence: [] };
}

function atDestination(host: string, events: readonly Event[], move: Move): Known {
  if (move.outcome === 'completed') return arrived(host, events, move);
  const started = events.findLast(({ body }) => body.kind === 'domain-started');
  // a QEMU that waits for nothing was there before, of the same name
  if (started?.body.kind === 'domain-started' && started.body.incoming === false) return alive(host, events, started);
  if (move.postcopy) return movedEarly(host, events, { move, started });
  if (started === undefined) return unknown(host, 'no QEMU log of it from this host was read');
  if (move.left) {
    const because = 'all of it had left the source, and nothing ended its QEMU here';
    return { host, state: 'running', certainty: 'follows', because, evidence: [started] };
  }
  if (move.outcome !== 'running') return unknown(host, 'nothing says whether its QEMU here ended');
  return {
    host,
    state: 'paused',
    certainty: 'follows',
    because: 'it waits here for the rest of its memory',
    evidence: [started],
  };
}

function arrived(host: string, events: readonly Event[], { resumeFailed, startedAt }: Move): Known {
  const marked = runState(events.filter(({ at }) => at >= (resumeFailed?.at ?? startedAt)));
  if (marked !== null) return { host, ...marked };
  if (resumeFailed === null)
    return { host, state: 'running', certainty: 'follows', because: 'the migration completed', evidence: [] };
  const because = 'the agent had paused it and could not resume it';
  return { host, state: 'paused', certainty: 'seen', because, evidence: [resumeFailed] };
}

function movedEarly(
  host: string,
  events: readonly Event[],
  { move, started }: { readonly move: Move; readonly started: Event | undefined },
): Known {
  const marked = runState(events.filter(({ at }) => at >= move.startedAt));
  if (marked !== null) return { host, ...marked };
  const because = 'post-copy had moved its execution here';
  return started === undefined
    ? { host, state: 'unknown', certainty: 'follows', because, evidence: [] }
    : { host, state: 'running', certainty: 'follows', because, evidence: [started] };
}

/** The last word of libvirt or QEMU on whether the guest's CPUs run. */
function runState(events: readonly Event[]): Omit<Known, 'host'> | null {
  const marks = events.flatMap((event): readonly { readonly state: GuestState; readonly event: Event }[] => {
    const { body } = event;
    if (body.kind === 'guest-run-state') return [{ state: body.running ? 'running' : 'paused', event }];
    if (body.kind !== 'daemon-message') return [];
    if (/leaving the domain paused|Transitioned guest \S+ to paused state|probably left in 'paused' state/.test(body.text))
      return [{ state: 'paused', event }];
    return /leaving the domain running/.test(body.text) ? [{ state: 'running', event }] : [];
  });
  const last = marks.at(-1);
  if (last === undefined) return null;
  return {
    state: last.state,
    certainty: 'seen',
    because: last.state === 'paused' ? 'its CPUs were stopped here' : 'its CPUs run here',
    evidence: [last.event],
  };
}
