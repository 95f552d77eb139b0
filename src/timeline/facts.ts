import type { AgentEnded, DomainStopped, Event } from '../model/event.ts';
import type { Attempt } from './attempts.ts';
import { CANCELLED, messageParts } from './causes.ts';
import { HOST_ENDS, hostOf, ofKind } from './of-kind.ts';

/** Reasons for which an incoming QEMU ends without its guest having arrived; a guest that shuts down had. */
const LOST = new Set(['failed', 'crashed', 'destroyed', 'unknown', 'daemon']);

/** The attempt's events by what they say about its end. */
export interface Facts {
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

/** Sorts the attempt's events. */
export function factsOf(attempt: Attempt): Facts {
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
