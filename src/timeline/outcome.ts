import { duration } from '../lib/units.ts';
import type { AgentEnded, DomainStopped, Event, QuotedMessage } from '../model/event.ts';
import type { Cause, CauseKind, Certainty, Outcome } from '../model/timeline.ts';
import { STANDSTILL_MS, standstillOf } from './standstill.ts';
import type { Attempt } from './attempts.ts';
import { lostClient } from './lost-client.ts';
import { HOST_ENDS, hostEndWords, hostOf, ofKind } from './of-kind.ts';
import {
  CANCELLED,
  CLOSED_WITHOUT_WORD,
  DAEMON_GONE,
  DISK_COPY_BROKEN,
  cutToMeaning,
  meaningOf,
  messageParts,
  POSTCOPY_BROKEN,
  SOURCE_GONE,
  STREAM_BROKEN,
} from './causes.ts';

/** How an attempt ended, and why. */
export interface Ending {
  readonly outcome: Outcome;
  readonly certainty: Certainty;
  readonly evidence: readonly Event[];
  readonly cause: Cause | null;
  /** When the client heard, or the hosts showed, that it was over. */
  readonly endedAt: number | null;
}

/** An attempt that was last seen alive this long before the logs end may still run. */
const STILL_RUNNING_MS = 60_000;
/** With the network whole, the source notices within this that the destination's QEMU is gone; without, it goes on sending into nothing. */
const NOTICED_MS = 5000;

/** Clocks of two hosts agree to this, and a daemon answers sooner. */
const ANSWER_MS = 1000;

/** Reasons for which an incoming QEMU ends without its guest having arrived; a guest that shuts down had. */
const LOST = new Set(['failed', 'crashed', 'destroyed', 'unknown', 'daemon']);

/** The attempt's events by what they say about its end. */
interface Facts {
  readonly attempt: Attempt;
  readonly clientErrors: readonly Event[];
  readonly texts: readonly { readonly event: Event; readonly text: string }[];
  readonly sourceStop: Event<DomainStopped> | undefined;
  readonly destinationStop: Event<DomainStopped> | undefined;
  readonly cancelled: readonly Event[];
  readonly jobFailed: readonly Event[];
  readonly succeeded: readonly Event[];
  readonly threadEnded: Event | undefined;
  /** One of the hosts went down with all that ran on it. */
  readonly hostEnd: Event | undefined;
  /** The agent that drove it ended before it was over. */
  readonly agentEnd: Event<AgentEnded> | undefined;
}

/** Judges an attempt. `logsEndAt`: the last moment that any log of its hosts covers. */
export function endingOf(attempt: Attempt, logsEndAt: number): Ending {
  const facts = factsOf(attempt);
  const decided = decide(facts, logsEndAt);
  const cause = decided.outcome === 'failed' || decided.outcome === 'aborted' ? causeOf(facts) : null;
  return { ...decided, cause, endedAt: decided.outcome === 'running' ? null : endOf(facts, decided) };
}

function factsOf(attempt: Attempt): Facts {
  const { events, source, destination } = attempt;
  const stops = events.filter((event): event is Event<DomainStopped> => event.body.kind === 'domain-stopped');
  return {
    attempt,
    clientErrors: events.filter(({ body }) => body.kind === 'migrate-error'),
    texts: events.flatMap((event) => textsOf(event).map((text) => ({ event, text }))),
    sourceStop: stops.find(({ origin }) => origin.file.host === source),
    destinationStop: stops.find(({ origin, body }) => origin.file.host === destination && LOST.has(body.reason)),
    cancelled: events.filter(isCancelled(attempt)),
    jobFailed: events.filter(
      ({ body }) =>
        ('status' in body && body.status === 'failed') ||
        (body.kind === 'daemon-message' &&
          /job '?migration (?:out|in)'?:? (?:failed|unexpectedly failed)|migration (?:out )?job: /.test(body.text)),
    ),
    succeeded: events.filter(
      ({ body }) => body.kind === 'migrate-succeeded' || (body.kind === 'job-completed' && body.direction !== 'outgoing'),
    ),
    threadEnded: events.find(({ body }) => body.kind === 'migrate-thread-ended'),
    agentEnd: agentEndOf(attempt),
    hostEnd: events.find((event) => HOST_ENDS.has(event.body.kind) && [source, destination].includes(hostOf(event))),
  };
}

