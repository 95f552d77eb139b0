import { groupBy } from '../lib/group.ts';
import { createOverlapIndex } from '../lib/overlap-index.ts';
import type { DaemonMessage, Event, EventBody } from '../model/event.ts';
import type { HostAddress, Source } from '../model/source.ts';
import { addressesIn, addressOf, IP } from './addresses.ts';
import { attemptsOf, JITTER_MS, MAX_PREPARE_MS, MAX_SILENCE_MS, type Attempt } from './attempts.ts';
import { JOB_OVER } from './causes.ts';
import { hostNamed } from './host-names.ts';
import { createNoise } from './noise.ts';
import { hostOf } from './of-kind.ts';
import { ownersOf, SHARED } from './owners.ts';

/** What the hosts' daemons still print after the client's last word. */
const TRAIL_MS = 10_000;
/** Two records of one call. */
const SAME_CALL_MS = 1000;
const LOCK_WAIT_OVER = /^Timed out during operation: cannot acquire state change lock/;
/** Sources that only a hypervisor writes. */
const HYPERVISOR_SOURCES = new Set<Source>(['cloudstack-agent', 'libvirt-qemu', 'libvirtd', 'domjobinfo', 'heartbeat']);
/** Of them, those that tell of a migration. */
const LIBVIRT_SOURCES = new Set<Source>(['libvirt-qemu', 'libvirtd', 'domjobinfo']);

/** Events and the VM of each, side by side: an object for every one would be as many again. */
interface Named {
  readonly events: readonly Event[];
  readonly vms: readonly (string | null)[];
}

/** Events in the order of time → attempts with all that belongs to them, hosts filled in where they follow. */
export function correlate(events: readonly Event[], known: KnownHosts): readonly Attempt[] {
  const stated = withMonitors(events);
  const sure = attemptsByVm(stated, new Map());
  const guessed = monitorNames(
    stated,
    [...sure.values()].flatMap(({ attempts: own }) => own),
  );
  const named = guessed.size === 0 ? stated : withGuesses(stated, guessed);
  const all = guessed.size === 0 ? sure : attemptsByVm(named, sure);
  const attempts = fillHosts(withoutCutNames([...all.values()].flatMap(({ attempts: own }) => own)), events, known);
  const restarts = restartsOf(events);
  const nameless = named.events.filter(
    (event, i) =>
      (named.vms[i] ?? null) === null &&
      NAMELESS.has(event.body.kind) &&
      (event.body.kind !== 'daemon-started' || restarts.has(event)),
  );
  const complete = attachNameless(attempts, nameless);
  return complete.toSorted((a, b) => a.openedAt - b.openedAt || (a.vm < b.vm ? -1 : 1));
}

/** The agent's word that it prepared a VM ends with the name: a log copied while that was written has the name's beginning. */
function withoutCutNames(attempts: readonly Attempt[]): readonly Attempt[] {
  const begun = createOverlapIndex(attempts, ({ openedAt }) => ({ from: openedAt, to: openedAt }));
  const isCut = ({ vm, openedAt, events }: Attempt): boolean =>
    events.every(({ body }) => body.kind === 'destination-prepared') &&
    begun({ from: openedAt - MAX_PREPARE_MS, to: openedAt + MAX_PREPARE_MS }).some(
      (whole) => whole.vm !== vm && whole.vm.startsWith(vm),
    );
  return attempts.filter((attempt) => !isCut(attempt));
}

/** What is known of hosts besides the events. */
export interface KnownHosts {
  /** All that something was read of. */
  readonly hosts: ReadonlySet<string>;
  readonly hypervisors: readonly Hypervisor[];
  readonly addresses: readonly HostAddress[];
}

/** A host whose files only a hypervisor has. */
export interface Hypervisor {
  readonly host: string;
  /** There are logs of libvirt or QEMU, or job statistics: an idle agent's log tells of no migration, and never would. */
  readonly logsMigrations: boolean;
}

/** The hypervisors among the hosts that files are of. */
export function hypervisorsOf(files: readonly { readonly host: string; readonly source: Source }[]): readonly Hypervisor[] {
  const hosts = [...new Set(files.filter(({ source }) => HYPERVISOR_SOURCES.has(source)).map(({ host }) => host))];
  return hosts.toSorted().map((host) => ({
    host,
    logsMigrations: files.some((file) => file.host === host && LIBVIRT_SOURCES.has(file.source)),
  }));
}

function vmOf({ body, origin }: Event): string | null {
  if ('vm' in body && body.vm !== null) return body.vm;
  return origin.file.source === 'libvirt-qemu' || origin.file.source === 'domjobinfo' ? origin.file.vm : null;
}

/**
 * Names events by themselves, those of a monitor address by the VM that libvirt last said to be behind it, and a wait for a lock that
 * ran out by the warning before it.
 */
function withMonitors(events: readonly Event[]): Named {
  const opened = new Map<string, string>();
  const waited = new Map<string, Event<DaemonMessage>>();
  const vms = events.map((event) => {
    const monitor = monitorKey(event);
    if (event.body.kind === 'monitor-opened') opened.set(monitor, event.body.vm);
    const waiting = waitingVm(event, waited);
    return vmOf(event) ?? opened.get(monitor) ?? waiting;
  });
  return { events, vms };
}

