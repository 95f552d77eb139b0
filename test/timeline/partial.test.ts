import { describe, expect, test } from 'vitest';
import {
  at,
  begins,
  booted,
  completes,
  fails,
  MAC,
  sample,
  starts,
  stops,
  tell,
  VM,
  type StoryEvent,
} from '../../src/detectors/story.ts';

/** How each migration ended, and where the VM is. */
function told(events: readonly StoryEvent[]): readonly unknown[] {
  return tell(events.toSorted((a, b) => a.seconds - b.seconds)).migrations.map(
    ({ source, destination, outcome, cause, after }) => ({
      way: [source, destination],
      outcome,
      cause: cause?.kind ?? null,
      after: Object.fromEntries(after.map(({ host, state }) => [host, state])),
    }),
  );
}

const missing = (seconds: number, host: string): StoryEvent =>
  at(seconds, host, 'domjobinfo', { kind: 'domain-missing', vm: VM });

function says(seconds: number, host: string, text: string): StoryEvent {
  return at(seconds, host, 'libvirtd', { kind: 'daemon-message', level: 'error', vm: null, text });
}

function arrivesAt(seconds: number, host: string): StoryEvent {
  return at(seconds, host, 'domjobinfo', {
    kind: 'job-completed',
    vm: VM,
    direction: 'incoming',
    elapsedMs: 3000,
    downtimeMs: 40,
    passes: 3,
    transferredBytes: null,
    totalBytes: null,
  });
}

describe('a poller that finds the VM gone from the source', () => {
  test('proves that it left where QEMU had sent all of it', () => {
    const paused = at(3, 'kvm-a', 'libvirtd', { kind: 'guest-run-state', vm: VM, monitor: null, running: false });
    expect(told([sample(2, {}), paused, sample(3.1, { status: 'completed' }), missing(3.5, 'kvm-a')])).toEqual([
      { way: ['kvm-a', null], outcome: 'completed', cause: null, after: { 'kvm-a': 'absent' } },
    ]);
  });

  test('proves that it no longer migrates, nor runs there', () => {
    expect(told([sample(2, {}), missing(3.5, 'kvm-a')])).toEqual([
      { way: ['kvm-a', null], outcome: 'unknown', cause: null, after: { 'kvm-a': 'absent' } },
    ]);
  });

  test('is believed where the destination tells only of a broken stream', () => {
    const broken = "operation failed: job 'migration in' failed: load of migration failed: Invalid argument";
    expect(told([...booted(), ...begins().slice(1), missing(7, 'kvm-a'), says(8, 'kvm-b', broken)])).toMatchObject([
      { outcome: 'failed', after: { 'kvm-a': 'absent' } },
    ]);
  });

  test('says nothing of a destination that has not got it yet', () => {
    const left = stops(9, 'kvm-a', 'migrated');
    expect(told([...booted(), missing(-1, 'kvm-b'), ...begins().toSpliced(1, 1), arrivesAt(10, 'kvm-b'), left])).toMatchObject([
      { way: ['kvm-a', 'kvm-b'], outcome: 'completed', after: { 'kvm-a': 'absent', 'kvm-b': 'running' } },
    ]);
  });
});

describe('statistics of an arrival where the VM had left', () => {
  test('are of another migration, after it', () => {
    expect(told([sample(2, {}), missing(3, 'kvm-a'), arrivesAt(20, 'kvm-a')])).toEqual([
      { way: ['kvm-a', null], outcome: 'unknown', cause: null, after: { 'kvm-a': 'running' } },
      { way: [null, 'kvm-a'], outcome: 'completed', cause: null, after: { 'kvm-a': 'running' } },
    ]);
  });

  test('are of the one before while it still leaves', () => {
    expect(told([sample(2, {}), arrivesAt(3, 'kvm-a'), sample(4, {})])).toMatchObject([
      { way: ['kvm-a', null], outcome: 'running', after: { 'kvm-a': 'running' } },
    ]);
  });
});

