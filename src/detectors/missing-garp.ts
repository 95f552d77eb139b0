import { z } from 'zod';
import { shell } from '../lib/shell.ts';
import { clockTime, duration, listed, plural } from '../lib/units.ts';
import type { CollectorReport } from '../model/event.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { Migration } from '../model/timeline.ts';
import { defineDetector } from './detector.ts';
import { announces, at, begins, booted, completes, MAC, starts, stops, VM, type StoryEvent } from './story.ts';
import { destinationOf, evidence } from './words.ts';

/** Commit b9ad513e1876 of 2024 made announce-self send nothing on tap devices with vnet_hdr; repaired in January 2025. */
const SILENT_QEMU = /^9\.[12](?!\d)/;

/** QEMU's own announcement, once more: its defaults, as `migrate` uses them. */
const ANNOUNCE = '{"execute":"announce-self","arguments":{"initial":50,"max":550,"rounds":5,"step":100}}';

/** The guest runs on the destination from here on, as far as known. */
function arrivalOf({ announcement, phases, postcopyAt, lastSeenAt }: Migration): number {
  return announcement.resumedAt ?? postcopyAt ?? phases.find(({ name }) => name === 'pre-copy')?.to ?? lastSeenAt;
}

function isSilentQemu({ destinationDomain }: Migration): boolean {
  return SILENT_QEMU.test(destinationDomain?.qemuVersion ?? '');
}

function describe(migration: Migration): string {
  const { vm, announcement, destinationDomain } = migration;
  const { missing, because, outageMs, resumedAt } = announcement;
  const of = missing.length === 1 ? 'MAC address' : plural(missing.length, 'MAC address', 'MAC addresses');
  const since = `since ${resumedAt === null ? 'its arrival' : 'it was resumed'} at ${clockTime(arrivalOf(migration))} UTC`;
  const none = `Nothing announced ${of} ${listed(missing)} of ${vm} on ${destinationOf(migration)} ${since}: ${because}.`;
  const harm =
    outageMs === null
      ? 'Until the guest sends something itself, switches send its frames to the old port.'
      : `Its first frame there came ${duration(outageMs)} later; until then switches sent its frames to the old port.`;
  if (!isSilentQemu(migration)) return `${none} ${harm}`;
  return `${none} QEMU ${destinationDomain?.qemuVersion ?? ''} may send no announcement at all by a bug of its own: this alone proves no outage.`;
}

function remediesFor(migration: Migration): readonly Remedy[] {
  const { vm, announcement } = migration;
  const host = destinationOf(migration);
  const look: readonly Remedy[] = [
    {
      what: `see whether it runs on ${host}: a guest that was paused when it left arrives paused, and is announced when it is resumed`,
      command: shell`virsh -c qemu+ssh://${host}/system domstate ${vm} --reason`,
    },
    { what: `see on ${host} which tap device and bridge the VM has; touches no guest`, command: shell`virsh domiflist ${vm}` },
    {
      what: `see on ${host} where its address was learned, and whether the tap is a port of the bridge; touches no guest`,
      command: [...announcement.missing.map((mac) => `bridge fdb show | grep -i ${mac}`), 'bridge link'].join('\n'),
    },
  ];
  if (announcement.outageMs !== null)
    return [
      { what: 'nothing is cut off any more. Before the next one arrives there, see why it was lost', command: null },
      ...look.slice(1),
    ];
  const again: Remedy = {
    what: `have QEMU on ${host} announce the VM again (QEMU 4.0 on); the guest runs on, libvirt marks the VM as tainted by custom-monitor`,
    command: shell`virsh qemu-monitor-command ${vm} ${ANNOUNCE}`,
  };
  const inside: Remedy = {
    what: 'or announce from inside the guest; sends three ARP frames and changes nothing',
    command: 'arping -U -c 3 -I NIC GUEST-IP',
  };
  return isSilentQemu(migration) ? [...look, inside] : [...look, again, inside];
}

function conclude(migration: Migration): Conclusion {
  const { announcement, outcomeEvidence } = migration;
  const arrivedAt = arrivalOf(migration);
  return {
    summary: describe(migration),
    severity: isSilentQemu(migration) ? 'info' : 'warning',
    confidence: 'follows',
    from: arrivedAt,
    to: announcement.outageMs === null ? null : arrivedAt + announcement.outageMs,
    evidence: evidence(announcement.evidence, outcomeEvidence).slice(0, 5),
    remedies: remediesFor(migration),
    discriminator: '',
  };
}