/** Its client is gone: the destination ends its QEMU, and the VM stays. */
function agentEndOf({ events, source, closedAt }: Attempt): Event<AgentEnded> | undefined {
  const requested = ofKind(events, 'migrate-requested')[0];
  if (requested === undefined) return undefined;
  return ofKind(events, 'agent-ended').find(
    (event) => hostOf(event) === source && event.at > requested.at && event.at < (closedAt ?? Number.POSITIVE_INFINITY),
  );
}

function textsOf({ body }: Event): readonly string[] {
  if (body.kind === 'migrate-error') return messageParts(body.text);
  if (body.kind === 'daemon-message') return [body.text];
  if (body.kind === 'qemu-message' && body.level === 'error') return [body.text];
  return 'errorText' in body && body.errorText !== null && body.kind !== 'heartbeat-probe' ? [body.errorText] : [];
}

/** libvirt's text, or QEMU's status once this attempt was active: before, `cancelled` is of the attempt before it. */
function isCancelled(attempt: Attempt): (event: Event) => boolean {
  const activeAt =
    attempt.events.find(({ body }) => body.kind === 'migrate-initiated' || ('status' in body && body.status === 'active'))?.at ??
    Number.POSITIVE_INFINITY;
  return ({ body, at }) => {
    if (body.kind === 'daemon-message' || body.kind === 'migrate-error') return CANCELLED.test(body.text);
    return 'status' in body && (body.status === 'cancelled' || body.status === 'cancelling') && at > activeAt;
  };
}

type Decision = Pick<Ending, 'outcome' | 'certainty' | 'evidence'>;

function decide(facts: Facts, logsEndAt: number): Decision {
  return decideByWord(facts) ?? decideByFailure(facts) ?? decideByTelling(facts, logsEndAt);
}

/** Somebody says how it ended: libvirt's client, or the source's QEMU by the way it went. */
function decideByWord({ clientErrors, sourceStop, cancelled, succeeded, texts }: Facts): Decision | null {
  const decision = (outcome: Outcome, evidence: readonly Event[]): Decision => ({ outcome, certainty: 'seen', evidence });
  const broken = texts.filter(({ text }) => POSTCOPY_BROKEN.test(text)).map(({ event }) => event);
  if (sourceStop?.body.reason === 'migrated') {
    // its QEMU ends so only when all of the VM has left it: nobody cancelled it, and a broken post-copy was taken up again
    const evidence = broken.length > 0 ? [] : succeeded;
    if (clientErrors.length === 0 || broken.length > 0) return decision('completed', [...evidence, sourceStop]);
  }
  if (cancelled.length > 0) return decision('aborted', cancelled);
  if (broken.length > 0) return decision('failed', [...broken, ...clientErrors]);
  if (clientErrors.length > 0) return decision('failed', clientErrors);
  return succeeded.length > 0 ? decision('completed', succeeded) : null;
}

/** What broke, where nobody says more. */
function decideByFailure(facts: Facts): Decision | null {
  const { sourceStop, jobFailed, hostEnd, agentEnd } = facts;
  const destinationStop = isArguable(facts) ? undefined : facts.destinationStop;
  const ends = [sourceStop, destinationStop, hostEnd, agentEnd].filter((event) => event !== undefined);
  if (jobFailed.length > 0) return { outcome: 'failed', certainty: 'seen', evidence: [...jobFailed, ...ends] };
  return ends.length > 0 ? { outcome: 'failed', certainty: 'follows', evidence: ends } : null;
}

/**
 * All that is known is that the destination's QEMU was destroyed some time after it began to wait: for want of its client, or by
 * somebody who stopped the VM after its arrival.
 */
function isArguable({ attempt: { events, source }, destinationStop, texts }: Facts): boolean {
  if (destinationStop?.body.reason !== 'destroyed' || texts.length > 0) return false;
  return !events.some((event) => hostOf(event) === source);
}

