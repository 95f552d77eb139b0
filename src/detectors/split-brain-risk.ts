import { z } from 'zod';
import { shell } from '../lib/shell.ts';
import { clockTime, duration } from '../lib/units.ts';
import type { Event, ForwardingChanged } from '../model/event.ts';
import type { Migration } from '../model/timeline.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import { recovery } from './cause-remedies.ts';
import { defineDetector } from './detector.ts';
import { agentAnew, secondStart, type Second } from './second-start.ts';
import {
  at,
  begins,
  booted,
  breaksInPostcopy,
  completes,
  fails,
  sample,
  starts,
  stops,
  MAC,
  VM,
  type StoryEvent,
} from './story.ts';
import { proof, verdict, whereCheck } from './verdict.ts';
import { destinationOf, sourceOf, whereNow } from './words.ts';

const limits = z.strictObject({
  overlapMs: z.int().min(0).default(10_000).describe('overlap of the two that clocks may feign, ms'),
  withinMs: z.int().min(0).default(3_600_000).describe('time after the migration in which a second start is tied to it, ms'),
});

/** Post-copy broke, and both hosts hold a part of the VM. That the source's QEMU did not end only its own log tells. */
function isTorn({ outcome, postcopyAt, source, destination, after, unobserved }: Migration): boolean {
  if (unobserved.includes(`QEMU log of ${source ?? ''}`)) return false;
  const state = (host: string | null): string | undefined => after.find((other) => other.host === host)?.state;
  return outcome === 'failed' && postcopyAt !== null && state(source) === 'paused' && state(destination) === 'running';
}

/** Times that a bridge learned the VM's address on another port than before, from the second start on. */
function flapping({ announcement }: Migration, from: number): readonly Event<ForwardingChanged>[] {
  const learned = announcement.evidence.filter(
    (event): event is Event<ForwardingChanged> =>
      event.body.kind === 'forwarding-changed' && !event.body.deleted && event.at >= from,
  );
  const perBridge = (event: Event<ForwardingChanged>): string => `${event.origin.file.host} ${event.body.mac}`;
  return learned.filter((event, i) => {
    const before = learned.slice(0, i).findLast((other) => perBridge(other) === perBridge(event));
    return before !== undefined && before.body.port !== event.body.port;
  });
}

function flappingWords(moves: readonly Event<ForwardingChanged>[]): string {
  const ports = [...new Set(moves.map(({ body }) => body.port))].toSorted();
  // one move is a VM that went elsewhere; two and more are two senders
  return moves.length < 2
    ? ''
    : ` The network moved its address between the ports ${ports.join(' and ')} ${moves.length} times: both send.`;
}

function concludeSecond(migration: Migration, second: Second): Conclusion {
  const { vm, startedAt } = migration;
  const { started, first, until } = second;
  const host = started.origin.file.host;
  const moves = flapping(migration, started.at);
  const since = duration(Math.max(0, started.at - startedAt));
  const now =
    until === null
      ? `${vm} runs on ${[first, host].toSorted().join(' and ')} at the same time.`
      : `${vm}: ${whereNow(migration)} For ${duration(until - started.at)} it ran on ${first} and ${host} at the same time.`;
  const how =
    second.certainty === 'seen'
      ? `and its QEMU on ${first} was still alive after that`
      : until === null
        ? `and nothing ended its QEMU on ${first}`
        : `and nothing had ended its QEMU on ${first} by then`;
  return {
    ...verdict(migration),
    summary: `${now} It was started anew on ${host} ${since} after the migration began, ${how}.${flappingWords(moves)}`,
    severity: 'critical',
    confidence: second.certainty,
    from: started.at,
    to: until,
    evidence: proof(
      migration,
      [started],
      second.life.slice(0, 1),
      moves.slice(0, 2),
      migration.cause?.evidence.slice(0, 1) ?? [],
    ),
    remedies: remediesFor(migration, second),
    discriminator: '',
  };
}

/** The first host may have gone down: then its agent was started with it, and its QEMU's log ends without a word. */
function concludeDoubtful(migration: Migration, { started, first }: Second, anew: Event): Conclusion {
  const { vm } = migration;
  const host = started.origin.file.host;
  return {
    ...verdict(migration),
    summary: `${vm} may run on ${[first, host].toSorted().join(' and ')} at the same time: it was started anew on ${host} at ${clockTime(started.at)} UTC, and nothing ended its QEMU on ${first}. Nothing here tells whether ${first} had gone down; its agent was started anew at ${clockTime(anew.at)} UTC.`,
    severity: 'warning',
    confidence: 'follows',
    from: started.at,
    to: null,
    evidence: proof(migration, [started, anew]),
    remedies: [
      {
        what: `on ${first}: since when it runs; after ${clockTime(started.at)} UTC, all is well`,
        command: shell`ssh ${first} uptime -s`,
      },
      whereCheck(migration),
    ],
    discriminator: '',
  };
}

