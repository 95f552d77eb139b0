import type { Unwrap } from './envelope-framing.ts';
import { journalLineOf, type JournalLine } from './journal-entry.ts';

/** Names of other hosts that are told. */
const TOLD_HOSTS = 3;

/** Makes lines of the entries of one host, the first that the file names: what a file holds is told as one host's. */
export function createJournalUnwrap(fieldsOf: (record: string) => unknown): Unwrap {
  let first: JournalLine | null = null;
  let cut = 0;
  const others = new Set<string>();

  /** A host before it knows its name, or with another name since, is the same machine. */
  function isOther({ host, machineId }: JournalLine): boolean {
    if (first === null || host === null || host === first.host) return false;
    return machineId === null || machineId !== first.machineId;
  }

  return {
    read(record) {
      const line = journalLineOf(fieldsOf(record));
      if (line === null) return null;
      if (line.host !== null) first ??= line;
      if (isOther(line)) {
        others.add(line.host ?? '');
        return '';
      }
      if (line.isCut) cut += 1;
      return line.text;
    },
    problem() {
      const parts: string[] = [];
      const named = [...others];
      if (named.length > 0)
        parts.push(
          `entries of ${named.slice(0, TOLD_HOSTS).join(', ')}${named.length > TOLD_HOSTS ? ', …' : ''} are left out: a file is read as one host's, export each with journalctl _HOSTNAME=NAME`,
        );
      if (cut > 0) parts.push(`${cut} ${cut === 1 ? 'entry has' : 'entries have'} no text: export with journalctl --all`);
      return parts.length === 0 ? null : parts.join('; ');
    },
  };
}
