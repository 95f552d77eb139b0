import type { Event } from '../model/event.ts';
import type { Cause, Certainty, Outcome } from '../model/timeline.ts';
import type { Attempt } from './attempts.ts';
import { causeOf } from './cause-of.ts';
import { CLOSED_WITHOUT_WORD, meaningOf, OF_ANYTHING, POSTCOPY_BROKEN } from './causes.ts';
import { factsOf, type Facts } from './facts.ts';
import { hostOf, isProcess, ofKind } from './of-kind.ts';

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

/** The client hears of an error this soon. */
const BESIDE_END_MS = 5000;

/** Judges an attempt. `logsEndAt`: the last moment that any log of its hosts covers. */
export function endingOf(attempt: Attempt, logsEndAt: number): Ending {
  const facts = factsOf(attempt);
  const decided = decide(facts, logsEndAt);
  const cause = decided.outcome === 'failed' || decided.outcome === 'aborted' ? causeOf(facts) : null;
  return { ...decided, cause, endedAt: decided.outcome === 'running' ? null : endOf(facts, decided) };
}

type Decision = Pick<Ending, 'outcome' | 'certainty' | 'evidence'>;

function decide(facts: Facts, logsEndAt: number): Decision {
  return decideByWord(facts) ?? decideByFailure(facts) ?? decideByTelling(facts, logsEndAt);
}

/** Somebody says how it ended: libvirt's client, or the source's QEMU by the way it went. */
function decideByWord({ clientErrors, sourceStop, cancelled, succeeded, texts }: Facts): Decision | null {
  const decision = (outcome: Outcome, evidence: readonly Event[]): Decision => ({ outcome, certainty: 'seen', evidence });
  const broken = texts.filter(({ text }) => POSTCOPY_BROKEN.test(text)).map(({ event }) => event);
  // its QEMU ends so only when all of the VM has left it: nobody cancelled it, and a broken post-copy was taken up again
  if (sourceStop?.body.reason === 'migrated' && clientErrors.length === 0)
    return decision('completed', [...(broken.length > 0 ? [] : succeeded), sourceStop]);
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
  const ended = threadEnded === undefined ? null : afterThread(facts, threadEnded);
  const telling = facts.texts.filter(tellsFailure(facts)).map(({ event }) => event);
  const failed = telling.length > 0 ? ({ outcome: 'failed', certainty: 'follows', evidence: telling } as const) : null;
  if (ended !== null) return failed ?? (ended.outcome === 'unknown' ? (quotedEnd(attempt) ?? ended) : ended);
  return quotedEnd(attempt) ?? failed ?? goneFromSource(attempt) ?? byLife(attempt) ?? bySilentEnd(attempt, logsEndAt);
}

/** Sentences of other tools count where nothing better is known. */
function quotedEnd({ events }: Attempt): Decision | null {
  const quoted = events.filter(({ body }) => body.kind === 'quoted-message');
  const last = quoted.at(-1)?.body;
  if (last?.kind !== 'quoted-message') return null;
  return { outcome: last.meaning === 'completed' ? 'completed' : 'failed', certainty: 'follows', evidence: quoted };
}

/**
 * A text about this very VM, or one that a failure prints. Daemons print much of other things, too: an agent that tells of its errors
 * itself had none, and of others only what stands beside the end of their wait counts.
 */
function tellsFailure({ attempt, threadEnded }: Facts): (said: Facts['texts'][number]) => boolean {
  return ({ event, text }) => {
    const meaning = meaningOf(text);
    // a wait for its lock is of whoever asked for something else meanwhile
    if (meaning === 'lock-timeout') return false;
    if (namesVm(event)) return true;
    if (meaning === null && !CLOSED_WITHOUT_WORD.test(text)) return false;
    if (event.body.kind !== 'daemon-message') return true;
    if (OF_ANYTHING.has(meaning) && isOfLivingDestination(attempt, event)) return false;
    if (threadEnded === undefined) return !isOfSourceThatSends(attempt, event);
    return !tellsItsErrors(attempt, threadEnded) && Math.abs(event.at - threadEnded.at) <= BESIDE_END_MS;
  };
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
  const left = stayed(attempt);
  if (left !== null) return { outcome: 'failed', certainty: 'follows', evidence: [threadEnded, left] };
  if (tellsItsErrors(attempt, threadEnded)) return { outcome: 'completed', certainty: 'follows', evidence: [threadEnded] };
  const came = arrived(attempt, threadEnded.at);
  if (came !== null) return { outcome: 'completed', certainty: 'follows', evidence: [threadEnded, came] };
  return { outcome: 'unknown', certainty: 'unobserved', evidence: [threadEnded] };
}

/** The source's daemon says of a job that broke while it sent that it did (`job 'migration out' …`), and that is known before. */
function isOfSourceThatSends({ events, source }: Attempt, event: Event): boolean {
  return hostOf(event) === source && events.some(({ body, at }) => body.kind === 'migrate-initiated' && at < event.at);
}

/** libvirt ends the QEMU of a migration that fails on its side, and QEMU's log there has the start and no end. */
function isOfLivingDestination({ events, destination }: Attempt, event: Event): boolean {
  if (hostOf(event) !== destination) return false;
  const process = events.findLast((other) => isProcess(other) && hostOf(other) === destination);
  return process?.body.kind === 'domain-started' && process.at < event.at;
}

function tellsItsErrors({ events }: Attempt, { origin: { text, messageAt } }: Event): boolean {
  return text.startsWith('Migration thread of VM [', messageAt) && events.some(({ body }) => body.kind === 'migrate-requested');
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

/** How a QEMU ends, or goes on, only if its guest runs; one that got none may stay for as long as its libvirt is down. */
const LIVED = new Set(['migrated', 'shutdown', 'saved']);

/** What the destination's QEMU did next, where only one with a guest in it does so. */
function arrived({ destination, vmEvents }: Attempt, toldAt: number): Event | null {
  const own = vmEvents.filter(({ origin }) => origin.file.host === destination);
  const before = own.findLast((event) => isProcess(event) && event.at <= toldAt);
  const next = own.find((event) => (isProcess(event) || event.body.kind === 'migrate-initiated') && event.at > toldAt);
  if (before?.body.kind !== 'domain-started' || before.body.incoming !== true || next === undefined) return null;
  const lived = next.body.kind === 'migrate-initiated' || (next.body.kind === 'domain-stopped' && LIVED.has(next.body.reason));
  return lived ? next : null;
}

/** Without the source's logs: the QEMU that waited on the destination had a guest later, so it had come. */
function byLife(attempt: Attempt): Decision | null {
  const began = ofKind(attempt.events, 'domain-started').find((event) => hostOf(event) === attempt.destination);
  const came = began === undefined ? null : arrived(attempt, began.at);
  return began === undefined || came === null ? null : { outcome: 'completed', certainty: 'follows', evidence: [began, came] };
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