const OTHER_MAC = '02:00:00:00:00:0b';
const quiet = [...booted(), ...begins(), ...completes(10, 60)];
/** The switch's collector says each minute, from a second on, that it listens; at last it says something else. */
function words(from: number, count: number, last?: CollectorReport['state']): readonly StoryEvent[] {
  const report = (seconds: number, state: CollectorReport['state']): StoryEvent =>
    at(seconds, 'switch', 'collector', { kind: 'collector-report', collector: 'arp:cloudbr0', state, text: '' });
  const said = Array.from({ length: count }, (_, i) => report(from + i * 60, 'listening'));
  return last === undefined ? said : [...said, report(from + count * 60 - 30, last), report(from + count * 60, 'listening')];
}
/** libvirt tells that the guest runs, or does not, on its new host. */
function runs(seconds: number, running: boolean): StoryEvent {
  return at(seconds, 'kvm-b', 'domjobinfo', { kind: 'guest-run-state', vm: VM, monitor: null, running });
}
const listening = at(9, 'switch', 'tcpdump', { kind: 'frame-seen', mac: '1e:00:4d:00:00:fe' });

/** The guest moved and nobody told the network: an observer that listened saw neither RARP nor gratuitous ARP, nor a bridge that learned it. */
export const missingGarp = defineDetector({
  id: 'missing-garp',
  title: 'Network was not told where the VM is',
  severity: 'warning',
  subject: 'migration',
  limits: z.strictObject({}),
  detect: (migration) =>
    migration.outcome === 'completed' && migration.announcement.state === 'no' ? [conclude(migration)] : [],
  fires: [
    {
      name: 'an observer listens and sees nothing of the VM after its arrival',
      events: [...quiet, listening],
      finds:
        /^Nothing announced MAC address 02:00:00:00:00:0a of i-2-10-VM on kvm-b since its arrival at 00:00:08 UTC: switch listened and saw none\. Until the guest sends/,
      severity: 'warning',
    },
    {
      name: 'the guest itself sends again 31 s later',
      events: [...quiet, listening, at(40, 'switch', 'tcpdump', { kind: 'frame-seen', mac: MAC })],
      finds: /Its first frame there came 32 s later/,
      severity: 'warning',
    },
    {
      name: 'not one frame for more than a minute, and the observer says that it listened',
      events: [...quiet, ...words(-80, 4)],
      finds: /since its arrival at 00:00:08 UTC: switch listened and saw none\. Until the guest sends/,
      severity: 'warning',
    },
    {
      name: 'a bridge with the hosts on two ports learns of it 31 s later only',
      events: [
        ...quiet.filter(({ source }) => source !== 'tcpdump'),
        at(40, 'switch', 'bridge-fdb', { kind: 'forwarding-changed', mac: MAC, port: 'upb', deleted: false }),
      ],
      finds: /Its first frame there came 32 s later/,
      severity: 'warning',
    },
    {
      name: 'the announcement is lost, and the guest moves its address 10 s later by what it sends',
      events: [
        ...quiet,
        listening,
        at(18.5, 'switch', 'bridge-fdb', { kind: 'forwarding-changed', mac: MAC, port: 'upb', deleted: false }),
      ],
      finds: /Its first frame there came 10 s later/,
      severity: 'warning',
    },
    {
      name: 'a guest that arrived paused is resumed, and not announced then',
      events: [...quiet, runs(8.4, false), runs(20, true), ...words(-80, 4)],
      finds: /since its arrival at 00:00:20 UTC: switch listened and saw none/,
      severity: 'warning',
    },
    {
      name: 'a guest that arrived paused is resumed an hour later, and not announced then',
      events: [...quiet, runs(8.4, false), runs(3610, true), ...words(-80, 64)],
      finds: /since it was resumed at 01:00:10 UTC: switch listened and saw none\. Until the guest sends/,
      severity: 'warning',
    },
    {
      name: 'it was paused on its way, by the agent for instance: it runs when it arrives',
      events: [
        ...quiet,
        at(5, 'kvm-a', 'domjobinfo', { kind: 'guest-run-state', vm: VM, monitor: null, running: false }),
        runs(8.4, true),
        listening,
      ],
      finds: /switch listened and saw none/,
      severity: 'warning',
    },
    {
      name: 'a QEMU that sends none by a bug is no more than a remark',
      events: [...quiet, listening].map((event) =>
        event.body.kind === 'domain-started'
          ? { ...event, body: { ...event.body, qemuVersion: '9.2.0Debian 1:9.2.0+ds-5' } }
          : event,
      ),
      finds: /QEMU 9\.2\.0\S* .*proves no outage\.$/,
      severity: 'info',
    },
  ],
  silent: [
    { name: 'five RARP frames', events: [...booted(), ...begins(), ...announces(10), ...completes(10, 60)] },
    {
      name: 'it arrives paused, as it left: QEMU holds its frames until it runs',
      events: [...quiet, runs(8.4, false), listening],
    },
    {
      name: 'it arrives paused, and is announced when it is resumed',
      events: [...quiet, runs(8.4, false), listening, runs(20, true), ...announces(21.7)],
    },
    {
      name: 'it arrives paused, is resumed an hour later, and announced then',
      events: [...quiet, runs(8.4, false), ...words(-80, 64), runs(3610, true), ...announces(3611.7)],
    },
    {
      name: 'it arrives paused, and is shut down an hour later',
      events: [...quiet, runs(8.4, false), ...words(-80, 64), stops(3610, 'kvm-b', 'shutdown')],
    },
    {
      name: 'another VM of its name, with another address, is started there later',
      events: [
        ...booted(),
        at(-50, 'switch', 'tcpdump', { kind: 'frame-seen', mac: OTHER_MAC }),
        ...begins(),
        ...announces(10),
        ...completes(10, 60),
        stops(100, 'kvm-b', 'shutdown'),
        starts(200, 'kvm-b', { macs: [OTHER_MAC] }),
      ],
    },
    {
      name: 'no RARP, but the bridge moved the address to the port of the destination',
      events: [...quiet, at(8.6, 'switch', 'bridge-fdb', { kind: 'forwarding-changed', mac: MAC, port: 'upb', deleted: false })],
    },
    {
      name: 'only gratuitous ARP of the guest',
      events: [...quiet, at(9, 'switch', 'tcpdump', { kind: 'announced', mac: MAC, how: 'gratuitous-arp' })],
    },
    {
      name: 'only the bridge of a third hypervisor is watched: both hosts are behind its uplink',
      events: [
        ...quiet.filter(({ host }) => host !== 'switch'),
        at(-58, 'kvm-c', 'bridge-fdb', { kind: 'forwarding-changed', mac: MAC, port: 'bond0', deleted: false }),
        at(-50, 'kvm-c', 'cloudstack-agent', { kind: 'connection-lost', to: 'management-server' }),
        at(30, 'kvm-c', 'bridge-fdb', {
          kind: 'forwarding-changed',
          mac: '02:00:00:00:00:0b',
          port: 'bond0',
          deleted: false,
        }),
      ],
    },
    { name: 'nobody listens', events: quiet.filter(({ host }) => host !== 'switch') },
    {
      name: 'the capture ended before the guest arrived',
      events: [...quiet].map((event) => (event.host === 'switch' ? { ...event, seconds: -200 } : event)),
    },
    {
      name: 'the observer said that it listens, and failed before the announcement was over',
      events: [...quiet, ...words(-80, 2, 'failing')],
    },
    {
      name: 'frames before and after, but the observer says that it did not listen in between',
      events: [...quiet, ...words(-80, 1, 'stopped'), listening],
    },
    {
      name: 'an observer that listens, on a network where the address was never heard',
      events: [...quiet.filter(({ host }) => host !== 'switch'), ...words(-80, 4)],
    },
    {
      name: 'the guest did not move',
      events: [
        ...booted(),
        ...begins(),
        listening,
        at(12, 'kvm-a', 'cloudstack-agent', {
          kind: 'migrate-error',
          vm: VM,
          text: "operation aborted: job 'migration out' canceled by client",
        }),
      ],
    },
  ],
});
