import type { ReadResult } from '../model/input.ts';
import { eventsRenamed } from '../timeline/host-names.ts';
import { pathForIdentity } from './discover.ts';
import { hostFolderOf, type HostFolder, type Hints } from './identify.ts';
import type { FileRead } from './read-parallel.ts';

/** A file of a host, and the folder that it could be named after. */
interface Named {
  readonly host: string;
  readonly place: HostFolder | null;
}

/** What is named after its folder, for want of better, is of the host that libvirt names in the logs beside it. */
export function withToldHosts(reads: readonly FileRead[], hints: Hints): readonly FileRead[] {
  const named = reads.map(({ result }) => namedOf(result, hints));
  const files = named.filter((file) => file !== null);
  const told = toldByFolder(files);
  return reads.map((read, i) => {
    const file = named[i] ?? null;
    if (file === null) return read;
    const host = hostOf(file, told);
    return host === file.host ? read : renamed(read, host);
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

function renamed({ result, events }: FileRead, host: string): FileRead {
  return { result: { ...result, host }, events: eventsRenamed(events, () => host) };
}
