import { z } from 'zod';
import type { Conclusion, Remedy, Severity } from '../model/finding.ts';
import type { HostState, Migration } from '../model/timeline.ts';
import { hostOf } from '../timeline/of-kind.ts';
import { causeRemedies, whyOf } from './cause-remedies.ts';
import { defineDetector } from './detector.ts';
import { at, begins, booted, breaksInPostcopy, completes, fails, sample, stops, VM, type StoryEvent } from './story.ts';
import { afterTime, endedLater, journey, proof, quoted, verdict, whereCheck } from './verdict.ts';
import { destinationOf, movedAway, whereNow } from './words.ts';

/** CloudStack counts its own time limit as a failure, though libvirt calls it an abort. */
function isFailure({ outcome, cause }: Migration): boolean {
  return outcome === 'failed' || cause?.kind === 'timed-out';
}

/** Worse than a migration to try again: nobody knows of a host on which the VM runs, or a part of it stands still somewhere. */
function severityOf(migration: Migration): Severity {
  if (migration.after.some((host) => host.state === 'paused' && !waitsForMemory(host))) return 'critical';
  const runs = migration.after.some(({ state }) => state === 'running');
  if (runs || endedLater(migration) || movedAway(migration.after) !== null) return 'warning';
  // without the source's logs, that they do not show the VM means nothing
  return wasShutDown(migration) || migration.source === null ? 'warning' : 'critical';
}

/** A QEMU that a later migration, which runs now, was started for. */
function waitsForMemory({ evidence }: HostState): boolean {
  return evidence.some(({ body }) => body.kind === 'domain-started' && body.incoming === true);
}

/** Its guest was shut down meanwhile: that it runs nowhere is what somebody wanted. */
function wasShutDown({ cause }: Migration): boolean {
  return cause?.evidence.some(({ body }) => body.kind === 'domain-stopped' && body.reason === 'shutdown') === true;
}

function reason(migration: Migration): string {
  const { cause } = migration;
  if (cause === null || cause.certainty === 'unobserved') return 'no log says why';
  const isQuote = cause.evidence.some(
    ({ body }) =>
      ('text' in body && body.text.includes(cause.text)) ||
      ('errorText' in body && body.errorText?.includes(cause.text) === true),
  );
  if (!isQuote) return cause.kind === 'network-interrupted' ? `${whyOf(migration)}; ${cause.text}` : cause.text;
  return cause.kind === 'unknown' ? quoted(cause.text) : `${whyOf(migration)} (${quoted(cause.text)})`;
}

function remediesFor(migration: Migration, severity: Severity): readonly Remedy[] {
  return severity === 'critical'
    ? [whereCheck(migration), ...causeRemedies(migration).filter(({ command }) => command !== whereCheck(migration).command)]
    : causeRemedies(migration);
}

/** All that is known is that the destination's QEMU crashed: it may have had the VM by then. */
function isArguable({ cause, events, destination, source }: Migration): boolean {
  if (cause?.certainty !== 'unobserved' || events.some((event) => source !== null && hostOf(event) === source)) return false;
  return events.some((event) => {
    const { body } = event;
    return body.kind === 'domain-stopped' && body.reason === 'crashed' && hostOf(event) === destination;
  });
}

function what(migration: Migration): string {
  if (isArguable(migration))
    return `The QEMU of ${migration.vm} on ${destinationOf(migration)} crashed ${afterTime(migration)}: the migration failed, or the VM had arrived and crashed then; only the source's logs tell which.`;
  return `Migration of ${journey(migration)} failed ${afterTime(migration)}: ${reason(migration)}.`;
}

function conclude(migration: Migration): Conclusion {
  const severity = severityOf(migration);
  return {
    ...verdict(migration),
    summary: `${what(migration)} ${whereNow(migration)}`,
    severity,
    evidence: proof(migration),
    remedies: remediesFor(migration, severity),
  };
}

const refused = "unable to connect to server at '10.0.0.2:16509': Connection refused";

function lostClient(seconds: number, host: string): StoryEvent {
  return at(seconds, host, 'libvirtd', {
    kind: 'daemon-message',
    level: 'error',
    vm: null,
    text: 'End of file while reading data: Input/output error',
  });
}