/** Nothing says how it ended: what the rest of the logs tells. */
function decideByTelling(facts: Facts, logsEndAt: number): Decision {
  const { attempt, threadEnded } = facts;
  const telling = facts.texts
    .filter(({ event, text }) => meaningOf(text) !== null || CLOSED_WITHOUT_WORD.test(text) || namesVm(event))
    .map(({ event }) => event);
  if (telling.length > 0 && threadEnded !== undefined) return { outcome: 'failed', certainty: 'follows', evidence: telling };
  const quoted = attempt.events.filter(({ body }) => body.kind === 'quoted-message');
  const last = quoted.at(-1)?.body;
  if (last?.kind === 'quoted-message')
    return { outcome: last.meaning === 'completed' ? 'completed' : 'failed', certainty: 'follows', evidence: quoted };
  if (threadEnded !== undefined) return afterThread(facts, threadEnded);
  if (telling.length > 0) return { outcome: 'failed', certainty: 'follows', evidence: telling };
  return goneFromSource(attempt) ?? bySilentEnd(attempt, logsEndAt);
}

/** Logs that end soon after the last sign of it may be of one that still runs. */
function bySilentEnd({ events, openedAt }: Attempt, logsEndAt: number): Decision {
  return logsEndAt - (events.at(-1)?.at ?? openedAt) <= STILL_RUNNING_MS
    ? { outcome: 'running', certainty: 'follows', evidence: [] }
    : { outcome: 'unknown', certainty: 'unobserved', evidence: [] };
}

/** The source's libvirt has no such VM any more: it left where QEMU had sent all of it, else nobody knows. */
function goneFromSource({ events, source }: Attempt): Decision | null {
  const own = events.filter((event) => hostOf(event) === source);
  const missing = ofKind(own, 'domain-missing').at(-1);
  if (missing === undefined) return null;
  const last = own.findLast(({ body }) => 'status' in body && body.status !== null);
  if (last !== undefined && 'status' in last.body && last.body.status === 'completed')
    return { outcome: 'completed', certainty: 'follows', evidence: [last, missing] };
  return { outcome: 'unknown', certainty: 'unobserved', evidence: [missing] };
}

/** A daemon's error about this very VM. */
function namesVm({ body }: Event): boolean {
  return body.kind === 'daemon-message' && body.level === 'error' && body.vm !== null;
}

/**
 * Agents from 4.18 print an error right after the end of a thread that failed, so without one it did not; up to 4.17 the two look
 * alike. QEMU's last status helps either.
 */
function afterThread({ attempt }: Facts, threadEnded: Event): Decision {
  const statuses = attempt.events.flatMap(({ body }) => ('status' in body && body.status !== null ? [body.status] : []));
  if (statuses.at(-1) === 'completed') return { outcome: 'completed', certainty: 'follows', evidence: [threadEnded] };
  const modern = threadEnded.origin.text.startsWith('Migration thread of VM [', threadEnded.origin.messageAt);
  const requested = attempt.events.some(({ body }) => body.kind === 'migrate-requested');
  const left = stayed(attempt);
  if (left !== null) return { outcome: 'failed', certainty: 'follows', evidence: [threadEnded, left] };
  if (modern && requested) return { outcome: 'completed', certainty: 'follows', evidence: [threadEnded] };
  return { outcome: 'unknown', certainty: 'unobserved', evidence: [threadEnded] };
}

/** The source's QEMU log has the beginning and no end of the VM: it did not leave. A VM that left ends with `reason=migrated`. */
function stayed({ events, source, vmEvents }: Attempt): Event | null {
  const process = vmEvents.findLast(
    ({ body, origin }) =>
      (body.kind === 'domain-started' || body.kind === 'domain-stopped' || body.kind === 'migrate-initiated') &&
      origin.file.host === source,
  );
  return process === undefined || process.body.kind === 'domain-stopped' || process.at > (events.at(-1)?.at ?? 0)
    ? null
    : process;
}

/** When the client heard of it, else when the hosts showed it. */
function endOf(
  { attempt, sourceStop, destinationStop, succeeded, clientErrors, threadEnded }: Facts,
  { outcome, evidence }: Decision,
): number | null {
  const client = (threadEnded ?? clientErrors[0])?.at ?? attempt.closedAt;
  if (client !== null) return client;
  if (outcome === 'unknown') return null;
  const shown = outcome === 'completed' ? [succeeded.at(-1) ?? sourceStop] : [...evidence, destinationStop, sourceStop];
  const times = shown.flatMap((event) => (event === undefined ? [] : [event.at]));
  return times.length === 0 ? null : Math.max(...times);
}