/** libvirt prints `Cannot start job (…) for domain VM` right before the error, which names none (virDomainObjBeginJobInternal). */
function waitingVm({ body, origin, at }: Event, waited: Map<string, Event<DaemonMessage>>): string | null {
  if (body.kind !== 'daemon-message') return null;
  const { path } = origin.file;
  if (body.text.startsWith('Cannot start job (')) waited.set(path, { body, origin, at });
  if (!LOCK_WAIT_OVER.test(body.text)) return null;
  const before = waited.get(path);
  return before !== undefined && at - before.at <= SAME_CALL_MS ? before.body.vm : null;
}

/** Names those, too, whose monitor address was guessed. */
function withGuesses({ events, vms }: Named, guessed: ReadonlyMap<string, string>): Named {
  return { events, vms: events.map((event, i) => vms[i] ?? guessed.get(monitorKey(event)) ?? null) };
}

/** What one VM's events make. */
interface VmAttempts {
  /** All events of the VM. */
  readonly events: readonly Event[];
  readonly attempts: readonly Attempt[];
}

/** The attempts of each VM; of one that has as many events as in `known`, those known. */
function attemptsByVm({ events: all, vms }: Named, known: ReadonlyMap<string, VmAttempts>): ReadonlyMap<string, VmAttempts> {
  const byVm = new Map<string, Event[]>();
  for (const [i, event] of all.entries()) {
    const vm = vms[i] ?? null;
    if (vm === null) continue;
    const own = byVm.get(vm);
    if (own === undefined) byVm.set(vm, [event]);
    else own.push(event);
  }
  return new Map(
    [...byVm].map(([vm, events]) => {
      const before = known.get(vm);
      return [vm, before?.events.length === events.length ? before : { events, attempts: attemptsOf(vm, events) }];
    }),
  );
}

function monitorKey({ body, origin }: Event): string {
  return 'monitor' in body && body.monitor !== null ? `${origin.file.host} ${body.monitor}` : '';
}

/**
 * Which VM a monitor address stands for where the log begins after libvirt connected: the one whose attempts, on that host, most of its events fall into, unless
 * another has as many.
 */
function monitorNames({ events, vms }: Named, attempts: readonly Attempt[]): ReadonlyMap<string, string> {
  const votes = new Map<string, Map<string, number>>();
  const covering = coverageOf(attempts);
  for (const [i, event] of events.entries()) {
    const key = (vms[i] ?? null) === null ? monitorKey(event) : '';
    if (key === '') continue;
    const tally = votes.get(key) ?? new Map<string, number>();
    votes.set(key, tally);
    for (const attempt of covering(event)) tally.set(attempt.vm, (tally.get(attempt.vm) ?? 0) + 1);
  }
  return new Map(
    [...votes].flatMap(([key, tally]): readonly (readonly [string, string])[] => {
      const [best, second] = [...tally].toSorted(([, a], [, b]) => b - a);
      return best === undefined || best[1] === second?.[1] ? [] : [[key, best[0]]];
    }),
  );
}

/** The attempts that an event is of the time of, and of one of their hosts. */
function coverageOf(attempts: readonly Attempt[]): (event: Event) => readonly Attempt[] {
  const during = createOverlapIndex(attempts, ({ openedAt, closedAt, events }) => ({
    from: openedAt - JITTER_MS,
    to: (closedAt ?? events.at(-1)?.at ?? openedAt) + TRAIL_MS,
  }));
  return (event) => {
    const host = hostOf(event);
    return during({ from: event.at, to: event.at }).filter(({ source, destination }) => host === source || host === destination);
  };
}

const NAMELESS = new Set<EventBody['kind']>([
  'daemon-message',
  'migrate-error',
  'quoted-message',
  'downtime-limit-set',
  'job-sample',
  'job-completed',
  'migration-status',
  'migration-pass',
  'guest-run-state',
  ...SHARED,
]);

/**
 * Starts of a daemon of which the log had something before. Its first line is no such start: a daemon that logs errors only gives its
 * version before its first error, weeks after it was started.
 */
function restartsOf(events: readonly Event[]): ReadonlySet<Event> {
  const known = new Set<string>();
  const restarts = new Set<Event>();
  for (const event of events) {
    const { kind } = event.body;
    if (kind !== 'daemon-started' && kind !== 'daemon-message') continue;
    const log = `${hostOf(event)} ${event.origin.file.source}`;
    if (kind === 'daemon-started' && known.has(log)) restarts.add(event);
    known.add(log);
  }
  return restarts;
}

/**
 * Attempts that reach to the end of their job, where that is the only further word on them: it comes long after the last sign, and
 * what explains it stands around it.
 */
