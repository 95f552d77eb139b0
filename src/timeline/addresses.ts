import type { Event, EventBody } from '../model/event.ts';
import type { HostAddress } from '../model/source.ts';
import type { Attempt } from './attempts.ts';

/** An address, not a name. */
export const IP = /^\d{1,3}(?:\.\d{1,3}){3}$|:/;

/** Addresses in a text, each with or without its port. */
const IPS = /\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<=\[)[0-9a-f:]*:[0-9a-f:]*(?=\])/gi;

/** By which addresses and names an event tells that its own host is reached. */
export function addressesIn({ body, origin }: Pick<Event, 'body' | 'origin'>): readonly HostAddress[] {
  const { host } = origin.file;
  return addressesOf(body).map((address) => ({ host, address }));
}

function addressesOf(body: EventBody): readonly string[] {
  if (body.kind === 'heartbeat-probe') return body.address === null ? [] : [body.address];
  if (body.kind === 'domain-started') return body.hostname === null ? [] : [body.hostname];
  return body.kind === 'host-fact' && body.name.startsWith(ADDRESS_FACT) ? body.value.split(' ').filter(Boolean) : [];
}

/** Before an interface's name: the fact that tells its addresses, with spaces between. */
export const ADDRESS_FACT = 'address.';

/** The destination's address as the source was told it, or as its error text quotes it. */
export function addressOf({ events }: Attempt): string | null {
  for (const { body } of events) {
    if (body.kind === 'migrate-requested') return body.address;
    if (body.kind !== 'migrate-error') continue;
    const quoted = /unable to connect to server at '([^':]+|\[[^\]]+\]):\d+'/.exec(body.text)?.[1];
    if (quoted !== undefined) return quoted;
  }
  return null;
}

/** The text is about a connection to another host than the migration's. */
export function namesAnother(attempt: Attempt, { body }: Event): boolean {
  if (body.kind !== 'daemon-message') return false;
  const named: readonly string[] = body.text.match(IPS) ?? [];
  if (named.length === 0) return false;
  const own = addressOf(attempt)?.replace(/^\[|\]$/g, '') ?? '';
  return IP.test(own) && !named.includes(own);
}