/** Why it did not complete. The order is that of telling: a cancel echoes as a broken stream, a broken stream as nothing at all. */
function causeOf(facts: Facts): Cause {
  for (const tell of TELLING) {
    const cause = tell(facts);
    if (cause !== null) return cause;
  }
  return unknownCause(facts);
}

const TELLING: readonly ((facts: Facts) => Cause | null)[] = [
  byCancel,
  byHostEnd,
  byAgentEnd,
  byText,
  byWish,
  byDeath,
  byLostDaemon,
  byLostClient,
  bySilence,
  byDiskCopy,
  byStandstill,
  byQuote,
];

function byCancel({ attempt, cancelled }: Facts): Cause | null {
  if (cancelled.length === 0) return null;
  const requested = attempt.events.filter(({ body }) => body.kind === 'abort-requested');
  const body = requested[0]?.body;
  if (body?.kind !== 'abort-requested')
    return {
      // without the agent's log it may as well have been CloudStack, at its time limit
      kind: attempt.events.some(isOfAgent(attempt)) ? 'aborted-by-operator' : 'unknown',
      text: textOf(cancelled, 'the job was cancelled'),
      certainty: 'seen',
      evidence: cancelled,
    };
  const evidence = [...requested, ...cancelled];
  if (body.reason === 'agent-disconnected') {
    return {
      kind: 'unknown',
      text: 'the agent lost its management server and cancelled the migration',
      certainty: 'seen',
      evidence,
    };
  }
  const after = body.afterSeconds === null ? '' : ` after ${body.afterSeconds} s`;
  return { kind: 'timed-out', text: `CloudStack cancelled it${after} (vm.migrate.wait)`, certainty: 'seen', evidence };
}

function isOfAgent({ source }: Attempt): (event: Event) => boolean {
  return ({ origin: { file } }) => file.source === 'cloudstack-agent' && file.host === source;
}

/** A host that goes down takes its QEMU with it, and what the other host says of that comes after. */
function byHostEnd({ attempt: { source }, hostEnd, texts }: Facts): Cause | null {
  if (hostEnd === undefined) return null;
  const explains = ({ event, text }: Facts['texts'][number]): boolean =>
    event.at < hostEnd.at && (event.body.kind === 'migrate-error' || meaningOf(text) !== null);
  if (texts.some(explains)) return null;
  const side = hostOf(hostEnd) === source ? 'source' : 'destination';
  const why = hostEnd.body.kind === 'host-resetting' ? ': it could not write its storage heartbeat' : '';
  return {
    kind: 'host-reset',
    text: `the ${side} ${hostEndWords(hostEnd)}${why}`,
    certainty: 'follows',
    evidence: [hostEnd],
  };
}

function byAgentEnd({ agentEnd }: Facts): Cause | null {
  if (agentEnd === undefined) return null;
  const { reason } = agentEnd.body;
  const text = `CloudStack's agent on the source ${reason === null ? 'ended and was started anew' : `was stopped (${reason})`} meanwhile`;
  return { kind: 'agent-ended', text, certainty: 'follows', evidence: [agentEnd] };
}

/** Causes in the order in which one explains another: a keepalive timeout is told by a text, yet a refused device goes before it. */
function byText({ texts }: Facts): Cause | null {
  const meant = texts.flatMap(({ event, text }) => {
    const kind = meaningOf(text);
    return kind === null ? [] : [{ event, text, kind }];
  });
  const kind = PRECEDENCE.find((candidate) => meant.some((found) => found.kind === candidate));
  if (kind === undefined) return null;
  const found = meant.filter((candidate) => candidate.kind === kind);
  return { kind, text: cutToMeaning(found[0]?.text ?? ''), certainty: 'seen', evidence: unique(found.map(({ event }) => event)) };
}

const PRECEDENCE: readonly CauseKind[] = [
  'cpu-incompatible',
  'unsafe-cache-mode',
  'no-free-port',
  'version-or-machine-mismatch',
  'disk-locked',
  'out-of-memory',
  'device-state-rejected',
  'storage-unavailable',
  'blocked-by-device',
  'tls-rejected',
  'address-unreachable',
  'connection-refused',
  'network-interrupted',
  'lock-timeout',
];

/** How a QEMU of the source ends because somebody wants it to, in words. */
const DELIBERATE: Readonly<Partial<Record<string, string>>> = {
  shutdown: 'the guest was shut down while it was being migrated',
  destroyed: 'the VM was destroyed on the source while it was being migrated',
};

