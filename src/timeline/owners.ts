import type { Event, EventBody } from '../model/event.ts';
import type { CauseKind } from '../model/timeline.ts';
import { firstLine } from '../parsers/text.ts';
import { namesAnother } from './addresses.ts';
import { JITTER_MS, type Attempt } from './attempts.ts';
import {
  CANCELLED,
  CLIENT_GONE,
  CLOSED_WITHOUT_WORD,
  DAEMON_GONE,
  meaningOf,
  NOT_CONNECTED,
  OF_ANYTHING,
  SOURCE_GONE,
  tellsPostcopy,
} from './causes.ts';
import { HOST_ENDS, hostOf, ofKind } from './of-kind.ts';

/** Between libvirt's word that it lost a QEMU and the end of that QEMU's log. */
const ENDED_NEAR_MS = 5000;
/** What several migrations between two hosts share. */
const OF_CONNECTIONS = new Set<CauseKind | null>([...NOT_CONNECTED, 'no-free-port', 'network-interrupted']);
/** Texts about one job, whatever broke it. */
const ONE_JOB =
  /job '?migration|migration (?:out )?job|migration out|canceled by client|closed the monitor|End of file from qemu monitor|domain is no longer running|'cont'|guest CPU|monitor: /;

/** Nameless kinds that all attempts of a host share; texts are told apart. */
export const SHARED: ReadonlySet<EventBody['kind']> = new Set(['agent-ended', 'daemon-started', ...HOST_ENDS]);

/**
 * Of several attempts, the one whose client was told this very text, else for a text of one job the one that it fits best. What a
 * daemon prints all the time of disks and connections (`isNoise`) is of one that was told so, or of none.
 */
export function ownersOf(event: Event, all: readonly Attempt[], isNoise: boolean): readonly Attempt[] {
  const candidates = all.filter(
    (attempt) => !comesTooLate(attempt, event) && (wasTold(attempt, event) || !isOfSomethingElse(attempt, event, isNoise)),
  );
  if (candidates.length < 2) return candidates.filter((attempt) => !contradicts(attempt, event));
  const told = candidates.filter((attempt) => wasTold(attempt, event));
  if (told.length === 1) return told;
  if (!isOfOneJob(event)) return candidates;
  const fitting = (told.length > 0 ? told : candidates).filter((attempt) => !contradicts(attempt, event));
  const misfit = (attempt: Attempt): number =>
    (shows(attempt, event) ? 0 : 4) + (isOpen(attempt, event) ? 0 : 2) + (hadWords(attempt, event) ? 1 : 0);
  return fitting.toSorted((a, b) => misfit(a) - misfit(b) || distance(a, event) - distance(b, event)).slice(0, 1);
}

/** About a connection to another host, or an error of disks and connections that its host has every day. */
function isOfSomethingElse(attempt: Attempt, event: Event, isNoise: boolean): boolean {
  const meaning = event.body.kind === 'daemon-message' && !ONE_JOB.test(event.body.text) ? meaningOf(event.body.text) : null;
  if (isNoise && OF_ANYTHING.has(meaning)) return true;
  return meaning !== null && OF_CONNECTIONS.has(meaning) && namesAnother(attempt, event);
}

function isOfOneJob({ body }: Event): boolean {
  if (body.kind !== 'daemon-message') return !SHARED.has(body.kind);
  const { text } = body;
  return ONE_JOB.test(text) || !(OF_CONNECTIONS.has(meaningOf(text)) || DAEMON_GONE.test(text) || CLIENT_GONE.test(text));
}

/** The client's error quotes the daemon's text, or the daemon what the VM's QEMU wrote into its own log, to the microsecond. */
function wasTold({ events }: Attempt, { body, origin }: Event): boolean {
  if (body.kind !== 'daemon-message') return false;
  return events.some((event) => {
    if (event.body.kind === 'migrate-error') return event.body.text.includes(body.text);
    return (
      event.body.kind === 'qemu-message' && hostOf(event) === origin.file.host && body.text.includes(firstLine(event.origin.text))
    );
  });
}

/** A reason comes before the client's last word, and ports are found before anything is sent: of a later one it is another's. */
function comesTooLate({ events, closedAt }: Attempt, event: Event): boolean {
  const { body, at } = event;
  const meaning = body.kind === 'daemon-message' ? meaningOf(body.text) : null;
  if (meaning === null) return false;
  if (isOfOneJob(event) && closedAt !== null && closedAt < at - JITTER_MS) return true;
  return meaning === 'no-free-port' && events.some((sending) => sending.at < at && isSending(sending));
}

function isSending({ body }: Event): boolean {
  return body.kind === 'migrate-initiated' || (body.kind === 'job-sample' && body.remainingBytes !== null);
}

/** A migration that arrived, or failed for another reason, was not cancelled. */
function contradicts({ events }: Attempt, { body }: Event): boolean {
  if (body.kind !== 'daemon-message' || !CANCELLED.test(body.text)) return false;
  return events.some(
    (event) =>
      (event.body.kind === 'domain-stopped' && event.body.reason === 'migrated') ||
      (event.body.kind === 'migrate-error' && !CANCELLED.test(event.body.text)),
  );
}

/** Another sign of the attempt agrees with what the text says: its job's status, or a QEMU that ended on that host. */
function shows({ events }: Attempt, { body, origin, at }: Event): boolean {
  if (body.kind !== 'daemon-message') return false;
  if (CANCELLED.test(body.text)) return events.some((event) => 'status' in event.body && event.body.status === 'cancelled');
  if (tellsPostcopy(body.text))
    return events.some((event) => 'status' in event.body && event.body.status?.startsWith('postcopy') === true);
  if (events.some((event) => 'status' in event.body && event.body.status === 'failed')) return true;
  if (!CLOSED_WITHOUT_WORD.test(body.text) && !SOURCE_GONE.test(body.text)) return false;
  return events.some(
    (event) =>
      event.body.kind === 'domain-stopped' &&
      event.origin.file.host === origin.file.host &&
      event.body.reason !== 'migrated' &&
      Math.abs(event.at - at) <= ENDED_NEAR_MS,
  );
}

/** Its QEMU did not go without a word. */
function hadWords({ events }: Attempt, event: Event): boolean {
  const { body, at } = event;
  if (body.kind !== 'daemon-message' || !CLOSED_WITHOUT_WORD.test(body.text)) return false;
  return ofKind(events, 'qemu-message').some(
    (said) => said.body.level === 'error' && hostOf(said) === hostOf(event) && Math.abs(said.at - at) <= ENDED_NEAR_MS,
  );
}

function isOpen({ closedAt }: Attempt, { at }: Event): boolean {
  return closedAt === null || at <= closedAt;
}

/** How far from an attempt's end an event is. */
function distance({ closedAt, events, openedAt }: Attempt, { at }: Event): number {
  return Math.abs(at - (closedAt ?? events.at(-1)?.at ?? openedAt));
}
