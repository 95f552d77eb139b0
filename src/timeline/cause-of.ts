import { duration } from '../lib/units.ts';
import type { Event, QuotedMessage } from '../model/event.ts';
import type { Cause, CauseKind, Certainty } from '../model/timeline.ts';
import type { Attempt } from './attempts.ts';
import {
  CLOSED_WITHOUT_WORD,
  DAEMON_GONE,
  DAEMON_SILENT,
  DISK_COPY_BROKEN,
  JOB_OVER,
  LINK_LOST,
  cutToMeaning,
  meaningOf,
  NOT_CONNECTED,
  SOURCE_GONE,
  STREAM_BROKEN,
} from './causes.ts';
import type { Facts } from './facts.ts';
import { byLostClient } from './lost-client.ts';
import { hostEndWords, hostOf, ofKind, writerOf } from './of-kind.ts';
import { STANDSTILL_MS, standstillOf } from './standstill.ts';

/** With the network whole, the source notices within this that the destination's QEMU is gone; without, it goes on sending into nothing. */
const NOTICED_MS = 5000;

/** A QEMU that ends because of an error prints it just before. */
const LAST_WORDS_MS = 5000;

/** Clocks of two hosts agree to this, and a daemon answers sooner. */
const ANSWER_MS = 1000;

/** Why it did not complete. The order is that of telling: a cancel echoes as a broken stream, a broken stream as nothing at all. */
export function causeOf(facts: Facts): Cause {
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
  bySilentDaemon,
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
  return (event) => writerOf(event) === 'cloudstack-agent' && hostOf(event) === source;
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

function bySilentDaemon({ clientErrors }: Facts): Cause | null {
  const told = clientErrors.filter(({ body }) => 'text' in body && DAEMON_SILENT.test(body.text));
  if (told.length === 0) return null;
  const text = "libvirt's daemon on the source did not answer a client on its own host for 30 s (keepalive): it hung";
  return { kind: 'libvirtd-ended', text, certainty: 'follows', evidence: told };
}

/** Causes in the order in which one explains another: a keepalive timeout is told by a text, yet a refused device goes before it. */
function byText({ attempt, sourceStop, texts }: Facts): Cause | null {
  const sourceDied = sourceStop?.body.reason === 'crashed' || sourceGone(attempt).length > 0;
  const meant = texts.flatMap(({ event, text }) => {
    const kind = meaningOf(text);
    if (kind === null || (sourceDied && event.body.kind === 'daemon-message' && NOT_CONNECTED.has(kind))) return [];
    return [{ event, text, kind }];
  });
  const kind = PRECEDENCE.find((candidate) => meant.some((found) => found.kind === candidate));
  if (kind === undefined) return null;
  const found = meant.filter((candidate) => candidate.kind === kind);
  return { kind, text: cutToMeaning(found[0]?.text ?? ''), certainty: 'seen', evidence: unique(found.map(({ event }) => event)) };
}

const PRECEDENCE: readonly CauseKind[] = [
  'cpu-incompatible',
  'unsafe-cache-mode',
  'cannot-listen',
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
  if (sourceSide.length > 0) return withLastWords(died('source-died', 'source', sourceSide), facts);
  // alone, the destination looks the same after a cancel
  if (!attempt.events.some(({ origin }) => origin.file.host === attempt.source)) return null;
  const crashed = destinationStop !== undefined && destinationStop.body.reason === 'crashed' ? [destinationStop] : [];
  const wordless = hasLastWords(attempt) ? [] : [...bySide(attempt.destination), ...crashed];
  const destinationSide = [...wordless, ...quotedDeath(texts)];
  return destinationSide.length > 0 ? died('destination-died', 'destination', destinationSide) : null;
}

/** What QEMU on the source says as it ends is why, though it be none of the reasons known here. */
function withLastWords(cause: Cause, { attempt: { source }, texts }: Facts): Cause {
  const endedAt = Math.min(...cause.evidence.map(({ at }) => at));
  const words = texts.findLast(
    ({ event: { body, origin, at }, text }) =>
      body.kind === 'qemu-message' &&
      origin.file.host === source &&
      Math.abs(at - endedAt) <= LAST_WORDS_MS &&
      !STREAM_BROKEN.test(text),
  );
  if (words === undefined) return cause;
  const text = `QEMU on the source ended: ${cutToMeaning(words.text)}`;
  return { ...cause, text, evidence: unique([words.event, ...cause.evidence]) };
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
function bySilence(facts: Facts): Cause | null {
  const { attempt, destinationStop, texts, clientErrors } = facts;
  if (destinationStop === undefined || destinationStop.body.reason !== 'destroyed') return null;
  const noticed = texts
    .filter(({ event, text }) => event.origin.file.host === attempt.source && STREAM_BROKEN.test(text))
    .map(({ event }) => event);
  const noticedAt = noticed[0]?.at ?? clientErrors[0]?.at;
  // peer to peer, the source's daemon is the client of the destination's, and whoever cut them off had it end the QEMU
  const cutOff = texts.some(({ event, text }) => LINK_LOST.test(text) && event.at <= destinationStop.at);
  if (noticedAt === undefined || cutOff) return null;
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
  // one that is destroyed by hand is gone before the source's daemon, or its client, knows of the end
  if (noticed.length > 0 && toldAt(facts) + ANSWER_MS < destinationStop.at) {
    const text =
      "libvirt's daemon on the destination ended its QEMU after the source had been told of the end, as one does that is restarted, or that hung and finds its client gone";
    return { kind: 'libvirtd-ended', text, certainty: 'follows', evidence };
  }
  return { kind: 'destination-died', text: 'the VM was destroyed on the destination', certainty: 'seen', evidence };
}

/** When the client heard of the end, or the source's daemon, which tells it. */
function toldAt({ attempt, texts, clientErrors }: Facts): number {
  const byDaemon = texts.find(({ event, text }) => hostOf(event) === attempt.source && JOB_OVER.test(text));
  return (clientErrors[0] ?? byDaemon?.event)?.at ?? Number.POSITIVE_INFINITY;
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

/** Nothing of the stream had arrived for long: whatever error ended it then, the link or the other host had gone before. */
function byStandstill({ attempt: { events, source } }: Facts): Cause | null {
  const still = standstillOf(ofKind(events, 'job-sample').filter((event) => hostOf(event) === source));
  if (still === null || still.stoodMs < STANDSTILL_MS) return null;
  const text = `nothing of the stream had moved for ${duration(still.stoodMs)}`;
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
