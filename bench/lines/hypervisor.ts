import type { Host, Move, Plan } from '../plan.ts';
import type { Random } from '../random.ts';
import { domjobinfo, polls, queryMigrate } from './job.ts';
import { iso, utc } from './times.ts';

/** Record on one host's log, of one moment. */
export type Write = (host: Host, at: number, record: string) => void;

const START_MS = 900;
/** The guest runs on the destination this long before the client hears. */
const CLIENT_MS = 1200;

/** What the start of a VM on a host adds to its log. */
export function qemuStart({ vm, destination, at }: Pick<Move, 'vm' | 'destination' | 'at'>): string {
  const home = `/var/lib/libvirt/qemu/domain-12-${vm.name}`;
  return `${utc(at)}+0000: starting up libvirt version: 9.0.0, package: 9.0.0-4+deb12u2 (Debian), qemu version: 7.2.11Debian 1:7.2+dfsg-7+deb12u6, kernel: 6.1.0-26-amd64, hostname: ${destination}
LC_ALL=C \\
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
HOME=${home} \\
XDG_DATA_HOME=${home}/.local/share \\
XDG_CACHE_HOME=${home}/.cache \\
XDG_CONFIG_HOME=${home}/.config \\
/usr/bin/qemu-system-x86_64 \\
-name guest=${vm.name},debug-threads=on \\
-S \\
-object '{"qom-type":"secret","id":"masterKey0","format":"raw","file":"${home}/master-key.aes"}' \\
-machine pc-i440fx-7.2,usb=off,dump-guest-core=off,memory-backend=pc.ram \\
-accel kvm \\
-cpu Cascadelake-Server \\
-m ${vm.memoryBytes / 2 ** 20} \\
-object '{"qom-type":"memory-backend-ram","id":"pc.ram","size":${vm.memoryBytes}}' \\
-overcommit mem-lock=off \\
-smp 4,sockets=1,cores=4,threads=1 \\
-uuid ${vm.uuid} \\
-no-user-config \\
-nodefaults \\
-chardev socket,id=charmonitor,fd=31,server=on,wait=off \\
-mon chardev=charmonitor,id=monitor,mode=control \\
-rtc base=utc,driftfix=slew \\
-no-shutdown \\
-boot strict=on \\
-netdev '{"type":"tap","fd":"32","vhost":true,"vhostfd":"34","id":"hostnet0"}' \\
-device '{"driver":"virtio-net-pci","netdev":"hostnet0","id":"net0","mac":"${vm.mac}","bus":"pci.0","addr":"0x3"}' \\
-incoming defer \\
-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny \\
-msg timestamp=on
`;
}

/** What QEMU's log of the VM says, on both hosts. */
export function qemuMigration(move: Move, write: Write): void {
  const { source, destination, at, tookMs, end } = move;
  if (end === 'connection-refused') return;
  write(destination, at + 100, qemuStart({ ...move, at: at + 100 }));
  if (end === 'cpu-incompatible') {
    write(destination, at + 150, `${utc(at + 150)}+0000: shutting down, reason=failed\n`);
    return;
  }
  write(source, at + START_MS, `${utc(at + START_MS)}+0000: initiating migration\n`);
  const done = at + tookMs - CLIENT_MS;
  const [host, reason] = end === 'completed' ? ([source, 'migrated'] as const) : ([destination, 'failed'] as const);
  write(
    host,
    done,
    `${utc(done)}+0000: shutting down, reason=${reason}\n${iso(done + 2).replace('Z', '417Z')} qemu-system-x86_64: terminating on signal 15 from pid 5974 (libvirtd)\n`,
  );
  if (end === 'completed') return;
  write(source, done, `${iso(done).replace('Z', '201Z')} qemu-system-x86_64: migration was cancelled\n`);
}

const MONITOR = 'QEMU_MONITOR_RECV_';

