import { expect, test } from 'vitest';
import type { Event } from '../../src/model/event.ts';
import { withoutEchoes } from '../../src/timeline/echoes.ts';

const STALE = 'nfs: server 10.30.0.5 not responding, still trying';

/** What the kernel of a host says, at these seconds, as a system log has it. */
function kernelIn(path: string, seconds: readonly number[], host = 'kvm-a'): readonly Event[] {
  const file = { host, source: 'journal', path, vm: null } as const;
  return seconds.map((second, i) => ({
    at: second * 1000,
    body: { kind: 'storage-message', text: STALE, recovered: false },
    origin: { file, line: i + 1, offset: i, text: STALE, messageAt: 0, written: String(second) },
  }));
}

function left(...logs: readonly (readonly Event[])[]): readonly string[] {
  const events = logs.flat().toSorted((a, b) => a.at - b.at);
  return withoutEchoes(events).map(({ at, origin }) => `${origin.file.host} ${origin.file.path} ${at / 1000}`);
}

test('what the journal and the syslog behind it say counts once, whichever has more of it, also where one has no fractions', () => {
  const journal = kernelIn('journal', [10.9, 12.3, 12.4]);
  expect(left(journal, kernelIn('syslog', [10, 12, 12]))).toEqual([
    'kvm-a journal 10.9',
    'kvm-a journal 12.3',
    'kvm-a journal 12.4',
  ]);
  expect(left(journal.slice(0, 1), kernelIn('syslog', [10, 12]))).toEqual(['kvm-a syslog 10', 'kvm-a syslog 12']);
  expect(left(journal, kernelIn('syslog', [10, 12, 12]), kernelIn('messages', [10.9, 12.3, 12.4, 30]))).toHaveLength(4);
});

test('what one log repeats, another host says, or comes later is of its own', () => {
  expect(left(kernelIn('journal', [10, 10.1, 10.2]))).toHaveLength(3);
  expect(left(kernelIn('journal', [10]), kernelIn('journal', [10], 'kvm-b'))).toHaveLength(2);
  expect(left(kernelIn('journal', [10]), kernelIn('syslog', [14]))).toHaveLength(2);
});
