import { z } from 'zod';
import { shell } from '../lib/shell.ts';
import { bytes } from '../lib/units.ts';
import type { AbortRequested } from '../model/event.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { Migration } from '../model/timeline.ts';
import { hostOf, writerOf } from '../timeline/of-kind.ts';
import { causeRemedies } from './cause-remedies.ts';
import { defineDetector } from './detector.ts';
import { at, begins, booted, completes, fails, sample, VM, type StoryEvent } from './story.ts';
import { afterTime, journey, proof, verdict, whereCheck } from './verdict.ts';
import { sourceOf, whereNow } from './words.ts';

function requestOf({ events }: Migration): AbortRequested | null {
  for (const { body } of events) {
    if (body.kind === 'abort-requested') return body;
  }
  return null;
}

/** CloudStack's agent says so when it cancels; without its log, nobody knows who did. */
function byWhom(migration: Migration, request: AbortRequested | null): string {
  if (request?.reason === 'agent-disconnected')
    return "CloudStack's agent cancelled it because it had lost its management server";
  if (request !== null)
    return `CloudStack cancelled it at its time limit${request.afterSeconds === null ? '' : ` of ${request.afterSeconds} s`} (vm.migrate.wait)`;
  const agentSpeaks = migration.events.some(
    (event) => writerOf(event) === 'cloudstack-agent' && hostOf(event) === migration.source,
  );
  if (agentSpeaks) return `somebody cancelled it (virsh domjobabort, or another client of libvirt); CloudStack's agent did not`;
  return `somebody cancelled it: an operator, or CloudStack at its time limit, which only agent.log of ${sourceOf(migration)} would tell`;
}

/** How much memory was still to copy, from the abort's own counters or the last ones before. */
function remaining({ samples }: Migration, request: AbortRequested | null): string {
  const last = samples.findLast(({ body }) => body.remainingBytes !== null && body.totalBytes !== null)?.body;
  const counters = request !== null && request.remainingBytes !== null ? request : last;
  if (counters === undefined || counters.remainingBytes === null) return '';
  return ` ${bytes(counters.remainingBytes)} of ${counters.totalBytes === null ? 'memory' : bytes(counters.totalBytes)} were still to copy.`;
}

function remediesFor(migration: Migration, request: AbortRequested | null): readonly Remedy[] {
  if (request?.reason === 'time-limit') return causeRemedies(migration);
  if (request?.reason === 'agent-disconnected') {
    return [
      {
        what: `on ${sourceOf(migration)}: when and why the agent lost its management server`,
        command: "grep -E 'Lost connection|disconnect' /var/log/cloudstack/agent/agent.log",
      },
      whereCheck(migration),
    ];
  }
  // migrated again since, or stopped: libvirt knows no such VM there
  if (migration.after.some(({ host, state }) => host === migration.source && state === 'absent')) return [whereCheck(migration)];
  return [
    {
      what: `on ${sourceOf(migration)}: make sure that no job is left ("None"), then it can be migrated again`,
      command: shell`virsh domjobinfo ${migration.vm}`,
    },
    whereCheck(migration),
  ];
}

function conclude(migration: Migration): Conclusion {
  const request = requestOf(migration);
  const requested = migration.events.filter(({ body }) => body.kind === 'abort-requested');
  return {
    ...verdict(migration),
    summary: `Migration of ${journey(migration)} was aborted ${afterTime(migration)}: ${byWhom(migration, request)}.${remaining(migration, request)} ${whereNow(migration)}`,
    severity: 'warning',
    evidence: proof(migration, requested, migration.outcomeEvidence),
    remedies: remediesFor(migration, request),
  };
}

const canceled = "operation aborted: job 'migration out' canceled by client";

/** CloudStack's agent cancels the job, with the counters that it prints. */
function aborts(reason: AbortRequested['reason'], counters: Partial<AbortRequested> = {}): StoryEvent {
  return at(25, 'kvm-a', 'cloudstack-agent', {
    kind: 'abort-requested',
    vm: VM,
    reason,
    afterSeconds: null,
    remainingBytes: null,
    totalBytes: null,
    processedBytes: null,
    ...counters,
  });
}

/** A migration was cancelled before it was over. */
export const migrationAborted = defineDetector({
  id: 'migration-aborted',
  title: 'Migration aborted',
  severity: 'warning',
  subject: 'migration',
  limits: z.strictObject({}),
  detect: (migration) => (migration.outcome === 'aborted' ? [conclude(migration)] : []),
  fires: [
    {
      name: 'an operator cancels it, with what was left by the last counters',
      events: [...booted(), ...begins(), sample(8, { remainingBytes: 512 * 2 ** 20 }), ...fails(9, canceled)],
      finds:
        /^Migration of i-2-10-VM from kvm-a to kvm-b was aborted after 9 s: somebody cancelled it .*CloudStack's agent did not\. 512 MiB of 1 GiB were still to copy\. It runs on kvm-a/,
      severity: 'warning',
    },
    {
      name: "CloudStack's time limit, with the counters of its own line",
      events: [
        ...booted(),
        ...begins(),
        aborts('time-limit', { afterSeconds: 25, remainingBytes: 100 * 2 ** 20 }),
        ...fails(25.2, canceled),
      ],
      finds:
        /was aborted after 25 s: CloudStack cancelled it at its time limit of 25 s \(vm\.migrate\.wait\)\. 100 MiB of memory were still to copy\./,
      severity: 'warning',
    },
    {
      name: 'the agent lost its management server',
      events: [...booted(), ...begins(), aborts('agent-disconnected'), ...fails(25.2, canceled)],
      finds: /because it had lost its management server\. It runs on kvm-a/,
      severity: 'warning',
    },
    {
      name: "without the agent's log nobody is accused",
      events: [
        ...booted(),
        ...begins().slice(1),
        at(9, 'kvm-a', 'libvirtd', { kind: 'daemon-message', level: 'error', vm: VM, text: canceled }),
      ],
      finds: /an operator, or CloudStack at its time limit, which only agent\.log of kvm-a would tell\./,
      severity: 'warning',
    },
  ],
  silent: [
    { name: 'a migration that completes', events: [...booted(), ...begins(), ...completes(10, 40)] },
    {
      name: 'the job ends in an error of QEMU after it was long under way',
      events: [
        ...booted(),
        ...begins(),
        sample(8, { remainingBytes: 512 * 2 ** 20 }),
        ...fails(9, "operation failed: job 'migration out' failed: Unable to write to socket: Broken pipe"),
      ],
    },
    {
      name: 'a poller still shows the cancelled job of the attempt before',
      events: [...booted(), sample(-5, { status: 'cancelled' }), ...begins(), ...completes(10, 40)],
    },
  ],
});