describe('a QEMU of the destination that ends', () => {
  const lost = 'internal error: End of file from qemu monitor';

  test('did not die without a word where its daemon quotes its words', () => {
    const quoted =
      'internal error: qemu unexpectedly closed the monitor: qemu-system-x86_64: load of migration failed: Invalid argument';
    expect(told([...booted(), ...begins(), says(8, 'kvm-b', lost), says(8, 'kvm-b', quoted)])).toMatchObject([
      { outcome: 'failed', cause: 'unknown' },
    ]);
  });

  test('did where it had none', () => {
    const silent = 'internal error: qemu unexpectedly closed the monitor';
    expect(told([...booted(), ...begins(), says(8, 'kvm-b', lost), says(8, 'kvm-b', silent)])).toMatchObject([
      { outcome: 'failed', cause: 'destination-died' },
    ]);
  });
});

describe('post-copy that only the client or QEMU speaks of', () => {
  test('left no guest on the source that is sure to run', () => {
    const text = "operation failed: job 'migration in' failed in post-copy phase";
    expect(told([...begins().slice(0, 1), ...fails(9, text).slice(1)])).toMatchObject([{ after: { 'kvm-a': 'unknown' } }]);
  });

  test('left the guest paused on the source', () => {
    const text = 'Detected IO failure for postcopy. Migration paused.';
    const paused = at(8, 'kvm-a', 'libvirt-qemu', { kind: 'qemu-message', vm: VM, level: 'error', text });
    expect(told([...booted(), ...begins().slice(1), paused, stops(9, 'kvm-b', 'crashed')])).toMatchObject([
      { outcome: 'failed', after: { 'kvm-a': 'paused', 'kvm-b': 'absent' } },
    ]);
  });
});

test('a VM that moved on to a host that nobody knows may be back where it began', () => {
  const asks = (seconds: number, host: string): readonly StoryEvent[] => [
    at(seconds, host, 'cloudstack-agent', {
      kind: 'migrate-requested',
      vm: VM,
      address: host === 'kvm-a' ? '10.0.0.2' : '10.0.0.1',
      transport: 'tcp',
      uuid: null,
      macs: [MAC],
      cpu: 'qemu64',
    }),
    at(seconds + 5, host, 'cloudstack-agent', { kind: 'migrate-succeeded', vm: VM }),
    at(seconds + 5, host, 'cloudstack-agent', { kind: 'migrate-thread-ended', vm: VM }),
  ];
  expect(told([...asks(0, 'kvm-a'), ...asks(20, 'kvm-b')]).at(-1)).toMatchObject({
    outcome: 'completed',
    after: { 'kvm-a': 'unknown', 'kvm-b': 'absent' },
  });
  expect(told([starts(-60, 'kvm-a'), ...asks(0, 'kvm-a')])).toMatchObject([{ after: { 'kvm-a': 'absent' } }]);
});

test('a port that was wanted in vain is not that of a migration which sends its memory already', () => {
  const refused = "internal error: Unable to find an unused port in range 'migration' (49210-49211)";
  const running = sample(2, { remainingBytes: 1 << 20 });
  expect(told([starts(0, 'kvm-b', { incoming: true }), running, says(3, 'kvm-b', refused)])).toMatchObject([
    { outcome: 'running', cause: null },
  ]);
  expect(told([starts(0, 'kvm-b', { incoming: true }), says(1, 'kvm-b', refused)])).toMatchObject([{ cause: 'no-free-port' }]);
});

describe('a cancel', () => {
  const text = "operation aborted: job 'migration out' canceled by client";

  test('is of an operator where the agent says nothing of it', () => {
    expect(told([...begins(), ...fails(9, text)])).toMatchObject([{ outcome: 'aborted', cause: 'aborted-by-operator' }]);
  });

  test('is of nobody known where no log of the agent was read', () => {
    expect(told([...begins().slice(1), says(9, 'kvm-a', text)])).toMatchObject([{ outcome: 'aborted', cause: 'unknown' }]);
  });
});

