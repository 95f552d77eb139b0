import type { LogFile } from '../log-file.ts';
import { ADDRESSES, type Move, type Plan, type Vm } from '../plan.ts';
import { uuid, type Random } from '../random.ts';
import { local } from './times.ts';

const WRAPPER = 'resource.wrapper.LibvirtMigrateCommandWrapper';
/** Lines that one request writes, from and to. */
const LINES_OF_REQUEST = [10, 40] as const;
/** The shares of everyday records; a stack trace is some 28 lines, so that two lines of a hundred are of one. */
const TRACE_SHARE = 0.00075;
const WAIT_MS = 1004;

interface Head {
  readonly level?: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  readonly logger?: string;
  readonly thread: number;
  readonly logid: string;
}

/** The head of a record: log4j 1 up to the middle of the time, then the agent was upgraded and log4j 2 writes. */
function headOf(plan: Plan): (at: number, head: Head) => string {
  const upgradedAt = (plan.from + plan.to) / 2;
  return (at, { level = 'INFO', logger = WRAPPER, thread, logid }) => {
    const name = at < upgradedAt ? `agentRequest-Handler-${thread}:null` : `AgentRequest-Handler-${thread}:[]`;
    return `${local(at)} ${level.padEnd(5)} [${logger}] (${name}) (logid:${logid}) `;
  };
}

function domainXml({ name, uuid: id, mac, memoryBytes }: Vm): string {
  const kib = memoryBytes / 1024;
  return `<domain type='kvm' id='12' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>${name}</name>
  <uuid>${id}</uuid>
  <description>Debian GNU/Linux 12 (64-bit)</description>
  <memory unit='KiB'>${kib}</memory>
  <currentMemory unit='KiB'>${kib}</currentMemory>
  <vcpu placement='static'>4</vcpu>
  <cputune>
    <shares>4000</shares>
  </cputune>
  <os>
    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>
    <boot dev='hd'/>
  </os>
  <cpu mode='custom' match='exact' check='full'>
    <model fallback='forbid'>Cascadelake-Server</model>
  </cpu>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source file='/mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5/${id}' index='2'/>
      <target dev='vda' bus='virtio'/>
      <serial>${id.replaceAll('-', '').slice(0, 20)}</serial>
    </disk>
    <interface type='bridge'>
      <mac address='${mac}'/>
      <source bridge='brbond1-1204'/>
      <bandwidth>
        <inbound average='25600' peak='25600'/>
        <outbound average='25600' peak='25600'/>
      </bandwidth>
      <target dev='vnet12'/>
      <model type='virtio'/>
    </interface>
    <graphics type='vnc' port='5912' autoport='yes' listen='10.77.0.2'/>
  </devices>
</domain>
`;
}

const ERRORS = {
  'cpu-incompatible':
    'unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f, avx512dq',
  'connection-refused': "unable to connect to server at '10.77.0.2:16509': Connection refused",
  'time-limit': 'operation aborted: migration out job: canceled by client',
} as const;

const FRAMES = [
  'at org.libvirt.ErrorHandler.processError(Unknown Source)',
  'at com.cloud.hypervisor.kvm.resource.MigrateKVMAsync.call(MigrateKVMAsync.java:217)',
  'at com.cloud.hypervisor.kvm.resource.LibvirtComputingResource.executeRequest(LibvirtComputingResource.java:1983)',
  'at com.cloud.agent.Agent.processRequest(Agent.java:671)',
  'at com.cloud.utils.nio.Task.call(Task.java:83)',
  'at java.base/java.util.concurrent.FutureTask.run(FutureTask.java:264)',
  'at java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1128)',
  'at java.base/java.lang.Thread.run(Thread.java:829)',
] as const;

function trace(exception: string, lines: number): string {
  return `${exception}\n${Array.from({ length: lines }, (_, index) => `\t${FRAMES[index % FRAMES.length]}\n`).join('')}`;
}

