import type { Sample } from '../parser.ts';

/** A record of libvirtd's log and the event it must yield. */
function sample(head: string, text: string, vm: string | null = null): Sample {
  const level = head.includes(' warning ') ? 'warning' : 'error';
  return {
    record: `${head}${text}`,
    at: `${head.slice(0, 10)}T${head.slice(11, 23)}Z`,
    events: [{ kind: 'daemon-message', level, vm, text }],
  };
}

/** A template that no recording holds, filled in, behind the function that prints it and a time and thread of our own. */
function error(printer: string, text: string, vm: string | null = null): Sample {
  return sample(`2026-11-23 04:44:30.862+0000: 31445: error : ${printer} : `, text, vm);
}

function warning(printer: string, text: string, vm: string | null = null): Sample {
  return sample(`2026-11-23 04:44:30.862+0000: 31445: warning : ${printer} : `, text, vm);
}

/** By topic; real records first. */
export const DAEMON_SAMPLES: Readonly<Record<string, readonly Sample[]>> = {
  cpu: [
    sample(
      '2026-11-23 21:45:25.935+0000: 10073: error : virCPUx86UpdateLive:3134 : ',
      "operation failed: guest CPU doesn't match specification: missing features: la57",
    ),
    sample(
      '2026-11-23 04:42:36.595+0000: 29327: error : virCPUx86UpdateLive:3113 : ',
      "operation failed: guest CPU doesn't match specification: missing features: vaes,la57",
    ),
    sample(
      '2026-11-23 21:28:59.792+0000: 23065: error : virCPUx86UpdateLive:3261 : ',
      "operation failed: guest CPU doesn't match specification: missing features: vaes,la57",
    ),
    error(
      'virCPUCompareUnusable:232',
      'the CPU is incompatible with host CPU: Host CPU does not provide required features: avx512f, avx512dq',
    ),
    error(
      'virCPUx86Compare:2080',
      'unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f',
    ),
    warning(
      'x86Decode:2324',
      'Preferred CPU model Cascadelake-Server not allowed by hypervisor; closest supported model will be used',
    ),
  ],
  job: [
    sample(
      '2026-11-23 21:49:28.012+0000: 13420: error : qemuMigrationJobCheckStatus:1696 : ',
      'operation aborted: migration out job: canceled by client',
    ),
    sample(
      '2026-11-23 04:51:11.984+0000: 3942: error : qemuMigrationJobCheckStatus:1880 : ',
      "operation aborted: job 'migration out' canceled by client",
    ),
    sample(
      '2026-11-23 21:39:28.690+0000: 32316: error : qemuMigrationJobCheckStatus:2053 : ',
      "operation aborted: job 'migration out' canceled by client",
    ),
    sample(
      '2026-11-23 21:46:43.051+0000: 11144: error : qemuMigrationJobCheckStatus:1690 : ',
      'operation failed: migration out job: Unable to write to socket: Broken pipe',
    ),
    sample(
      '2026-11-23 04:44:30.862+0000: 31445: error : qemuMigrationJobCheckStatus:1869 : ',
      "operation failed: job 'migration out' failed: Unable to write to socket: Bad file descriptor",
    ),
    sample(
      '2026-11-23 21:30:08.606+0000: 24242: error : qemuMigrationJobCheckStatus:2042 : ',
      "operation failed: job 'migration out' failed: Channel error: Input/output error",
    ),
    sample(
      '2026-11-23 21:39:28.698+0000: 32297: error : qemuMigrationJobCheckStatus:2042 : ',
      "operation failed: job 'migration in' failed: load of migration failed: Invalid argument",
    ),
    sample(
      '2026-11-23 04:50:46.620+0000: 4676: error : qemuMigrationJobCheckStatus:1873 : ',
      "operation failed: job 'migration out' unexpectedly failed",
    ),
    sample(
      '2026-11-23 21:46:44.620+0000: 11151: error : qemuDomainObjEnterMonitorInternal:5685 : ',
      'operation failed: domain is no longer running',
    ),
    sample('2026-11-24 06:56:37.473+0000: 31989: error : qemuMigrationDstFinish:6832 : ', 'migration successfully aborted'),
    sample(
      '2026-11-24 07:01:34.444+0000: 6859: error : qemuMigrationJobCheckStatus:1886 : ',
      "operation failed: job 'migration in' failed in post-copy phase",
    ),
    sample(
      '2026-11-24 07:05:19.791+0000: 12898: error : virDomainObjListAddLocked:319 : ',
      "operation failed: domain 'i-2-394-VM' already exists with uuid 3bb9a2cc-4167-44a4-9097-0a3ce0fd24a3",
      'i-2-394-VM',
    ),
  ],
  'qemu-gone': [
    sample(
      '2026-11-23 21:46:43.005+0000: 11284: error : qemuProcessReportLogError:2154 : ',
      'internal error: qemu unexpectedly closed the monitor',
    ),
    sample(
      '2026-11-23 21:49:27.965+0000: 13529: error : qemuProcessReportLogError:2156 : ',
      `internal error: qemu unexpectedly closed the monitor: 2026-11-23T21:49:27.938140Z qemu-system-x86_64: Unknown combination of migration flags: 0x0
2026-11-23T21:49:27.938191Z qemu-system-x86_64: error while loading state section id 2(ram)
2026-11-23T21:49:27.938225Z qemu-system-x86_64: load of migration failed: Invalid argument`,
    ),
    sample(
      '2026-11-23 04:50:46.636+0000: 4858: error : qemuProcessReportLogError:1971 : ',
      `internal error: qemu unexpectedly closed the monitor: 2026-11-23T04:50:46.614447Z qemu-system-x86_64: Features 0x10130afffa7 unsupported. Allowed features: 0x10179bf7fe7
2026-11-23T04:50:46.614519Z qemu-system-x86_64: Failed to load virtio-net:virtio
2026-11-23T04:50:46.614523Z qemu-system-x86_64: error while loading state for instance 0x0 of device '0000:00:02.0/virtio-net'
2026-11-23T04:50:46.614539Z qemu-system-x86_64: load of migration failed: Operation not permitted`,
    ),
    sample(
      '2026-11-23 21:30:08.533+0000: 24417: error : qemuProcessReportLogError:1969 : ',
      "internal error: QEMU unexpectedly closed the monitor (vm='i-2-95-VM')",
      'i-2-95-VM',
    ),
    sample('2026-11-23 21:46:43.005+0000: 11284: error : qemuMonitorIO:582 : ', 'internal error: End of file from qemu monitor'),
    sample(
      '2026-11-23 04:50:46.636+0000: 4858: error : qemuMonitorIORead:423 : ',
      'Unable to read from monitor: Connection reset by peer',
    ),
  ],
  qmp: [
    sample(
      '2026-11-23 04:51:36.752+0000: 5608: error : qemuMonitorJSONCheckErrorFull:366 : ',
      "internal error: unable to execute QEMU command 'cont': Could not open '/mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5/d9634f51-b2ca-4b9b-bdfa-536e35c6e7c4': Read-only file system",
    ),
    sample(
      '2026-11-24 06:59:49.520+0000: 3900: error : qemuMonitorJSONCheckErrorFull:366 : ',
      `internal error: unable to execute QEMU command 'cont': Failed to get "write" lock`,
    ),
  ],
  connection: [
    sample(
      '2026-11-23 21:46:48.465+0000: 10746: error : virKeepAliveTimerInternal:137 : ',
      'internal error: connection closed due to keepalive timeout',
    ),
    sample(
      '2026-11-23 04:43:47.656+0000: 30323: error : virKeepAliveTimerInternal:134 : ',
      'internal error: connection closed due to keepalive timeout',
    ),
    sample(
      '2026-11-23 04:51:33.000+0000: 5010: error : virNetSocketReadWire:1793 : ',
      'End of file while reading data: Input/output error',
    ),
    sample(
      '2026-11-24 06:56:39.008+0000: 31806: error : virNetSocketNewConnectTCP:627 : ',
      "unable to connect to server at '10.77.0.99:49152': No route to host",
    ),
    sample(
      '2026-11-24 06:56:57.727+0000: 32341: error : virNetSocketNewConnectTCP:600 : ',
      "Unable to resolve address 'no-such-host.invalid' service '49152': Temporary failure in name resolution",
    ),
    warning('virKeepAliveTimerInternal:140', 'No response from client 0x2b0c673355a0 after 5 keepalive messages in 30 seconds'),
    warning(
      'virNetServerClientDispatchRead:1266',
      'Client hit max requests limit 5. This may result in keep-alive timeouts. Consider tuning the max_client_requests server parameter',
    ),
  ],
  tls: [
    error('virNetTLSContextCheckCertificate:539', "authentication failed: Failed to verify peer's certificate"),
    error('virNetTLSCertCheckDN:302', 'Certificate /etc/pki/libvirt/servercert.pem owner does not match the hostname kvm-b'),
    warning(
      'virNetTLSContextCheckCertificate:537',
      'Certificate check failed Certificate [session] owner does not match the hostname kvm-b',
    ),
  ],
  ports: [
    sample(
      '2026-11-24 07:08:42.873+0000: 18155: error : virPortAllocatorAcquire:236 : ',
      "internal error: Unable to find an unused port in range 'migration' (49200-49201)",
    ),
  ],
  'state-lock': [
    sample(
      '2026-11-24 07:06:23.682+0000: 14120: error : virDomainObjBeginJobInternal:468 : ',
      'Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainMigratePerform3Params)',
    ),
    sample(
      '2026-11-24 07:06:23.682+0000: 14120: warning : virDomainObjBeginJobInternal:433 : ',
      'Cannot start job (query, none, none) in API remoteDispatchDomainGetJobInfo for domain i-2-398-VM; current job is (async nested, none, migration out) owned by (14119 remoteDispatchDomainMigratePerform3Params, 0 <null>, 14119 remoteDispatchDomainMigratePerform3Params (flags=0x901)) for (30s, 0s, 30s)',
      'i-2-398-VM',
    ),
    sample(
      '2017-02-24 07:46:12.000+0000: 32745: warning : qemuDomainObjBeginJobInternal:1248 : ',
      'Cannot start job (modify, none) for domain web-1; current job is (none, migration in) owned by (0, 0)',
      'web-1',
    ),
  ],
  'unsafe-or-unsupported': [
    sample(
      '2026-11-24 07:05:04.792+0000: 12211: error : qemuMigrationSrcIsSafe:1629 : ',
      'Unsafe migration: Migration without shared storage is unsafe',
    ),
    error(
      'virDomainNetDefCheckABIStability:21340',
      'unsupported configuration: Target network card MTU 1500 does not match source 9000',
    ),
  ],
  blocked: [
    error(
      'qemuMigrationSrcIsAllowedHostdev:1458',
      "Operation not supported: cannot migrate a domain with <hostdev mode='subsystem' type='pci'>",
    ),
    {
      record:
        '2026-11-23 04:44:30.862+0000: 31445: debug : qemuMigrationSrcIsAllowed:1618 : Requested operation is not valid: domain has active block job',
      at: '2026-11-23T04:44:30.862Z',
      events: [
        {
          kind: 'daemon-message',
          level: 'error',
          vm: null,
          text: 'Requested operation is not valid: domain has active block job',
        },
      ],
    },
  ],
  protocol: [
    error(
      'qemuMigrationCookieXMLParse:1324',
      'internal error: Attempt to migrate guest to the same host 4c4c4544-0042-3010-8056-b4c04f4e3532',
    ),
    error(
      'qemuMigrationDstPrepareDirect:3930',
      'internal error: hostname on destination resolved to localhost, but migration requires an FQDN',
    ),
  ],
  storage: [
    error(
      'virStorageSourceReportBrokenChain:1314',
      "Cannot access storage file '/mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5/d9634f51-b2ca-4b9b-bdfa-536e35c6e7c4' (as uid:0, gid:0): No such file or directory",
    ),
  ],
  'disk-lock': [
    error('virLockSpaceAcquireResource:564', "resource busy: Lockspace resource '/mnt/5ca1759a/d9634f51' is locked"),
    error('virLockManagerSanlockAcquire:947', 'Failed to acquire lock: Device or resource busy'),
  ],
  'network-device': [
    sample(
      '2026-11-24 07:05:06.453+0000: 12490: error : virNetDevGetMTU:417 : ',
      "Cannot get interface MTU on 'brvm-117': No such device",
    ),
  ],
  'guest-paused': [
    warning('qemuProcessHandleIOError:886', 'Transitioned guest i-2-31-VM to paused state due to IO error', 'i-2-31-VM'),
    error('qemuMigrationSrcRestoreDomainState:298', 'Failed to resume guest i-2-31-VM after failure', 'i-2-31-VM'),
    warning('qemuMigrationSrcPerformPeer2Peer3:6014', "Guest i-2-31-VM probably left in 'paused' state on source", 'i-2-31-VM'),
  ],
  aftermath: [
    sample(
      '2026-11-23 04:46:48.692+0000: 715: warning : qemuMigrationSrcPostcopyFailed:1676 : ',
      'Migration of domain i-11-707-VM failed during post-copy; leaving the domain paused',
      'i-11-707-VM',
    ),
    sample(
      '2026-11-24 07:01:34.444+0000: 6859: warning : qemuMigrationDstPostcopyFailed:1708 : ',
      "Incoming migration of domain 'i-11-345-VM' failed during post-copy; leaving the domain running",
      'i-11-345-VM',
    ),
    warning(
      'qemuMigrationAnyConnectionClosed:2503',
      'The connection which controls migration of domain web01 was closed',
      'web01',
    ),
    sample(
      '2018-04-23 15:35:10.000+0000| 3571| warning | qemuMigrationAnyConnectionClosed:2503 | ',
      'The connection which controls migration of domain web01 was closed',
      'web01',
    ),
  ],
  'daemon-broken': [
    error(
      'virStateInitialize:660',
      'Initialization of QEMU state driver failed: start port 49210 must be less than end port 49210',
    ),
  ],
};
