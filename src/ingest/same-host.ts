import { groupBy } from '../lib/group.ts';
import type { ParsedEvent } from '../model/event.ts';
import type { ReadResult } from '../model/input.ts';
import type { FileContext } from '../model/source.ts';
import { pathForIdentity } from './discover.ts';
import { hostFolderOf, type HostFolder, type Hints } from './identify.ts';
import type { FileRead } from './read-parallel.ts';

/** A file of a host, and the folder that it could be named after. */
interface Named {
  readonly host: string;
  readonly place: HostFolder | null;
}

/**
 * One machine has one name: what is named after its folder, for want of better, is of the host that libvirt names in the logs
 * beside it; and where both `kvm-a` and `kvm-a.example.com` occur, that is one host, unless `kvm-a` is of other domains as well.
 */
export function withOneNameEach(reads: readonly FileRead[], hints: Hints): readonly FileRead[] {
  const named = reads.map(({ result }) => namedOf(result, hints));
  const files = named.filter((file) => file !== null);
  const told = toldByFolder(files);
  const short = shortNames(new Set(files.map((file) => hostOf(file, told))));
  return reads.map((read, i) => {
    const file = named[i] ?? null;
    if (file === null) return read;
    const host = hostOf(file, told);
    const name = short.get(host) ?? host;
    return name === file.host ? read : renamed(read, name);
  });
}

function namedOf({ path, host }: ReadResult, hints: Hints): Named | null {
  return host === null ? null : { host, place: hostFolderOf({ path, absolute: pathForIdentity(path) }, host, hints) };
}

/** The hosts that files of a folder say that they are of. */
function toldByFolder(files: readonly Named[]): ReadonlyMap<string, ReadonlySet<string>> {
  const folders = new Map<string, Set<string>>();
  for (const { host, place } of files) {
    if (place === null || place.guessed) continue;
    folders.set(place.folder, (folders.get(place.folder) ?? new Set()).add(host));
  }
  return folders;
}

function hostOf({ host, place }: Named, told: ReadonlyMap<string, ReadonlySet<string>>): string {
  const hosts = place?.guessed === true ? [...(told.get(place.folder) ?? [])] : [];
  return hosts.length === 1 ? (hosts[0] ?? host) : host;
}

/** The names without their domains, where some file knows a host by that, and no two of one name are known. */
function shortNames(hosts: ReadonlySet<string>): ReadonlyMap<string, string> {
  const known = [...hosts].flatMap((host) => {
    const short = /^([A-Za-z][\w-]*)\./.exec(host)?.[1];
    return short !== undefined && hosts.has(short) ? [{ host, short }] : [];
  });
  const byShort = groupBy(known, ({ short }) => short);
  return new Map(known.flatMap(({ host, short }) => (byShort.get(short)?.length === 1 ? [[host, short] as const] : [])));
}

function renamed({ result, events }: FileRead, host: string): FileRead {
  const files = new Map<FileContext, FileContext>();
  const fileOf = (file: FileContext): FileContext => {
    const known = files.get(file) ?? { ...file, host };
    files.set(file, known);
    return known;
  };
  const rename = (event: ParsedEvent): ParsedEvent => ({
    ...event,
    origin: { ...event.origin, file: fileOf(event.origin.file) },
  });
  return { result: { ...result, host }, events: events.map(rename) };
}