/** What the daemons' logs say, the monitor's traffic included (log filter `2:qemu.qemu_monitor`). */
export function daemonMigration(move: Move, write: Write): void {
  const { vm, source, destination, at, tookMs, end } = move;
  const event = (host: Host, now: number, content: string): void =>
    write(
      host,
      now,
      `${utc(now)}+0000: 22358: info : qemuMonitorJSONIOProcessLine:203 : ${MONITOR}EVENT: mon=${vm.monitor} event={"timestamp": {"seconds": ${Math.floor(now / 1000)}, "microseconds": 77589}, ${content}}\n`,
    );
  const failed = (host: Host, now: number, text: string): void =>
    write(host, now, `${utc(now)}+0000: 6041: error : qemuMigrationSrcIsAllowed:1412 : ${text}\n`);
  if (end === 'connection-refused')
    return failed(source, at + tookMs - 5, "unable to connect to server at '10.77.0.2:16509': Connection refused");
  if (end === 'cpu-incompatible')
    return failed(
      destination,
      at + tookMs - 9,
      'unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f, avx512dq',
    );
  write(
    destination,
    at + 110,
    `${utc(at + 110)}+0000: 6053: warning : qemuDomainObjTaint:6180 : Domain id=12 name='${vm.name}' uuid=${vm.uuid} is tainted: high-privileges\n`,
  );
  write(
    destination,
    at + 140,
    `${utc(at + 140)}+0000: 22358: info : qemuMonitorJSONIOProcessLine:208 : ${MONITOR}REPLY: mon=${vm.monitor} reply={"return": [{"frontend-open": true, "filename": "unix:/var/lib/libvirt/qemu/domain-12-${vm.name}/monitor.sock,server=on", "label": "charmonitor"}], "id": "libvirt-4"}\n`,
  );
  event(source, at + START_MS, '"event": "MIGRATION", "data": {"status": "setup"}');
  event(source, at + START_MS + 3, '"event": "MIGRATION_PASS", "data": {"pass": 1}');
  event(source, at + START_MS + 5, '"event": "MIGRATION", "data": {"status": "active"}');
  for (const { at: now, counters } of polls(move)) {
    write(
      source,
      now,
      `${utc(now)}+0000: 22358: info : qemuMonitorJSONIOProcessLine:208 : ${MONITOR}REPLY: mon=${vm.monitor} reply=${JSON.stringify({ return: queryMigrate(counters), id: 'libvirt-438' })}\n`,
    );
  }
  const done = at + tookMs - CLIENT_MS;
  if (end === 'time-limit') return failed(source, done, 'operation aborted: migration out job: canceled by client');
  event(source, done - 90, '"event": "STOP"');
  event(source, done - 10, '"event": "MIGRATION", "data": {"status": "completed"}');
  event(destination, done - 20, '"event": "RESUME"');
}

/** The daemon's day: the monitor's other traffic, and texts that mean nothing here. */
export function daemonNoise(plan: Plan, random: Random): (at: number) => string {
  return (at) => {
    const { monitor, name } = random.pick(plan.vms);
    const head = `${utc(at)}+0000: ${random.whole(6000, 6060)}: `;
    const chance = random.next();
    if (chance < 0.01) return `${head}error : virNetSocketReadWire:1791 : End of file while reading data: Input/output error\n`;
    if (chance < 0.011)
      return `${head}warning : qemuDomainObjBeginJobInternal:934 : Cannot start job (query, none, none) in API remoteDispatchDomainMemoryStats for domain ${name}; current job is (none, none, none)\n`;
    if (chance < 0.6)
      return `${head}info : qemuMonitorSend:861 : QEMU_MONITOR_SEND_MSG: mon=${monitor} msg={"execute":"qom-get","arguments":{"path":"/machine/peripheral/balloon0","property":"guest-stats"},"id":"libvirt-${random.whole(100, 99999)}"}\n`;
    return `${head}info : qemuMonitorJSONIOProcessLine:208 : ${MONITOR}REPLY: mon=${monitor} reply={"return": {"stats": {"stat-htlb-pgalloc": 0, "stat-swap-out": 0, "stat-available-memory": ${random.whole(1e8, 9e9)}, "stat-htlb-pgfail": 0, "stat-free-memory": ${random.whole(1e8, 9e9)}, "stat-minor-faults": ${random.whole(1e6, 9e8)}, "stat-major-faults": 1205, "stat-total-memory": 4115030016, "stat-swap-in": 0, "stat-disk-caches": 1312890880}, "last-update": ${Math.floor(at / 1000)}}, "id": "libvirt-${random.whole(100, 99999)}"}\n`;
  };
}

/** What the poller of `virsh domjobinfo` writes. */
export function pollerMigration(move: Move, write: Write): void {
  for (const { at, counters } of polls(move)) {
    write(
      move.source,
      at,
      `${JSON.stringify({ at: iso(at), vm: move.vm.name, domjobinfo: domjobinfo(counters), 'query-migrate': queryMigrate(counters) })}\n`,
    );
  }
}

export function pollerNoise(plan: Plan, random: Random): (at: number) => string {
  return (at) =>
    `${JSON.stringify({ at: iso(at), vm: random.pick(plan.vms).name, domjobinfo: 'Job type:         None        \n\n', 'query-migrate': {} })}\n`;
}
