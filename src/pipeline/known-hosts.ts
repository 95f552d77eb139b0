import type { HostAddress } from '../model/source.ts';
import { shortNames } from '../timeline/host-names.ts';

/** What a cluster's hosts are called and reached by, as far as anything told it, at whatever time. */
export interface KnownHosts {
  /** Something came of this host. */
  heardOf(host: string): void;
  /** The host is reached by this address, or name. */
  reachedBy(address: HostAddress): void;
  addresses(): readonly HostAddress[];
  /** What became known since the last call, the first time all of it; `null` where nothing did. */
  takeNews(): HostNews | null;
}

/** What became known of hosts: what was told of them may be told otherwise now. */
export interface HostNews {
  /** Names that turned out to be of a host which has another one. */
  readonly names: readonly string[];
  /** Addresses of which it is known whose they are. */
  readonly addresses: readonly string[];
  /** Of those, the ones that were taken for another host's. */
  readonly disputed: readonly string[];
}

/** Names and addresses that are remembered of a cluster: real ones have some thousand at most, a forged stream any number. */
const MAX_KNOWN = 20_000;

/** What is known at first, which is news all of it, for nobody knows what was made of it. */
export function createKnownHosts(hosts: readonly string[], known: readonly HostAddress[]): KnownHosts {
  const names = new Set<string>();
  const addresses = new Map<string, Set<string>>();
  let count = 0;
  let isNew = { hosts: false, addresses: new Set<string>(), disputed: new Set<string>() };
  let joined: ReadonlySet<string> = new Set();

  function heardOf(host: string): void {
    if (names.has(host) || names.size >= MAX_KNOWN) return;
    names.add(host);
    isNew.hosts = true;
  }

  function reachedBy({ host, address }: HostAddress): void {
    const own = addresses.get(address) ?? new Set<string>();
    if (own.has(host) || count >= MAX_KNOWN) return;
    count += 1;
    if (own.size > 0) isNew.disputed.add(address);
    isNew.addresses.add(address);
    addresses.set(address, own.add(host));
  }

  for (const host of hosts) heardOf(host);
  for (const one of known) reachedBy(one);
  isNew.disputed.clear();
  return {
    heardOf,
    reachedBy,
    addresses: () => [...addresses].flatMap(([address, own]) => [...own].map((host) => ({ host, address }))),
    takeNews() {
      const { hosts: more, addresses: reached, disputed } = isNew;
      if (!more && reached.size === 0) return null;
      isNew = { hosts: false, addresses: new Set(), disputed: new Set() };
      const others = more ? new Set(shortNames(names).keys()) : joined;
      const fresh = [...others].filter((name) => !joined.has(name));
      joined = others;
      return fresh.length + reached.size === 0 ? null : { names: fresh, addresses: [...reached], disputed: [...disputed] };
    },
  };
}
