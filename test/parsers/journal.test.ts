import { expect, test } from 'vitest';
import type { ParsedEvent } from '../../src/model/event.ts';
import { journal } from '../../src/parsers/journal.ts';
import { createScanner } from '../../src/parsers/scan.ts';

function scan(text: string) {
  const events: ParsedEvent[] = [];
  const file = { host: 'kvm-a', source: journal.source, path: 'syslog', vm: null };
  const scanner = createScanner(journal, file, (event) => events.push(event));
  scanner.push(text);
  return { events, tally: scanner.end() };
}

const NFS = 'kernel: nfs: server 10.30.0.5 not responding, still trying';

test.each([
  ['syslog', `Nov  3 04:40:14 kvm-a ${NFS}`, { at: '2000-11-03T04:40:14.000Z', clock: 'local', missing: 'year' }],
  ['syslog on 29 February', `Feb 29 04:40:14 kvm-a ${NFS}`, { at: '2000-02-29T04:40:14.000Z', clock: 'local', missing: 'year' }],
  ['short-precise', `Nov 23 04:40:14.105923 kvm-a ${NFS}`, { at: '2000-11-23T04:40:14.105Z', clock: 'local', missing: 'year' }],
  [
    'short-iso, east',
    `2026-11-23T04:40:14+0530 kvm-a ${NFS}`,
    { at: '2026-11-22T23:10:14.000Z', clock: 'utc', missing: 'nothing' },
  ],
  [
    'short-iso-precise, west',
    `2026-11-23T04:40:14.105923-08:00 kvm-a ${NFS}`,
    { at: '2026-11-23T12:40:14.105Z', clock: 'utc', missing: 'nothing' },
  ],
  [
    'rsyslog, UTC',
    `2026-11-23T04:40:14.105923Z kvm-a ${NFS}`,
    { at: '2026-11-23T04:40:14.105Z', clock: 'utc', missing: 'nothing' },
  ],
  [
    'short-full',
    `Mon 2026-11-23 04:40:14 CET kvm-a ${NFS}`,
    { at: '2026-11-23T04:40:14.000Z', clock: 'local', missing: 'nothing' },
  ],
  [
    'short-full --utc',
    `Mon 2026-11-23 04:40:14 UTC kvm-a ${NFS}`,
    { at: '2026-11-23T04:40:14.000Z', clock: 'utc', missing: 'nothing' },
  ],
  ['--no-hostname', `Nov 23 04:40:14 ${NFS}`, { at: '2000-11-23T04:40:14.000Z', clock: 'local', missing: 'year' }],
])('a time is read as written: %s', (_name, record, { at, ...rest }) => {
  const [event] = scan(record).events;
  expect(event?.body.kind).toBe('storage-message');
  expect(event?.stamp).toEqual({ ms: Date.parse(at), ...rest });
});

test("journalctl's own lines and other programs' are plain", () => {
  const { events, tally } = scan(`-- Journal begins at Mon 2026-11-23 04:38:01 CET, ends at Mon 2026-11-23 05:00:00 CET. --
Nov 23 04:40:14 kvm-a systemd[1]: Started libvirt-guests.service.
-- Boot 5f0e6c0d1e2f4c3b9a8d7e6f5a4b3c2d --
Nov 23 04:45:14 kvm-a sshd[2201]: Accepted publickey for root from 10.10.0.1
Nov 23 04:45:15 kvm-a kernel: CPU3: Core temperature/speed normal (total events = 1874)
Nov 23 04:45:16 kvm-a java[2207]: Picked up JAVA_TOOL_OPTIONS: -Xmx1g
`);
  expect(events).toEqual([]);
  expect(tally).toMatchObject({ records: 6, plain: 6, rejected: {} });
});

test('a message that rsyslog put on one line has its lines again', () => {
  const [event] = scan(
    'Nov 23 04:50:46 kvm-b libvirtd[1234]: internal error: qemu unexpectedly closed the monitor: 2026-11-23T04:50:46.614447Z qemu-system-x86_64: Failed to load virtio-net:virtio#0122026-11-23T04:50:46.614533Z qemu-system-x86_64: load of migration failed: Operation not permitted',
  ).events;
  expect(event?.body).toMatchObject({
    text: `internal error: qemu unexpectedly closed the monitor: 2026-11-23T04:50:46.614447Z qemu-system-x86_64: Failed to load virtio-net:virtio
2026-11-23T04:50:46.614533Z qemu-system-x86_64: load of migration failed: Operation not permitted`,
  });
});