describe('one address in two clusters', () => {
  /** A VM asks from one host for an address; where `to` is named, that host starts a QEMU for it. */
  function moves(seconds: number, vm: string, [from, to]: readonly [string, string | null]): readonly StoryEvent[] {
    const asks = at(seconds, from, 'cloudstack-agent', {
      kind: 'migrate-requested',
      vm,
      address: '10.0.0.2',
      transport: 'tcp',
      uuid: null,
      macs: [],
      cpu: null,
    });
    const ends = at(seconds + 9, from, 'cloudstack-agent', { kind: 'migrate-thread-ended', vm });
    return [asks, ends, ...(to === null ? [] : [starts(seconds + 0.2, to, { vm, incoming: true })])];
  }

  function wayOf(vm: string, events: readonly StoryEvent[]): unknown {
    const migration = tell(events).migrations.find((one) => one.vm === vm);
    return [migration?.source, migration?.destination];
  }

  const both = [...moves(0, 'i-2-1-VM', ['kvm-a', 'kvm-b']), ...moves(0, 'i-2-2-VM', ['kvm-c', 'kvm-d'])];

  test('is the host that this source is known to send to', () => {
    expect(wayOf('i-2-3-VM', [...both, ...moves(60, 'i-2-3-VM', ['kvm-a', null])])).toEqual(['kvm-a', 'kvm-b']);
    expect(wayOf('i-2-3-VM', [...both, ...moves(60, 'i-2-3-VM', ['kvm-c', null])])).toEqual(['kvm-c', 'kvm-d']);
  });

  test('is no host for a source that was not seen to send there', () => {
    expect(wayOf('i-2-3-VM', [...both, ...moves(60, 'i-2-3-VM', ['kvm-e', null])])).toEqual(['kvm-e', null]);
  });
});

describe('a start whose command the rotation of the log cut', () => {
  const cut = (seconds: number): StoryEvent => starts(seconds, 'kvm-b', { incoming: null });

  test('may be of a migration: the VM is not said to run twice', () => {
    const events = [...booted(), ...begins().toSpliced(1, 1, cut(0.2)), ...fails(9, 'x').slice(1)];
    expect(told(events)).toMatchObject([{ outcome: 'failed', after: { 'kvm-a': 'running', 'kvm-b': 'unknown' } }]);
    expect(told([...booted(), ...begins(), ...fails(9, 'x'), cut(60)])).toMatchObject([
      { after: { 'kvm-a': 'running', 'kvm-b': 'unknown' } },
    ]);
  });

  test('is of the migration that arrived there', () => {
    expect(told([...booted(), ...begins().toSpliced(1, 1, cut(0.2)), ...completes(9, 40)])).toMatchObject([
      { outcome: 'completed', after: { 'kvm-a': 'absent', 'kvm-b': 'running' } },
    ]);
  });
});