function remediesFor(migration: Migration, { first, started, until }: Second): readonly Remedy[] {
  const { vm } = migration;
  const host = started.origin.file.host;
  const disks: readonly Remedy[] = [
    { what: 'the disks that both wrote to', command: shell`virsh -c qemu+ssh://${host}/system domblklist ${vm} --details` },
    {
      what: 'check each of them only after it is stopped on both hosts; this reads only, and fails on a disk in use',
      command: 'qemu-img check PATH-OF-THE-DISK',
    },
  ];
  if (until !== null) return [whereCheck(migration), ...disks];
  return [
    {
      what: `stop the damage without deciding yet: pauses the newer one on ${host}, "virsh resume" undoes it`,
      command: shell`virsh -c qemu+ssh://${host}/system suspend ${vm}`,
    },
    whereCheck(migration),
    {
      what: `decide first, then destroy one: ${first} has the guest as it was before, ${host} the one started anew. "virsh destroy" on the wrong host throws away what the guest did there; nothing brings it back`,
      command: shell`virsh -c qemu+ssh://HOST-TO-GIVE-UP/system destroy ${vm}`,
    },
    ...disks,
  ];
}

function concludeTorn(migration: Migration): Conclusion {
  const [source, destination] = [sourceOf(migration), destinationOf(migration)];
  const states = migration.after.filter(({ state }) => state === 'paused' || state === 'running');
  const summary = `${migration.vm} runs on ${destination} and is paused on ${source}; each host holds a part of its memory. Post-copy broke, so neither is whole: starting it once more, or resuming it on ${source}, makes two of it.`;
  const keep = {
    what: `do not resume, start or destroy it on either host before the link is back; see how it is now`,
    command: whereCheck(migration).command,
  };
  return {
    ...verdict(migration),
    summary,
    severity: 'critical',
    confidence: states.every(({ certainty }) => certainty === 'seen') ? 'seen' : 'follows',
    from: migration.postcopyAt ?? migration.startedAt,
    to: null,
    evidence: proof(
      migration,
      states.flatMap((state) => state.evidence),
      migration.postcopyEvidence.slice(0, 1),
    ),
    remedies: [keep, ...recovery(migration)],
  };
}

const cut = [
  ...booted(),
  ...begins(),
  at(36, 'kvm-b', 'libvirtd', {
    kind: 'daemon-message',
    level: 'error',
    vm: null,
    text: 'internal error: connection closed due to keepalive timeout',
  }),
  stops(37, 'kvm-b', 'destroyed'),
] satisfies readonly StoryEvent[];
const noticed = fails(85, "operation failed: job 'migration out' failed: Unable to write to socket: Broken pipe").slice(1);

/** The bridge learns the VM's address on this port. */
function learns(seconds: number, port: string): StoryEvent {
  return at(seconds, 'switch', 'bridge-fdb', { kind: 'forwarding-changed', mac: MAC, port, deleted: false });
}

/** The host still writes logs. */
function heardOf(seconds: number, host: string): StoryEvent {
  return at(seconds, host, 'cloudstack-agent', { kind: 'connection-lost', to: 'management-server' });
}

function resets(seconds: number, host: string): StoryEvent {
  return at(seconds, host, 'cloudstack-agent', { kind: 'host-resetting', pool: null, reason: 'timeout' });
}

function agentStarts(seconds: number, host: string): StoryEvent {
  return at(seconds, host, 'cloudstack-agent', { kind: 'agent-ended', reason: null });
}

const arrived = [...booted(), ...begins(), ...completes(10, 40)];