function byWish({ attempt: { closedAt }, sourceStop }: Facts): Cause | null {
  if (sourceStop === undefined || sourceStop.at > (closedAt ?? sourceStop.at)) return null;
  const text = DELIBERATE[sourceStop.body.reason];
  return text === undefined ? null : { kind: 'source-died', text, certainty: 'seen', evidence: [sourceStop] };
}

/** A QEMU that went away without a word. */
function byDeath(facts: Facts): Cause | null {
  const { attempt, sourceStop, destinationStop, texts } = facts;
  const silent = texts.filter(({ text }) => CLOSED_WITHOUT_WORD.test(text));
  const bySide = (host: string | null): readonly Event[] =>
    silent
      .filter(({ event }) => event.body.kind !== 'migrate-error' && event.origin.file.host === host)
      .map(({ event }) => event);
  const died = (kind: CauseKind, side: string, evidence: readonly Event[]): Cause => ({
    kind,
    text: `QEMU on the ${side} ended without a word`,
    certainty: 'seen',
    evidence: unique(evidence),
  });
  const sourceSide = [
    ...bySide(attempt.source),
    ...sourceGone(attempt),
    ...(sourceStop !== undefined && sourceStop.body.reason === 'crashed' ? [sourceStop] : []),
  ];
  if (sourceSide.length > 0) return died('source-died', 'source', sourceSide);
  // alone, the destination looks the same after a cancel
  if (!attempt.events.some(({ origin }) => origin.file.host === attempt.source)) return null;
  const crashed = destinationStop !== undefined && destinationStop.body.reason === 'crashed' ? [destinationStop] : [];
  const wordless = hasLastWords(attempt) ? [] : [...bySide(attempt.destination), ...crashed];
  const destinationSide = [...wordless, ...quotedDeath(texts)];
  return destinationSide.length > 0 ? died('destination-died', 'destination', destinationSide) : null;
}

