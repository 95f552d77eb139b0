import { shell } from '../lib/shell.ts';
import type { Remedy } from '../model/finding.ts';
import type { CauseKind, Migration } from '../model/timeline.ts';
import { addressOf, CONNECTING, type Explanation, onDestination, onSource } from './connecting-remedies.ts';
import { whereCheck } from './verdict.ts';
import { destinationOf, hostsToType, sourceOf } from './words.ts';

/** Why it failed, in a clause without the log's own text. */
export function whyOf(migration: Migration): string {
  return EXPLANATIONS[migration.cause?.kind ?? 'unknown'].why(migration);
}

/** What to do about the cause, the most likely first. */
export function causeRemedies(migration: Migration): readonly Remedy[] {
  return EXPLANATIONS[migration.cause?.kind ?? 'unknown'].remedies(migration);
}

/** For a stream that was cut: is the link back, and what did the kernels see of it. */
export function networkRemedies(migration: Migration): readonly Remedy[] {
  const [source, destination] = [sourceOf(migration), destinationOf(migration)];
  return [
    {
      what: `on ${source}: see whether ${destination} answers now, before you migrate again`,
      command: shell`ping -c 5 ${addressOf(migration)}`,
    },
    {
      what: `on ${source} and ${destination}: when a link was down, as the kernel saw it`,
      command: "journalctl -k -b -g 'link is (down|up)|nic link'",
    },
  ];
}

/** For a destination whose QEMU went away: what ended it. */
export function destinationRemedies(migration: Migration): readonly Remedy[] {
  const destination = destinationOf(migration);
  return [
    {
      what: `on ${destination}: whether the kernel killed it for memory, or it crashed`,
      command: "journalctl -k -b -g 'out of memory|oom-kill|segfault|machine check'",
    },
    {
      what: `on ${destination}: a crash leaves a core where systemd-coredump is installed`,
      command: 'coredumpctl list qemu-system-x86_64',
    },
    {
      what: `on ${destination}: QEMU's last words, and libvirt's reason`,
      command: shell`tail -n 20 /var/log/libvirt/qemu/${migration.vm}.log`,
    },
  ];
}

/** Asks the agent who had a VM stopped. */
export function whoStopped(host: string, vm: string): Remedy {
  return {
    what: `on ${host}: who stopped it: CloudStack (StopCommand), an operator, or a hook`,
    command: shell`grep -e StopCommand -e ${vm} /var/log/cloudstack/agent/agent.log | tail -n 20`,
  };
}

/** The VM's QEMU ended as one does that was told to. */
function wasStopped({ cause }: Migration): boolean {
  return cause?.evidence.some(({ body }) => body.kind === 'domain-stopped' && body.reason !== 'crashed') === true;
}

/** For two QEMU or libvirt versions that do not understand each other. */
export function versionRemedies(migration: Migration): readonly Remedy[] {
  const { vm } = migration;
  const machine = migration.sourceDomain?.machine ?? 'MACHINE-TYPE';
  return [
    {
      what: 'compare the versions of libvirt and QEMU',
      command: hostsToType(migration)
        .map((host) => shell`virsh -c qemu+ssh://${host}/system version`)
        .join('\n'),
    },
    {
      what: `on ${destinationOf(migration)}: fails where its QEMU does not know the VM's machine type`,
      command: shell`virsh domcapabilities --machine ${machine}`,
    },
    {
      what: `then bring ${destinationOf(migration)} to the version of ${sourceOf(migration)} or a later one and migrate again, or stop and start ${vm} in CloudStack: a new start takes the devices of its host`,
      command: null,
    },
  ];
}

/** What had broken in post-copy was copied after that: the VM is whole. */
export function isWhole({ takenUp }: Migration): boolean {
  return takenUp !== null && takenUp.completedAt !== null;
}

/** The command that takes up a post-copy migration whose stream broke (libvirt 8.5 on, virsh(1)); both QEMUs have to be alive. */
export function recovery(migration: Migration): readonly Remedy[] {
  const { vm, destination, destinationAddress } = migration;
  if (isWhole(migration))
    return [
      { what: `nothing now: all of ${vm} is on ${destinationOf(migration)}. See that CloudStack shows it there`, command: null },
    ];
  return [
    {
      what: `once the hosts reach each other again, take it up where it broke; needs libvirt 8.5 and both QEMUs alive, so destroy neither before. On ${sourceOf(migration)}`,
      command: shell`virsh migrate --live --postcopy --postcopy-resume ${vm} qemu+tcp://${destinationAddress ?? destination ?? 'DESTINATION'}/system`,
    },
    lost(`if that is not possible, ${vm} is lost`),
  ];
}