/** A VM, or a part of it, is on two hosts. */
export const splitBrainRisk = defineDetector({
  id: 'split-brain-risk',
  title: 'VM on two hosts',
  severity: 'critical',
  subject: 'migration',
  limits,
  detect(migration, settings) {
    // the one that broke tells of it
    if (isTorn(migration)) return migration.takesUp ? [] : [concludeTorn(migration)];
    const second = secondStart(migration, settings);
    if (second === null) return [];
    // the network knows of two senders
    const anew = flapping(migration, second.started.at).length < 2 ? agentAnew(migration, second) : null;
    return [anew === null ? concludeSecond(migration, second) : concludeDoubtful(migration, second, anew)];
  },
  fires: [
    {
      name: 'HA starts the VM anew while a cut-off source still runs it, and both send',
      events: [
        ...cut,
        sample(50, { remainingBytes: 400e6 }),
        starts(56, 'kvm-b'),
        learns(58, 'upb'),
        learns(76, 'upa'),
        sample(77, { remainingBytes: 400e6 }),
        learns(78, 'upb'),
        learns(81, 'upa'),
        ...noticed,
      ],
      finds:
        /^i-2-10-VM runs on kvm-a and kvm-b at the same time\. It was started anew on kvm-b 56 s after the migration began, and its QEMU on kvm-a was still alive after that\. The network moved its address between the ports upa and upb 3 times: both send\.$/,
      severity: 'critical',
    },
    {
      name: 'it ran twice until one was destroyed',
      events: [...cut, starts(56, 'kvm-b'), ...noticed, stops(200, 'kvm-a', 'destroyed')],
      finds: /^i-2-10-VM: It runs on kvm-b \(seen: .*\)\. For 2 min 24 s it ran on kvm-a and kvm-b at the same time\./,
      severity: 'critical',
    },
    {
      name: 'the VM is started anew on the old source after it moved away',
      events: [
        ...booted(),
        ...begins(),
        ...completes(10, 40),
        at(10.2, 'kvm-b', 'libvirt-qemu', {
          kind: 'qemu-message',
          vm: VM,
          level: 'warning',
          text: 'guest agent is not connected',
        }),
        starts(60, 'kvm-a'),
        heardOf(75, 'kvm-b'),
      ],
      finds:
        /^i-2-10-VM runs on kvm-a and kvm-b at the same time\. It was started anew on kvm-a 1 min after the migration began, and nothing ended its QEMU on kvm-b\.$/,
      severity: 'critical',
    },
    {
      name: 'HA starts the VM anew four minutes before its hung host resets itself',
      events: [...arrived, starts(60, 'kvm-a'), resets(300, 'kvm-b')],
      finds:
        /^i-2-10-VM: It runs on kvm-a \(seen: .*\)\. For 4 min it ran on kvm-b and kvm-a at the same time\. .*, and nothing had ended its QEMU on kvm-b by then\.$/,
      severity: 'critical',
    },
    {
      name: 'HA starts the VM anew; the agent of the first host is started anew later, with the host or alone',
      events: [...arrived, starts(60, 'kvm-a'), agentStarts(400, 'kvm-b'), heardOf(500, 'kvm-b')],
      finds:
        /^i-2-10-VM may run on kvm-a and kvm-b at the same time: it was started anew on kvm-a at 00:01:00 UTC, .* whether kvm-b had gone down; its agent was started anew at 00:06:40 UTC\.$/,
      severity: 'warning',
    },
    {
      name: 'post-copy broke: each host holds a part',
      events: [
        ...booted(),
        ...begins(),
        sample(10, { status: 'postcopy-active' }),
        breaksInPostcopy(44),
        ...fails(44.1, 'internal error: connection closed due to keepalive timeout').slice(1),
      ],
      finds: /^i-2-10-VM runs on kvm-b and is paused on kvm-a; each host holds a part of its memory\./,
      severity: 'critical',
    },
  ],
  silent: [
    { name: 'the network is cut and nobody starts the VM anew', events: [...cut, ...noticed] },
    {
      name: 'the source was stopped before the VM is started elsewhere',
      events: [...cut, stops(50, 'kvm-a', 'destroyed'), starts(56, 'kvm-b'), ...noticed],
    },
    {
      name: 'the source stops within what clocks may differ',
      events: [...cut, starts(56, 'kvm-b'), stops(62, 'kvm-a', 'destroyed'), ...noticed],
    },
    {
      name: 'the second start fails at once, because the disk is locked',
      events: [...cut, starts(56, 'kvm-b'), stops(57, 'kvm-b', 'failed'), ...noticed],
    },
    {
      name: 'the VM is stopped on its new host and started on the old one',
      events: [...booted(), ...begins(), ...completes(10, 40), stops(40, 'kvm-b', 'shutdown'), starts(60, 'kvm-a')],
    },
    {
      name: 'its new host resets itself for its storage, and HA starts it on the old one',
      events: [...arrived, resets(300, 'kvm-b'), starts(370, 'kvm-a'), heardOf(900, 'kvm-b')],
    },
    {
      name: 'its new host loses power and comes back after HA has started it on the old one',
      events: [
        ...arrived,
        starts(370, 'kvm-a'),
        at(900, 'kvm-b', 'journal', { kind: 'host-booted', kernel: '6.1.0-41-amd64' }),
        heardOf(960, 'kvm-b'),
      ],
    },
    {
      name: 'nothing is heard of its new host any more when HA starts it on the old one',
      events: [...arrived, heardOf(200, 'kvm-b'), starts(370, 'kvm-a'), heardOf(400, 'kvm-a')],
    },
    { name: 'a healthy migration: both QEMUs live for its duration', events: [...booted(), ...begins(), ...completes(90, 40)] },
    {
      name: 'post-copy under way: a part on each host is how it works',
      events: [...booted(), ...begins(), sample(10, { status: 'postcopy-active' })],
    },
    {
      name: "without the source's QEMU log nothing says that it still lived",
      events: [
        ...cut.slice(1).filter(({ host, source }) => host !== 'kvm-a' || source !== 'libvirt-qemu'),
        starts(56, 'kvm-b'),
        ...noticed,
      ],
    },
    {
      name: "post-copy broke, and whether the source's QEMU lived on is in no log",
      events: [
        ...begins().filter(({ host, source }) => host !== 'kvm-a' || source !== 'libvirt-qemu'),
        sample(10, { status: 'postcopy-active' }),
        ...fails(44.1, "operation failed: job 'migration out' failed in post-copy phase").slice(1),
      ],
    },
    {
      name: 'another VM of the same name on the destination',
      events: [starts(-60, 'kvm-a', { uuid: 'a' }), ...begins(), starts(56, 'kvm-b', { uuid: 'b' }), ...noticed],
    },
    { name: 'the VM is started elsewhere the next day', events: [...cut, ...noticed, starts(86_400, 'kvm-b')] },
  ],
});