/** QEMU on the destination said why it ended, in its own log or as its daemon quotes it: old libvirt misses it without a word first. */
function hasLastWords({ events, destination }: Attempt): boolean {
  return events.some((event) => {
    const { body } = event;
    if (hostOf(event) !== destination) return false;
    if (body.kind === 'qemu-message') return body.level === 'error';
    return body.kind === 'daemon-message' && /closed the monitor(?: \(vm='[^']*'\))?: /.test(body.text);
  });
}

/** The daemon of the source, or its half of what the client is told, misses the QEMU that it was copying from (virDomainObjWait). */
function sourceGone({ events, source }: Attempt): readonly Event[] {
  return events.filter(({ body, origin }) => {
    if (body.kind === 'migrate-error') return SOURCE_GONE.test(body.text);
    return body.kind === 'daemon-message' && origin.file.host === source && SOURCE_GONE.test(body.text);
  });
}

/** libvirt 11.3 tells the client what the destination's daemon says. */
function quotedDeath(texts: Facts['texts']): readonly Event[] {
  return texts
    .filter(
      ({ event, text }) => event.body.kind === 'migrate-error' && /unexpectedly closed the monitor \(vm='[^']*'\)$/.test(text),
    )
    .map(({ event }) => event);
}

/**
 * The destination's libvirt ended its QEMU (`destroyed`). Where the source went on sending for long after, the network was cut: its
 * daemon had lost the client. Where the source noticed at once, somebody destroyed the VM there.
 */
function bySilence({ attempt, destinationStop, texts, clientErrors }: Facts): Cause | null {
  if (destinationStop === undefined || destinationStop.body.reason !== 'destroyed') return null;
  const noticed = texts
    .filter(({ event, text }) => event.origin.file.host === attempt.source && STREAM_BROKEN.test(text))
    .map(({ event }) => event);
  const noticedAt = noticed[0]?.at ?? clientErrors[0]?.at;
  if (noticedAt === undefined) return null;
  const evidence = unique([destinationStop, ...noticed.slice(0, 1)]);
  const late = noticedAt - destinationStop.at;
  if (late > NOTICED_MS) {
    return {
      kind: 'network-interrupted',
      text: `the destination gave up ${Math.round(late / 1000)} s before the source noticed`,
      certainty: 'follows',
      evidence,
    };
  }
  // one that is destroyed by hand is gone before the destination's daemon answers the client
  if (noticed.length > 0 && clientErrors[0] !== undefined && clientErrors[0].at + ANSWER_MS < destinationStop.at) {
    const text =
      "libvirt's daemon on the destination ended its QEMU after the client had been told of the end, as one does that is restarted";
    return { kind: 'libvirtd-ended', text, certainty: 'follows', evidence };
  }
  return { kind: 'destination-died', text: 'the VM was destroyed on the destination', certainty: 'seen', evidence };
}

/** The client lost a libvirtd, or a log shows that one was started anew, and no host says what else happened. */
function byLostDaemon({ attempt: { events, openedAt }, texts }: Facts): Cause | null {
  const restart = ofKind(events, 'daemon-started').find(({ at }) => at >= openedAt);
  const lost = texts.find(({ event, text }) => event.body.kind === 'migrate-error' && DAEMON_GONE.test(text));
  if (restart === undefined && lost === undefined) return null;
  return {
    kind: 'libvirtd-ended',
    text:
      restart === undefined ? cutToMeaning(lost?.text ?? '') : `libvirt's daemon on ${hostOf(restart)} was restarted meanwhile`,
    certainty: 'follows',
    evidence: [lost?.event, restart].filter((event) => event !== undefined),
  };
}

function byLostClient({ attempt, clientErrors, threadEnded, texts }: Facts): Cause | null {
  return clientErrors.length > 0 || threadEnded !== undefined ? null : lostClient(attempt, texts);
}

/** Nothing of the stream had arrived for long: whatever error ended it then, the link or the other host had gone before. */
function byStandstill({ attempt: { events, source } }: Facts): Cause | null {
  const still = standstillOf(ofKind(events, 'job-sample').filter((event) => hostOf(event) === source));
  if (still === null || still.last.at - still.grown.at < STANDSTILL_MS) return null;
  const text = `nothing of the stream had moved for ${duration(still.last.at - still.grown.at)}`;
  return { kind: 'network-interrupted', text, certainty: 'follows', evidence: [still.grown, still.last] };
}

function byDiskCopy({ texts }: Facts): Cause | null {
  const broken = texts.filter(({ text }) => DISK_COPY_BROKEN.test(text));
  const [first] = broken;
  if (first === undefined) return null;
  const evidence = unique(broken.map(({ event }) => event));
  return { kind: 'disk-copy-failed', text: cutToMeaning(first.text), certainty: 'seen', evidence };
}

/** What the sentences of operators' guides say of a cause. */
const QUOTED_CAUSES: Readonly<Partial<Record<QuotedMessage['meaning'], CauseKind>>> = {
  incompatible: 'cpu-incompatible',
  'timed-out': 'timed-out',
  unreachable: 'address-unreachable',
};

function byQuote({ attempt, texts }: Facts): Cause | null {
  if (texts.length > 0) return null;
  for (const event of attempt.events.toReversed()) {
    const kind = event.body.kind === 'quoted-message' ? QUOTED_CAUSES[event.body.meaning] : undefined;
    if (kind !== undefined)
      return { kind, text: event.origin.text.slice(event.origin.messageAt).trim(), certainty: 'follows', evidence: [event] };
  }
  return null;
}

function unknownCause({ texts, clientErrors, sourceStop, destinationStop }: Facts): Cause {
  const telling =
    texts.filter(({ event }) => event.body.kind === 'migrate-error').at(0) ??
    texts.find(({ text }) => !STREAM_BROKEN.test(text)) ??
    texts[0];
  const stops = [sourceStop, destinationStop].filter((event) => event !== undefined);
  if (telling === undefined)
    return { kind: 'unknown', text: 'no log says why', certainty: 'unobserved', evidence: [...clientErrors, ...stops] };
  const certainty: Certainty = STREAM_BROKEN.test(telling.text) ? 'follows' : 'seen';
  return { kind: 'unknown', text: cutToMeaning(telling.text), certainty, evidence: unique([telling.event, ...stops]) };
}

function textOf(events: readonly Event[], otherwise: string): string {
  for (const { body } of events) {
    if (body.kind === 'daemon-message' || body.kind === 'migrate-error') return cutToMeaning(body.text);
  }
  return otherwise;
}

function unique(events: readonly Event[]): readonly Event[] {
  return [...new Set(events)];
}