function withJobsEnd(attempts: readonly Attempt[], nameless: readonly Event[]): readonly Attempt[] {
  const ends = nameless.filter(({ body }) => body.kind === 'daemon-message' && JOB_OVER.test(body.text));
  if (ends.length === 0) return attempts;
  const covered = coverageOf(attempts);
  const bySource = groupBy(
    attempts.filter((attempt) => attempt.closedAt === null && !hasEnded(attempt)),
    ({ source }) => source,
  );
  const closed = new Map<Attempt, number>();
  for (const end of ends) {
    if (covered(end).length > 0) continue;
    const open = (bySource.get(hostOf(end)) ?? []).filter(
      (attempt) => !closed.has(attempt) && attempt.openedAt < end.at && end.at - lastAt(attempt) <= MAX_SILENCE_MS,
    );
    const [only] = open;
    if (open.length === 1 && only !== undefined) closed.set(only, end.at);
  }
  return attempts.map((attempt) => ({ ...attempt, closedAt: closed.get(attempt) ?? attempt.closedAt }));
}

function lastAt({ events, openedAt }: Attempt): number {
  return events.at(-1)?.at ?? openedAt;
}

/** A QEMU of either side was seen to end. */
function hasEnded({ events }: Attempt): boolean {
  return events.some(({ body }) => body.kind === 'domain-stopped' || body.kind === 'domain-missing');
}

/** Gives events that name no VM to the attempts of their host and time; to one alone where they are of one job. */
function attachNameless(known: readonly Attempt[], nameless: readonly Event[]): readonly Attempt[] {
  const attempts = withJobsEnd(known, nameless);
  const covering = coverageOf(attempts);
  const covered = nameless.map((event) => ({ event, candidates: covering(event) }));
  const isNoise = createNoise(covered.flatMap(({ event, candidates }) => (candidates.length === 0 ? [event] : [])));
  const owned = covered.flatMap(({ event, candidates }) =>
    ownersOf(event, candidates, isNoise(event)).map((attempt) => ({ attempt, event })),
  );
  const extra = groupBy(owned, ({ attempt }) => attempt);
  return attempts.map((attempt) => {
    const added = extra.get(attempt)?.map(({ event }) => event);
    return added === undefined ? attempt : { ...attempt, events: [...attempt.events, ...added].toSorted((a, b) => a.at - b.at) };
  });
}

/** Fills in hosts that no event of an attempt names: by the address the source was told, or as the only other hypervisor. */
function fillHosts(
  attempts: readonly Attempt[],
  events: readonly Event[],
  { hosts, hypervisors, addresses: told }: KnownHosts,
): readonly Attempt[] {
  const addresses = addressBook(attempts, [...told, ...events.flatMap(addressesIn)]);
  return attempts.map((attempt) => {
    const address = addressOf(attempt);
    const byAddress = address === null ? null : (hostAt(address, attempt.source, addresses) ?? hostNamed(address, hosts));
    const candidate = other(hypervisors, attempt.source);
    const byExclusion = candidate !== null && isElsewhere(candidate, address, addresses) ? null : candidate;
    const destination = attempt.destination ?? byAddress ?? byExclusion;
    const source = attempt.source ?? other(hypervisors, destination);
    return { ...attempt, source, destination };
  });
}

/** Of exactly two hypervisors, the other one, if there are logs of it that would tell of a migration. */
function other(hypervisors: readonly Hypervisor[], host: string | null): string | null {
  if (host === null || hypervisors.length !== 2) return null;
  const candidate = hypervisors.find((hypervisor) => hypervisor.host !== host);
  return candidate?.logsMigrations === true ? candidate.host : null;
}

/** The host is known by another address than the one that the source was told. */
function isElsewhere(host: string, address: string | null, { hosts }: Addresses): boolean {
  if (address === null || !IP.test(address)) return false;
  const own = [...hosts].flatMap(([known, of]) => (of.has(host) && IP.test(known) ? [known] : []));
  return own.length > 0 && !own.includes(address);
}

/** The host of an address: of several clusters with the same network, the one that this source is known to send to. */
function hostAt(address: string, source: string | null, { hosts, sentTo }: Addresses): string | null {
  const others = [...(hosts.get(address) ?? [])].filter((host) => host !== source);
  const known = others.length > 1 ? [...(sentTo.get(`${source ?? ''} ${address}`) ?? [])] : others;
  return known.length === 1 ? (known[0] ?? null) : null;
}

/** Which hosts have an address or a name, and which of them each source sent to by it (`SOURCE ADDRESS`). */
interface Addresses {
  readonly hosts: ReadonlyMap<string, ReadonlySet<string>>;
  readonly sentTo: ReadonlyMap<string, ReadonlySet<string>>;
}

function addressBook(attempts: readonly Attempt[], told: readonly HostAddress[]): Addresses {
  const hosts = new Map<string, Set<string>>();
  const sentTo = new Map<string, Set<string>>();
  const add = (book: Map<string, Set<string>>, key: string, host: string): void => {
    book.set(key, (book.get(key) ?? new Set()).add(host));
  };
  for (const { address, host } of told) add(hosts, address, host);
  for (const attempt of attempts) {
    const address = addressOf(attempt);
    if (address === null || attempt.destination === null) continue;
    add(hosts, address, attempt.destination);
    add(sentTo, `${attempt.source ?? ''} ${address}`, attempt.destination);
  }
  return { hosts, sentTo };
}