describe('an agent that waits when its log begins', () => {
  test('says for how long the migration ran then', () => {
    const waits = (seconds: number): StoryEvent =>
      at(seconds, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-progress', vm: VM, waitedMs: (seconds + 26) * 1000 });
    const [migration] = tell([waits(0), waits(1), ...fails(2, 'x').slice(-1)]).migrations;
    expect((migration?.lastSeenAt ?? 0) - (migration?.startedAt ?? 0)).toBe(28_000);
  });
});

describe("the source's daemon alone says how a migration ended", () => {
  const initiates = at(0, 'kvm-a', 'libvirt-qemu', { kind: 'migrate-initiated', vm: VM, resumed: false });
  const failed = (seconds: number): StoryEvent =>
    says(seconds, 'kvm-a', "operation failed: job 'migration out' unexpectedly failed");
  const other = (seconds: number): StoryEvent =>
    at(seconds, 'kvm-a', 'libvirt-qemu', { kind: 'migrate-initiated', vm: 'i-2-11-VM', resumed: false });

  test('minutes after its last other sign, with the cause beside it', () => {
    const cut = says(599.9, 'kvm-a', 'internal error: connection closed due to keepalive timeout');
    expect(told([initiates, cut, failed(600)])).toMatchObject([{ outcome: 'failed', cause: 'network-interrupted' }]);
  });

  test('of one that still runs, where another has ended', () => {
    const ended = at(300, 'kvm-a', 'libvirt-qemu', { kind: 'domain-stopped', vm: 'i-2-11-VM', reason: 'migrated' });
    expect(told([initiates, other(1), ended, failed(600)]).map((one) => (one as { outcome: string }).outcome)).toEqual([
      'failed',
      'completed',
    ]);
  });

  test('and another of its errors does not', () => {
    const disk = says(5, 'kvm-a', "Cannot access storage file '/mnt/x' (as uid:107, gid:107): No such file or directory");
    expect(told([initiates, disk])).toMatchObject([{ outcome: 'running' }]);
  });

  test('of one of two, and nothing says which', () => {
    expect(told([initiates, other(1), failed(600)])).toMatchObject([{ outcome: 'unknown' }, { outcome: 'unknown' }]);
  });

  test("and not why, where another VM's call waited for its lock", () => {
    const waits = at(598, 'kvm-a', 'libvirtd', {
      kind: 'daemon-message',
      level: 'warning',
      vm: 'i-2-77-VM',
      text: 'Cannot start job (modify, none) for domain i-2-77-VM; current job is (query, none) owned by (32741, 0)',
    });
    const over = says(598.001, 'kvm-a', 'Timed out during operation: cannot acquire state change lock');
    expect(told([initiates, waits, over, failed(600)])).toMatchObject([{ outcome: 'failed', cause: 'unknown' }]);
    expect(told([initiates, over, failed(600)])).toMatchObject([{ outcome: 'failed', cause: 'lock-timeout' }]);
  });
});

describe('a VM that came in a migration whose source has no agent.log', () => {
  const arrives = [
    starts(0, 'kvm-b', { incoming: true }),
    at(1, 'kvm-a', 'libvirt-qemu', { kind: 'migrate-initiated', vm: VM, resumed: false }),
    stops(5, 'kvm-a', 'migrated'),
  ];
  const from = (seconds: number, host: string): StoryEvent =>
    at(seconds, host, 'cloudstack-agent', {
      kind: 'migrate-error',
      vm: VM,
      text: "unable to connect to server at 'x:1': Connection refused",
    });

  test('and could not be migrated on, came there all the same', () => {
    expect(told([...arrives, from(300, 'kvm-b')])).toMatchObject([
      { way: ['kvm-a', 'kvm-b'], outcome: 'completed' },
      { way: ['kvm-b', 'kvm-a'], outcome: 'failed', cause: 'connection-refused' },
    ]);
  });
});

test("an error of the destination's daemon is of something else, where the QEMU that it started goes on", () => {
  const disk = says(5, 'kvm-b', "Cannot access storage file '/mnt/x' (as uid:107, gid:107): No such file or directory");
  expect(told([starts(0, 'kvm-b', { incoming: true }), disk])).toMatchObject([{ outcome: 'running' }]);
  expect(told([starts(0, 'kvm-b', { incoming: true }), disk, stops(5.2, 'kvm-b', 'failed')])).toMatchObject([
    { outcome: 'failed', cause: 'storage-unavailable' },
  ]);
});

test('a disk that the destination has not got is a storage that it cannot use', () => {
  const text =
    'internal error: Process exited prior to exec: libvirt: QEMU Driver error : Unable to stat /var/lib/libvirt/images/a: No such file or directory';
  const error = at(2, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-error', vm: VM, text });
  expect(told([...begins().slice(0, 1), error])).toMatchObject([{ outcome: 'failed', cause: 'storage-unavailable' }]);
});

describe("with the destination's logs alone, a VM had arrived", () => {
  const waits = starts(0, 'kvm-b', { incoming: true });
  const leaves = at(40, 'kvm-b', 'libvirt-qemu', { kind: 'migrate-initiated', vm: VM, resumed: false });

  test('where it migrates on from there', () => {
    expect(told([waits, leaves, stops(44, 'kvm-b', 'migrated')])).toMatchObject([
      { way: [null, 'kvm-b'], outcome: 'completed' },
      { way: ['kvm-b', null], outcome: 'completed' },
    ]);
  });

  test('where its guest shuts down there', () => {
    expect(told([waits, stops(44, 'kvm-b', 'shutdown')])).toMatchObject([{ way: [null, 'kvm-b'], outcome: 'completed' }]);
  });

  test('at a moment that nobody saw, so that silence of the network then means nothing', () => {
    const port = (seconds: number, name: string): StoryEvent =>
      at(seconds, 'switch', 'bridge-fdb', { kind: 'forwarding-changed', mac: MAC, port: name, deleted: false });
    const { migrations } = tell([port(-6, 'upa'), waits, port(7, 'upb'), leaves, stops(44, 'kvm-b', 'migrated')]);
    expect(migrations[0]?.announcement.state).toBe('unobserved');
  });

  test('but not where its QEMU is only seen to wait, or is destroyed', () => {
    expect(told([waits])).toMatchObject([{ outcome: 'running' }]);
    expect(told([waits, stops(44, 'kvm-b', 'destroyed')])).toMatchObject([{ outcome: 'running' }]);
  });
});
