import { BlockList, isIP } from 'node:net';

/** True of a receiver that a list as in NO_PROXY names, as curl and Go read it, and of this machine itself. */
export function isReachedDirectly(target: URL, no: string): boolean {
  const host = bare(target.hostname);
  if (host === 'localhost' || host === '::1' || isWithin(host, '127.0.0.0/8')) return true;
  const port = portOf(target);
  return no
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry !== '' && (entry === '*' || covers(entry, host, port) || isWithin(host, entry)));
}

/** The port that an address of http or https leads to. */
export function portOf({ port, protocol }: URL): string {
  if (port !== '') return port;
  return protocol === 'https:' ? '443' : '80';
}

/** A host with all that is below it, or an address; with a port only that. */
function covers(entry: string, host: string, port: string): boolean {
  const [, named = entry, ofPort = port] = isIP(entry) === 0 ? (/^(.+):(\d+)$/.exec(entry) ?? []) : [];
  if (ofPort !== port) return false;
  const name = bare(named).replace(/^\*?\./, '');
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
}

/** An address of a network, `10.0.0.0/8`. */
function isWithin(host: string, network: string): boolean {
  const [, written = '', bits] = /^(.+)\/(\d{1,3})$/.exec(network) ?? [];
  const address = bare(written);
  const kind = isIP(address);
  if (kind === 0 || isIP(host) !== kind || Number(bits) > (kind === 4 ? 32 : 128)) return false;
  const family = kind === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return list.check(host, family);
}

/** An address of IPv6 without brackets. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