/** What both agents write about a migration. */
export function agentMigrations(
  plan: Plan,
  random: Random,
): (move: Move, logs: { readonly source: LogFile | null; readonly destination: LogFile | null }) => void {
  const head = headOf(plan);
  return (move, { source, destination }) => {
    const { vm, at, tookMs, end } = move;
    const origin = { thread: random.whole(1, 10), logid: random.hex(8) };
    const prepare = { ...origin, logger: 'resource.wrapper.LibvirtPrepareForMigrationCommandWrapper' };
    destination?.add(
      at - 300,
      `${head(at - 300, prepare)}Successfully prepared destination host for migration of VM ${vm.name}\n`,
    );
    if (source === null) return;
    const address = ADDRESSES[move.destination];
    source.add(
      at,
      `${head(at, origin)}Starting live migration of instance [${vm.name}] to destination host [qemu+tcp://${address}/system] having the final XML configuration: [${domainXml(vm)}].\n`,
    );
    for (let waited = 1; waited * WAIT_MS < tookMs; waited += 1) {
      const now = at + waited * WAIT_MS;
      source.add(now, `${head(now, origin)}Waiting for migration of ${vm.name} to complete, waited ${waited * 1000}ms\n`);
    }
    const done = at + tookMs;
    if (end === 'time-limit')
      source.add(
        done - 60,
        `${head(done - 60, origin)}Aborting migration of VM [${vm.name}] with domain job [DomainJobInfo@${random.hex(8)}] due to time out after ${Math.round(tookMs / 1000)} seconds.\n`,
      );
    source.add(done, `${head(done, origin)}Migration thread of VM [${vm.name}] finished.\n`);
    if (end === 'completed') {
      source.add(
        done + 2,
        `${head(done + 2, { ...origin, level: 'DEBUG' })}Cleaning the disks of VM [${vm.name}] in the source pool after VM migration finished.\n`,
      );
    } else {
      const text = `org.libvirt.LibvirtException: ${ERRORS[end]}`;
      source.add(
        done + 1,
        `${head(done + 1, { ...origin, level: 'ERROR' })}Can't migrate domain [${vm.name}] due to: [${text}].\n${trace(`java.util.concurrent.ExecutionException: ${text}`, 26)}`,
      );
    }
  };
}

/** An agent's day without migrations: statistics, storage pools, scripts, now and then a stack trace. */
export function agentNoise(plan: Plan, random: Random): (at: number) => string {
  const head = headOf(plan);
  const pools = [uuid(random), uuid(random), uuid(random)] as const;
  const name = (): string => random.pick(plan.vms).name;
  const storage = 'kvm.storage.LibvirtStorageAdaptor';
  const agent = 'cloud.agent.Agent';
  const messages: readonly [readonly [string, () => string], ...(readonly [string, () => string])[]] = [
    [storage, () => `Trying to fetch storage pool ${random.pick(pools)} from libvirt`],
    [storage, () => `Asking libvirt to refresh storage pool ${random.pick(pools)}`],
    [
      storage,
      () =>
        `Successfully refreshed pool ${random.pick(pools)} Capacity: (3.58 TB) 3936389431296 Used: (1.21 TB) ${random.whole(1e12, 2e12)} Available: (2.37 TB) ${random.whole(2e12, 3e12)}`,
    ],
    [
      'kvm.resource.LibvirtComputingResource',
      () =>
        `Executing: /usr/share/cloudstack-common/scripts/vm/network/security_group.py get_rule_logs_for_vms --vmname ${name()} `,
    ],
    ['kvm.resource.LibvirtComputingResource', () => 'Execution is successful.'],
    [
      'kvm.resource.LibvirtComputingResource',
      () =>
        `The memory balloon of VM [${name()}] has the statistics: unused [${random.whole(1e6, 9e6)}] KiB, available [${random.whole(1e7, 9e7)}] KiB, usable [${random.whole(1e6, 9e6)}] KiB.`,
    ],
    [
      agent,
      () =>
        `Request:Seq 1-${random.whole(1e15, 9e15)}:  { Cmd , MgmtId: 90520732674657, via: 1, Ver: v1, Flags: 100011, [{"com.cloud.agent.api.GetVmStatsCommand":{"vmNames":["${name()}","${name()}"],"hostGuid":"${pools[0]}-LibvirtComputingResource","hostName":"kvm","wait":"0","bypassHostMaintenance":"false"}}] }`,
    ],
    [agent, () => `Processing command: com.cloud.agent.api.CheckOnHostCommand`],
    [
      agent,
      () =>
        `Seq 1-${random.whole(1e15, 9e15)}:  { Ans: , MgmtId: 90520732674657, via: 1, Ver: v1, Flags: 10, [{"com.cloud.agent.api.GetVmStatsAnswer":{"vmStatsMap":{"${name()}":{"_cpuUtilization":"${random.whole(1, 99)}.28","_networkReadKBs":"${random.whole(1, 999999)}.0","_networkWriteKBs":"${random.whole(1, 999999)}.0","_diskReadIOs":"${random.whole(1, 9999)}.0","_memoryKBs":"4194304.0","entityType":"vm"}},"result":"true","wait":"0"}}] }`,
    ],
  ];
  // a request is one thread's for some lines, all with its logid
  const requests = new Map<number, { readonly logid: string; lines: number }>();
  return (at) => {
    const thread = random.whole(1, 10);
    let request = requests.get(thread);
    if (request === undefined || request.lines === 0) {
      request = { logid: random.hex(8), lines: random.whole(...LINES_OF_REQUEST) };
      requests.set(thread, request);
    }
    request.lines -= 1;
    const origin = { thread, logid: request.logid };
    if (random.next() < TRACE_SHARE) {
      return `${head(at, { ...origin, level: 'WARN', logger: agent })}Caught: \n${trace('com.cloud.utils.exception.CloudRuntimeException: Unable to get the statistics of the storage pool', 27)}`;
    }
    const [logger, message] = random.pick(messages);
    return `${head(at, { ...origin, level: 'DEBUG', logger })}${message()}\n`;
  };
}