/** The last resort after a post-copy migration that broke and cannot be taken up, because a QEMU of the two is gone. */
export function givingUp({ vm }: Migration): Remedy {
  return lost(`with a part of its memory gone, ${vm} is lost`);
}

function lost(because: string): Remedy {
  return {
    what: `${because}: destroy it on both hosts and start it anew in CloudStack; check its disks only after both have stopped`,
    command: null,
  };
}

/** The first file that the cause's text names. */
function pathIn({ cause }: Migration): string {
  const files = (cause?.evidence ?? []).flatMap(({ body }) => ('text' in body ? [body.text] : []));
  return (
    /'(\/[^']+)'|\[(\/[^\]]+)\]/
      .exec([cause?.text ?? '', ...files].join('\n'))
      ?.slice(1)
      .find((path) => path !== undefined) ?? 'PATH-OF-THE-DISK'
  );
}

function daemonLogs(migration: Migration): readonly Remedy[] {
  return [
    {
      what: `on ${sourceOf(migration)} and ${destinationOf(migration)}: what libvirt said at that time`,
      command: 'journalctl -b -u libvirtd -u virtqemud -p warning',
    },
    onDestination(migration, "QEMU's own words", shell`tail -n 30 /var/log/libvirt/qemu/${migration.vm}.log`),
    whereCheck(migration),
  ];
}

/** virnetdev.c, virnetdevbridge.c, virnetdevopenvswitch.c: a bridge that the destination has not got. */
const NO_BRIDGE =
  /Cannot get interface MTU on '([^']+)'|Unable to add bridge (\S+) port|Unable to add port \S+ to OVS bridge (\S+)/;
/** virdomainobjlist.c: the destination has one of that name. */
const NAME_TAKEN = /domain '[^']+' (?:is )?already /;

/** An error that is no cause of its own may still say where to look. */
function remediesByText(migration: Migration): readonly Remedy[] {
  const text = migration.cause?.text ?? '';
  const bridge = NO_BRIDGE.exec(text)
    ?.slice(1)
    .find((name) => name !== undefined);
  if (bridge !== undefined) return bridgeRemedies(migration, bridge);
  return NAME_TAKEN.test(text) ? nameRemedies(migration) : daemonLogs(migration);
}

function bridgeRemedies(migration: Migration, bridge: string): readonly Remedy[] {
  return [
    onDestination(migration, `whether it has ${bridge}; "does not exist" means no`, shell`ip -br link show ${bridge}`),
    onDestination(
      migration,
      'the bridges that its agent is told to use',
      "grep -n 'network.device' /etc/cloudstack/agent/agent.properties",
    ),
    onSource(migration, 'which NIC of the VM is on it', shell`virsh domiflist ${migration.vm}`),
    {
      what: 'the bridge of a VLAN is made when CloudStack prepares the destination, and not by virsh migrate: migrate in CloudStack',
      command: null,
    },
  ];
}

function nameRemedies(migration: Migration): readonly Remedy[] {
  return [
    {
      what: `whether both hosts mean one VM: see its UUID on each; touches no guest`,
      command: hostsToType(migration)
        .map((host) => shell`virsh -c qemu+ssh://${host}/system domuuid ${migration.vm}`)
        .join('\n'),
    },
    whereCheck(migration),
    {
      what: 'the same UUID, and running on both: it writes to its disks from two hosts, so find out which one serves, and end the other; another UUID: it is another VM, so see in CloudStack whether it knows that one',
      command: null,
    },
  ];
}

const LIMIT_REMEDIES: readonly Remedy[] = [
  {
    what: 'give it more time: global setting of CloudStack, seconds; agents take it over as vm.migrate.wait when they connect',
    command: 'migratewait=7200',
  },
  {
    what: 'or let the agent pause the guest after some time, so that the rest can be copied: in agent.properties of the source (ms), then restart cloudstack-agent, which ends the migrations that it drives',
    command: 'vm.migrate.pauseafter=60000',
  },
];

