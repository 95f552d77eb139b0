import { groupBy } from '../lib/group.ts';
import type { Event, EventBody } from '../model/event.ts';

/** A system log may have its second only, and gets a program's line after its own log has it. */
const BEFORE_MS = 1000;
const AFTER_MS = 2000;

/**
 * Leaves out what a system log says that the program's own log says too: agents up to 4.19 and libvirt's daemons write both; and what
 * two system logs say, as journald and the rsyslog behind it do. Each line of the one stands for one of the other. Events in the order
 * of time, as they come.
 */
export function withoutEchoes(all: readonly Event[]): readonly Event[] {
  const said = all.filter(({ origin }) => origin.file.source === 'journal');
  if (said.length === 0) return all;
  const twice = repetitionsOf(said);
  const events = twice.size === 0 ? all : all.filter((event) => !twice.has(event));
  const inJournal = twice.size === 0 ? said : said.filter((event) => !twice.has(event));
  const own = groupBy(
    events.filter(({ origin }) => OWN_LOGS.has(origin.file.source)),
    subjectOf,
  );
  const echoes = new Set([...groupBy(inJournal, subjectOf)].flatMap(([subject, of]) => echoesOf(of, own.get(subject) ?? [])));
  return echoes.size === 0 ? events : events.filter((event) => !echoes.has(event));
}

/** Of what several system logs of a host say, all but what the one says that has most of it. */
function repetitionsOf(said: readonly Event[]): ReadonlySet<Event> {
  const files = groupBy([...new Set(said.map(({ origin }) => origin.file))], ({ host }) => host);
  const several = said.filter(({ origin }) => (files.get(origin.file.host)?.length ?? 0) > 1);
  const repetitions = new Set<Event>();
  for (const of of groupBy(several, subjectOf).values()) {
    const [first = [], ...others] = [...groupBy(of, ({ origin }) => origin.file).values()].toSorted(
      (a, b) => b.length - a.length || finer(b) - finer(a),
    );
    let known = first;
    for (const other of others) {
      const echoes = new Set(echoesOf(other, known));
      for (const echo of echoes) repetitions.add(echo);
      known = [...known, ...other.filter((event) => !echoes.has(event))].toSorted((a, b) => a.at - b.at);
    }
  }
  return repetitions;
}

/** How many of them have more than the second. */
function finer(events: readonly Event[]): number {
  return events.filter(({ at }) => at % 1000 !== 0).length;
}

const OWN_LOGS: ReadonlySet<string> = new Set(['cloudstack-agent', 'libvirtd']);

/** Of the same message here and there, both in the order of time. */
function echoesOf(inJournal: readonly Event[], own: readonly Event[]): readonly Event[] {
  let next = 0;
  return inJournal.filter(({ at }) => {
    while ((own[next]?.at ?? at) < at - AFTER_MS) next += 1;
    const isEcho = (own[next]?.at ?? Number.POSITIVE_INFINITY) <= at + BEFORE_MS;
    if (isEcho) next += 1;
    return isEcho;
  });
}

/** Host and message. The system log has first lines only, and of libvirt's messages mostly no level. */
function subjectOf({ body, origin }: Event): string {
  return `${origin.file.host}\n${body.kind}\n${saidIn(body)}`;
}

function saidIn(body: EventBody): string {
  if (body.kind === 'migrate-requested') return `${body.vm} ${body.address}`;
  const { level, ...said } = { level: null, ...body };
  return JSON.stringify(said, (_, value: unknown) => (typeof value === 'string' ? value.split('\n', 1)[0] : value));
}
