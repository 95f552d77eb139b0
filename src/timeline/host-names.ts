import { groupBy } from '../lib/group.ts';
import type { ParsedEvent } from '../model/event.ts';
import type { Readings } from '../model/input.ts';
import type { FileContext } from '../model/source.ts';

/**
 * Names with a domain, and what stands for them: where both `kvm-a` and `kvm-a.example.com` occur, that is one host, unless `kvm-a` is
 * of other domains as well.
 */
export function shortNames(hosts: ReadonlySet<string>): ReadonlyMap<string, string> {
  const known = [...hosts].flatMap((host) => {
    const short = shortOf(host);
    return short !== null && hosts.has(short) ? [{ host, short }] : [];
  });
  const byShort = groupBy(known, ({ short }) => short);
  return new Map(known.flatMap(({ host, short }) => (byShort.get(short)?.length === 1 ? [[host, short] as const] : [])));
}

/** The host that a name stands for, with or without its domain; `null` where none is known by it, or more than one. */
export function hostNamed(name: string, hosts: ReadonlySet<string>): string | null {
  if (hosts.has(name)) return name;
  const short = shortOf(name);
  const same = [...hosts].filter((host) => (short === null ? shortOf(host) === name : host === short || shortOf(host) === short));
  const [only] = same;
  // of `kvm-a.one.example` and `kvm-a.two.example` neither is the other
  return same.length === 1 && only !== undefined && (short === null || only === short) ? only : null;
}

function shortOf(host: string): string | null {
  return /^([A-Za-z][\w-]*)\./.exec(host)?.[1] ?? null;
}

/** What was read, each machine by one name. */
export function withOneNameEach(readings: Readings): Readings {
  const { events, spans, inputs, addresses } = readings;
  const hosts = [...spans.map(({ host }) => host), ...inputs.flatMap(({ host }) => host ?? [])];
  const names = shortNames(new Set(hosts));
  if (names.size === 0) return readings;
  const nameOf = (host: string): string => names.get(host) ?? host;
  return {
    events: eventsRenamed(events, nameOf),
    spans: spans.map((span) => ({ ...span, host: nameOf(span.host) })),
    inputs: inputs.map((input) => ({ ...input, host: input.host === null ? null : nameOf(input.host) })),
    addresses: addresses.map((one) => ({ ...one, host: nameOf(one.host) })),
  };
}

/** Events as of hosts of other names; those of one file share it still. */
export function eventsRenamed(events: readonly ParsedEvent[], nameOf: (host: string) => string): readonly ParsedEvent[] {
  const files = new Map<FileContext, FileContext>();
  const fileOf = (file: FileContext): FileContext => {
    const known = files.get(file);
    if (known !== undefined) return known;
    const host = nameOf(file.host);
    const renamed = host === file.host ? file : { ...file, host };
    files.set(file, renamed);
    return renamed;
  };
  return events.map((event) => {
    const file = fileOf(event.origin.file);
    return file === event.origin.file ? event : { ...event, origin: { ...event.origin, file } };
  });
}