/** Not there, as opposed to not readable or not writable. */
function isMissing({ cause }: Migration): boolean {
  return /No such file or directory/.test(cause?.text ?? '');
}

function mountOf(migration: Migration): Remedy {
  return onDestination(
    migration,
    'how the disk is mounted there (`ro` is the fault)',
    shell`findmnt -T ${pathIn(migration)} -o TARGET,SOURCE,FSTYPE,OPTIONS`,
  );
}

function poolsOf(migration: Migration): Remedy {
  return onDestination(migration, 'are all storage pools active', 'virsh pool-list --all');
}

function missingFileRemedies(migration: Migration): readonly Remedy[] {
  const file = pathIn(migration);
  const show: Remedy = {
    what: `on ${sourceOf(migration)} and ${destinationOf(migration)}: where the file lies; what only the first has is on no shared storage, or that is not mounted on the second`,
    command: shell`findmnt -T "$(dirname ${file})" -o TARGET,SOURCE,FSTYPE; ls -l ${file}`,
  };
  return file.endsWith('.iso')
    ? [show, { what: `an ISO that ${migration.vm} needs no more: detach it in CloudStack, and migrate again`, command: null }]
    : [show, poolsOf(migration)];
}

const EXPLANATIONS: Readonly<Record<CauseKind, Explanation>> = {
  ...CONNECTING,
  'cpu-incompatible': {
    why: (m) => `${destinationOf(m)} cannot give the VM the CPU that it runs with`,
    remedies: (m) => [
      onSource(
        m,
        'the CPU that it runs with; the finding cpu-incompatible tells more',
        shell`virsh dumpxml --migratable ${m.vm} | grep -A 20 '<cpu'`,
      ),
    ],
  },
  'timed-out': { why: () => "it ran into CloudStack's time limit", remedies: () => LIMIT_REMEDIES },
  'aborted-by-operator': { why: () => 'it was cancelled', remedies: (m) => [whereCheck(m)] },
  'network-interrupted': {
    why: (m) => `the network between ${sourceOf(m)} and ${destinationOf(m)} was interrupted`,
    remedies: networkRemedies,
  },
  'destination-died': { why: (m) => `its QEMU on ${destinationOf(m)} ended`, remedies: destinationRemedies },
  'source-died': {
    why: (m) => `its QEMU on ${sourceOf(m)} ended`,
    remedies: (m) => [
      wasStopped(m)
        ? whoStopped(sourceOf(m), m.vm)
        : onSource(
            m,
            'whether the kernel killed it, or it crashed',
            "journalctl -k -b -g 'out of memory|oom-kill|segfault|machine check'",
          ),
      whereCheck(m),
      wasStopped(m)
        ? {
            what: `${m.cause?.text.startsWith('the guest was shut down') === true ? 'if nobody did, the guest shut itself down; ' : ''}if it should run: start ${m.vm} in CloudStack`,
            command: null,
          }
        : { what: `where it runs nowhere: start ${m.vm} in CloudStack; all that was only in its memory is lost`, command: null },
    ],
  },
  'libvirtd-ended': {
    why: () => 'a libvirtd ended, was restarted or hung, or its connection broke',
    remedies: (m) => [
      {
        what: `on ${sourceOf(m)} and ${destinationOf(m)}: since when each runs`,
        command: 'systemctl show libvirtd virtqemud -p Id,ActiveState,ActiveEnterTimestamp',
      },
      {
        what: `on ${sourceOf(m)} and ${destinationOf(m)}: what ended it or held it up: a crash, the kernel for memory, an upgrade, storage that hangs`,
        command: 'journalctl -b -u libvirtd -u virtqemud -n 30',
      },
      whereCheck(m),
    ],
  },
  'agent-ended': {
    why: (m) => `CloudStack's agent on ${sourceOf(m)} ended meanwhile`,
    remedies: (m) => [
      onSource(m, 'since when it runs', 'systemctl show cloudstack-agent -p ActiveState,ActiveEnterTimestamp'),
      onSource(m, 'what ended it: an upgrade, an operator, the kernel for memory', 'journalctl -b -u cloudstack-agent -n 30'),
      whereCheck(m),
      { what: 'where it runs and the agent is up again: migrate again', command: null },
    ],
  },
  'host-reset': {
    why: () => 'a host of the two went down',
    remedies: (m) => [
      {
        what: `on ${sourceOf(m)} and ${destinationOf(m)}: when each was started`,
        command: 'last -x reboot shutdown | head',
      },
      {
        what: 'on the one that went down: its last words before that; none where the journal is not kept over a start',
        command: 'journalctl -b -1 -n 50',
      },
      whereCheck(m),
      { what: `where it runs nowhere: start ${m.vm} in CloudStack, unless HA does so already`, command: null },
    ],
  },
  'device-state-rejected': {
    why: (m) => `${destinationOf(m)} rejects the state of a device`,
    remedies: (m) => [
      {
        what: 'compare QEMU and kernel of both hosts: device features depend on them',
        command: hostsToType(m)
          .map((host) => shell`ssh ${host} 'virsh version; uname -r'`)
          .join('\n'),
      },
      onSource(
        m,
        "the VM's machine type and devices, to compare with a VM that can migrate",
        shell`virsh dumpxml --migratable ${m.vm}`,
      ),
    ],
  },
  'disk-locked': {
    why: () => 'another process still holds a disk of the VM',
    remedies: (m) => [
      onSource(m, 'the disks of the VM', shell`virsh domblklist ${m.vm} --details`),
      {
        what: 'on every host: who has the disk open; end nothing before you know that it is no running VM',
        command: shell`fuser -v ${pathIn(m)}`,
      },
    ],
  },
  'storage-unavailable': {
    why: (m) => `${destinationOf(m)} cannot use a disk of the VM`,
    remedies: (m) => (isMissing(m) ? missingFileRemedies(m) : [mountOf(m), poolsOf(m)]),
  },
  'disk-copy-failed': {
    why: (m) => `a disk of the VM could not be copied to ${destinationOf(m)}`,
    remedies: (m) => [
      onSource(m, 'the disks of the VM and how large they are', shell`virsh domblkinfo ${m.vm} --all --human`),
      onDestination(m, 'is there room where the disks go', 'df -h; vgs'),
      onDestination(m, 'errors of the storage as the kernel saw them', "journalctl -k -b -g 'i/o error|blk_update_request'"),
      { what: 'a copy that was begun may be left there as a volume that no VM has: see before you delete it', command: null },
    ],
  },
  'unsafe-cache-mode': {
    why: () => 'libvirt holds it for unsafe with the disks of the VM',
    remedies: (m) => [
      onSource(
        m,
        'the cache modes; only none and directsync are safe on shared storage',
        shell`virsh dumpxml ${m.vm} | grep -E '<disk|<driver|<source'`,
      ),
      {
        what: 'give its disk offering the cache mode none, then stop and start the VM; with disks on local storage migrate it with its volumes (migrateVirtualMachineWithVolume)',
        command: null,
      },
    ],
  },
  'blocked-by-device': {
    why: () => 'something of the VM cannot migrate',
    remedies: (m) => [
      onSource(
        m,
        'passed-through devices, shared memory and file systems cannot migrate: detach them first',
        shell`virsh dumpxml ${m.vm} | grep -A 4 -E '<hostdev|<shmem|<filesystem'`,
      ),
      onSource(m, 'a block job or snapshot has to end first', shell`virsh domjobinfo ${m.vm}\nvirsh snapshot-list ${m.vm}`),
    ],
  },
  'lock-timeout': {
    why: (m) => `another job held the VM's lock in libvirt on ${sourceOf(m)}`,
    remedies: (m) => [
      onSource(m, 'which job holds it', shell`virsh domjobinfo ${m.vm}`),
      onSource(m, 'whether its QEMU answers at all; storage that hangs stops it', shell`virsh domblkerror ${m.vm}`),
    ],
  },
  'version-or-machine-mismatch': {
    why: (m) => `QEMU or libvirt of ${destinationOf(m)} does not accept what ${sourceOf(m)} sends`,
    remedies: versionRemedies,
  },
  'out-of-memory': {
    why: () => 'memory ran out',
    remedies: (m) => [
      onDestination(m, 'how much is free', 'virsh nodememstats'),
      onDestination(m, 'which VMs use it', 'virsh list --all'),
      onDestination(m, 'what the kernel did about it', "journalctl -k -b -g 'out of memory|oom-kill'"),
    ],
  },
  unknown: { why: () => 'the cause is none that Precopy knows', remedies: remediesByText },
};