/** A migration did not bring its VM to the destination. */
export const migrationFailed = defineDetector({
  id: 'migration-failed',
  title: 'Migration failed',
  severity: 'warning',
  subject: 'migration',
  limits: z.strictObject({}),
  detect: (migration) => (isFailure(migration) ? [conclude(migration)] : []),
  fires: [
    {
      name: 'the destination refuses the connection, and the VM stays on the source',
      events: [
        ...booted(),
        ...begins().slice(0, 1),
        at(0.1, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-thread-ended', vm: VM }),
        at(0.1, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-error', vm: VM, text: refused }),
      ],
      finds:
        /^Migration of i-2-10-VM from kvm-a to 10\.0\.0\.2 failed after 100 ms: 10\.0\.0\.2 refused the connection \("unable to connect .* refused"\)\. It runs on kvm-a/,
      severity: 'warning',
    },
    {
      name: 'while it is tried again: that the next QEMU waits for its memory is no part of the guest that stands still',
      events: [
        ...booted(),
        ...begins(),
        ...fails(4, refused),
        ...begins().map((one) => ({ ...one, seconds: one.seconds + 20 })),
        sample(25, { remainingBytes: 500e6, elapsedMs: 5000 }),
      ],
      finds: /failed after 4 s: .* It runs on kvm-a and is paused on kvm-b/,
      severity: 'warning',
    },
    {
      name: 'a text that means nothing known is quoted',
      events: [...booted(), ...begins(), ...fails(4, "Cannot get interface MTU on 'brvm-117': No such device")],
      finds: /failed after 4 s: "Cannot get interface MTU on 'brvm-117': No such device"\./,
      severity: 'warning',
    },
    {
      name: 'the agent trips over its own clean-up after the VM has moved',
      events: [
        ...booted(),
        ...begins(),
        ...completes(10, 40).slice(0, 2),
        at(10.1, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-error', vm: VM, text: 'Secret not found: no secret' }),
      ],
      finds: /failed after 10 s: "Secret not found: no secret"\. It runs on kvm-b \(follows: all of it had left the source/,
      severity: 'warning',
    },
    {
      name: 'CloudStack cancels it at its time limit',
      events: [
        ...booted(),
        ...begins(),
        at(25, 'kvm-a', 'cloudstack-agent', {
          kind: 'abort-requested',
          vm: VM,
          reason: 'time-limit',
          afterSeconds: 25,
          remainingBytes: null,
          totalBytes: null,
          processedBytes: null,
        }),
        ...fails(25.2, "operation aborted: job 'migration out' canceled by client"),
      ],
      finds: /failed after 25 s: CloudStack cancelled it after 25 s \(vm\.migrate\.wait\)\. It runs on kvm-a/,
      severity: 'warning',
    },
    {
      name: 'the QEMU of the source is lost: the VM runs nowhere',
      events: [...booted(), ...begins(), stops(5, 'kvm-a', 'crashed'), ...fails(5.2, 'operation failed: domain is not running')],
      finds: /It runs on none of these hosts: its QEMU ended on kvm-a \(crashed\) and kvm-b \(failed\)\.$/,
      severity: 'critical',
    },
    {
      name: 'it is tried again and goes to a host without logs',
      events: [
        ...begins().slice(0, 1),
        at(1, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-error', vm: VM, text: refused }),
        ...begins()
          .slice(0, 1)
          .map((event) => ({ ...event, seconds: 60 })),
        at(70, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-succeeded', vm: VM }),
      ],
      finds: /10\.0\.0\.2 refused the connection \(.*\)\. It moved away from kvm-a to 10\.0\.0\.2\.$/,
      severity: 'warning',
    },
    {
      name: 'the QEMU of the source says something as it ends',
      events: [
        ...booted(),
        ...begins(),
        at(4.9, 'kvm-a', 'libvirt-qemu', {
          kind: 'qemu-message',
          vm: VM,
          level: 'error',
          text: "../block.c:6979: int bdrv_inactivate_recurse(BlockDriverState *): Assertion `!(bs->open_flags)' failed.",
        }),
        stops(5, 'kvm-a', 'crashed'),
        ...fails(5.2, 'operation failed: domain is not running'),
      ],
      finds: /: QEMU on the source ended: \.\.\/block\.c:6979: .* Assertion `!\(bs->open_flags\)' failed\. It runs on none/,
      severity: 'critical',
    },
    {
      name: 'its host resets itself for its storage, and the VM with it',
      events: [
        ...booted(),
        ...begins(),
        at(20, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-progress', vm: VM, waitedMs: 20_000 }),
        at(21, 'kvm-a', 'cloudstack-agent', { kind: 'host-resetting', pool: null, reason: 'timeout' }),
        stops(52, 'kvm-b', 'destroyed'),
      ],
      finds:
        /failed after 52 s: the source reset itself: it could not write its storage heartbeat\. It runs on none of these hosts: its QEMU ended on kvm-a \(the host reset itself\) and kvm-b \(destroyed\)\.$/,
      severity: 'critical',
    },
    {
      name: 'the agent that drives it is stopped: no QEMU died, and nobody destroyed the VM',
      events: [
        ...booted(),
        ...begins(),
        at(20, 'kvm-a', 'cloudstack-agent', { kind: 'agent-ended', reason: 'sig.kill' }),
        stops(20.4, 'kvm-b', 'destroyed'),
        at(20.6, 'kvm-a', 'libvirtd', {
          kind: 'daemon-message',
          level: 'error',
          vm: null,
          text: 'operation failed: migration out job: Unable to write to socket: Connection reset by peer',
        }),
        at(26, 'kvm-a', 'cloudstack-agent', { kind: 'agent-ended', reason: null }),
      ],
      finds: /: CloudStack's agent on the source was stopped \(sig\.kill\) meanwhile\. It runs on kvm-a/,
      severity: 'warning',
    },
    {
      name: 'a disk that migrates with its VM finds no room',
      events: [
        ...booted(),
        ...begins(),
        ...fails(8, 'operation failed: migration of disk vda failed: No space left on device', 'failed'),
      ],
      finds: /: a disk of the VM could not be copied to kvm-b \("migration of disk vda failed: No space left on device"\)\./,
      severity: 'warning',
    },
    {
      name: "the source's own libvirtd does not answer: no network is between it and its client",
      events: [
        ...booted(),
        ...begins(),
        ...fails(
          42,
          'Disconnected from qemu:///system due to keepalive timeout\ninternal error: connection closed due to keepalive timeout',
        ),
      ],
      finds: /: libvirt's daemon on the source did not answer a client on its own host for 30 s \(keepalive\): it hung\./,
      severity: 'warning',
    },
    {
      name: "the destination's libvirtd is restarted, and its log shows it",
      events: [
        at(-60, 'kvm-b', 'libvirtd', { kind: 'daemon-started', libvirtVersion: '9.0.0' }),
        ...booted(),
        ...begins(),
        ...fails(6, "operation failed: job 'migration out' failed: Unable to write to socket: Bad file descriptor", 'destroyed'),
        at(8, 'kvm-b', 'libvirtd', { kind: 'daemon-started', libvirtVersion: '9.0.0' }),
      ],
      finds: /: libvirt's daemon on kvm-b was restarted meanwhile\. It runs on kvm-a/,
      severity: 'warning',
    },
    {
      name: 'the agent is killed, and its log has not been written since',
      events: [
        ...booted(),
        ...begins(),
        lostClient(20, 'kvm-b'),
        lostClient(20.1, 'kvm-a'),
        at(20.1, 'kvm-a', 'libvirtd', {
          kind: 'daemon-message',
          level: 'error',
          vm: null,
          text: "operation failed: job 'migration out' failed: Unable to write to socket: Bad file descriptor",
        }),
        stops(22, 'kvm-b', 'destroyed'),
      ],
      finds: /: the client that drove it, CloudStack's agent on the source, went away: .* It runs on kvm-a/,
      severity: 'warning',
    },
    {
      name: 'somebody shuts the guest down meanwhile: no alarm for that',
      events: [...booted(), ...begins(), stops(5, 'kvm-a', 'shutdown'), ...fails(5.2, 'operation failed: domain is not running')],
      finds: /failed after 5\.2 s: the guest was shut down while it was being migrated\. It runs on none of these hosts/,
      severity: 'warning',
    },
    {
      name: 'the VM is not where CloudStack takes it to be',
      events: [
        at(0, 'kvm-a', 'cloudstack-agent', {
          kind: 'migrate-error',
          vm: VM,
          text: `Domain not found: no domain with matching name '${VM}'`,
        }),
      ],
      finds: /failed at once: "Domain not found: .*"\. Where it runs now is not in these logs\.$/,
      severity: 'critical',
    },
    {
      name: 'a libvirtd is restarted, and the destination ends its QEMU for want of a client',
      events: [...booted(), ...begins(), ...fails(9.3, 'End of file while reading data: Input/output error', 'destroyed')],
      finds: /: a libvirtd ended, was restarted or hung, or its connection broke/,
      severity: 'warning',
    },
    {
      name: 'post-copy broke: the VM is paused on the source',
      events: [
        ...booted(),
        ...begins(),
        sample(4, { status: 'postcopy-active', remainingBytes: 500e6 }),
        breaksInPostcopy(9),
        ...fails(9.1, "operation failed: job 'migration out' failed in post-copy phase", 'crashed'),
      ],
      finds: /It is paused on kvm-a \(seen: /,
      severity: 'critical',
    },
    {
      name: 'post-copy broke: a part of the VM is paused on the source',
      events: [
        ...booted(),
        ...begins(),
        sample(4, { status: 'postcopy-active' }),
        ...fails(9.1, "operation failed: job 'migration out' failed in post-copy phase").slice(1),
      ],
      finds: /It runs on kvm-b and is paused on kvm-a/,
      severity: 'critical',
    },
    {
      name: "only the destination's logs are there: nothing says that the VM does not run",
      events: [...begins().slice(1, 2), ...fails(1, 'Cannot access storage file').slice(0, 1)],
      finds: /failed after 700 ms: no log says why\. Where it runs now is not in these logs\.$/,
      severity: 'warning',
    },
    {
      name: "the destination's QEMU crashes, and only its log is there: whether the VM had arrived, the source's would tell",
      events: [...begins().slice(1, 2), stops(11, 'kvm-b', 'crashed')],
      finds:
        /^The QEMU of i-2-10-VM on kvm-b crashed after 10\.8 s: the migration failed, or the VM had arrived and crashed then/,
      severity: 'warning',
    },
    {
      name: 'somebody shut the VM down an hour after a failed migration: no alarm for that',
      events: [...booted(), ...begins(), ...fails(5, refused), stops(3600, 'kvm-a', 'shutdown')],
      finds: /^Migration of .* failed after 5 s/,
      severity: 'warning',
    },
    {
      name: 'the VM lived on for an hour after a failed migration, and crashed then: that is no matter of the migration',
      events: [...booted(), ...begins(), ...fails(5, refused), stops(3600, 'kvm-a', 'crashed')],
      finds: /failed after 5 s: .* It runs on none of these hosts: its QEMU ended on kvm-a \(crashed\) and kvm-b/,
      severity: 'warning',
    },
    {
      name: 'the host of the source went down an hour after a failed migration',
      events: [
        ...booted(),
        ...begins(),
        ...fails(5, refused),
        at(3600, 'kvm-a', 'journal', { kind: 'host-booted', kernel: '6.1.0-37-amd64' }),
      ],
      finds: /failed after 5 s: .* It runs on none of these hosts: its QEMU ended on kvm-a \(the host was started anew\)/,
      severity: 'warning',
    },
    {
      name: 'the QEMU of the source crashes seconds after the migration failed',
      events: [...booted(), ...begins(), ...fails(5, refused), stops(12, 'kvm-a', 'crashed')],
      finds: /failed after 5 s: .* It runs on none of these hosts: its QEMU ended on kvm-a \(crashed\) and kvm-b/,
      severity: 'critical',
    },
  ],
  silent: [
    {
      name: "only the destination's logs are there, and the VM was stopped minutes later: it may have arrived",
      events: [...begins().slice(1, 2), stops(400, 'kvm-b', 'destroyed')],
    },
    { name: 'a migration that completes', events: [...booted(), ...begins(), ...completes(10, 40)] },
    {
      name: 'an operator cancels it',
      events: [...booted(), ...begins(), ...fails(9, "operation aborted: job 'migration out' canceled by client")],
    },
    { name: 'a migration that still runs', events: [...booted(), ...begins(), sample(2, { remainingBytes: 500e6 })] },
    {
      name: 'a warning of QEMU on the destination of a migration that completes',
      events: [
        ...booted(),
        ...begins(),
        at(1, 'kvm-b', 'libvirt-qemu', {
          kind: 'qemu-message',
          vm: VM,
          level: 'warning',
          text: 'TSC frequency mismatch between VM (2400000 kHz) and host (2600000 kHz), and TSC scaling unavailable',
        }),
        ...completes(10, 40),
      ],
    },
  ],
});
