/** Texts of libvirtd and virtqemud about one thing that can bear on a migration or a VM's life. */
export interface DaemonTopic {
  readonly name: string;
  readonly versions: string;
  /** Literal beginnings, four characters or more: every text that `message` matches has one of them. */
  readonly starts: readonly string[];
  readonly message: RegExp;
}

/**
 * Which warnings and errors are kept. Whole prefixes of `virErrorMsgStrings` where nearly all texts behind one are about domains;
 * the texts themselves behind `internal error: ` and where libvirt prints no prefix, since start-up and host management use those too.
 * Source: facts of libvirt 9.0.0 and 11.3.0 (src/qemu, src/hypervisor, src/cpu, src/rpc, src/locking), recordings of 7.0, 9.0 and 11.3.
 */
export const DAEMON_TOPICS: readonly DaemonTopic[] = [
  {
    name: 'cpu',
    versions: 'all; `guest and host CPU are not compatible` before 9.0',
    starts: [
      'the CPU is incompatible',
      'unknown host CPU',
      'Preferred CPU model',
      'operation failed: ',
      'unsupported configuration: ',
    ],
    message:
      /^(?:the CPU is incompatible with host CPU|unknown host CPU|Preferred CPU model|(?:operation failed|unsupported configuration): (?:[^\n]* )?CPUs?\b)/,
  },
  {
    name: 'job',
    versions: "all; `migration out job: …` before 9.0, `job 'migration out' …` since",
    starts: ['operation failed: ', 'operation aborted: ', 'migration successfully aborted', 'finish step ignored'],
    message:
      /^(?:operation aborted: |migration successfully aborted|finish step ignored that migration was cancelled|operation failed: (?!(?:storage|pool|network|nwfilter|secret|interface)\b))/i,
  },
  {
    name: 'qemu-gone',
    versions: 'all; `QEMU` and `(vm=…)` in 11.3',
    starts: [
      'internal error: ',
      'Unable to read from monitor',
      'Unable to write to monitor',
      'failed to connect to monitor socket',
    ],
    message:
      /^(?:internal error: (?:qemu unexpectedly closed the monitor|process exited (?:while connecting to monitor|prior to exec)|end of file from qemu monitor|guest unexpectedly quit|resume operation failed|failed to monitor qemu in-shutdown process|(?:invalid file descriptor while waiting for|unable to wait on|error while processing) monitor|QEMU monitor reply exceeds)|unable to (?:read from|write to) monitor|failed to connect to monitor socket)/i,
  },
  {
    name: 'qmp',
    versions: 'all',
    starts: ['internal error: '],
    message:
      /^internal error: (?:unable to execute QEMU command '|unexpected (?:JSON reply|migration status|migration schema|type returned by QEMU)|Missing monitor reply object|(?:disk |vfio )?migration was active, but|query-dirty-rate|Unknown dirty)/i,
  },
  {
    name: 'connection',
    versions: 'all; `received hangup event` in 11.x; `No response from client` up to 1.2, at debug since',
    starts: [
      'internal error: ',
      'No response from client',
      'unable to connect to server',
      'Unable to resolve address',
      'Failed to connect socket to',
      'End of file while ',
      'Cannot recv data: ',
      'Cannot write data: ',
      'Could not queue keepalive',
      'Failed to send keepalive',
      'Failed to generate keepalive',
      'Refusing to send unknown keepalive',
      'Client hit max requests limit',
      'Failed to recv file descriptor',
    ],
    message:
      /^(?:internal error: (?:connection closed due to keepalive timeout|keepalive interval|client socket is closed|connection not open|received (?:hangup|error) event on socket|Cannot resolve )|unable to connect to server at |Unable to resolve address |Failed to connect socket to |End of file while (?:reading|writing) data|Cannot (?:recv|write) data|No response from client \S+ after \d+ keepalive messages|Could not queue keepalive|Failed to (?:send|generate) keepalive|Refusing to send unknown keepalive|Client hit max requests limit|Failed to recv file descriptor)/,
  },
  {
    name: 'tls',
    versions: 'all',
    starts: [
      'authentication failed: ',
      'Certificate ',
      'The CA certificate',
      'The server certificate',
      'The client certificate',
      'The certificate',
      'Our own certificate',
      'Only x509',
      'Unable to verify ',
      'Unable to load certificate',
      'Unable to set x509',
      'server verification',
      'Failed to get certificate',
      'Failed to verify peer',
    ],
    message:
      /^(?:authentication failed: |Certificate |The (?:CA |server |client )?certificate |Our own certificate |Only x509 certificates|Unable to verify (?:TLS peer|server certificate|client certificate)|Unable to load certificate|Unable to set x509|server verification \(|Failed to get certificate|Failed to verify peer)/,
  },
  {
    name: 'ports',
    versions: 'all',
    starts: ['internal error: ', 'Unable to bind to port'],
    message: /^(?:internal error: (?:Unable to find an unused port in range|Failed to reserve port)|Unable to bind to port)/,
  },
  {
    name: 'state-lock',
    versions: 'all; `(held by …)` in 9.0 on',
    starts: ['Timed out during operation: ', 'Cannot start job (', 'cannot acquire job mutex'],
    message: /^(?:Timed out during operation: |Cannot start job \(|cannot acquire job mutex)/,
  },
  {
    name: 'unsafe-or-unsupported',
    versions: 'all',
    starts: [
      'Unsafe migration: ',
      'unsupported configuration: ',
      'XML error: ',
      'block copy still active: ',
      'Hook script execution failed: ',
    ],
    message:
      /^(?:Unsafe migration: |unsupported configuration: |XML error: |block copy still active: |Hook script execution failed: )/,
  },
  {
    name: 'blocked',
    versions: 'all; `Requested operation is not valid` is at debug unless the log filters say otherwise',
    starts: [
      'Requested operation is not valid: ',
      'Operation not supported: ',
      'argument unsupported: ',
      'invalid argument: ',
      'numerical overflow: ',
      'this function is not supported by the connection driver: ',
    ],
    message:
      /^(?:Requested operation is not valid|Operation not supported|argument unsupported|invalid argument|numerical overflow|this function is not supported by the connection driver): [^\n]*?(?:migrat|post-?copy|NBD|RDMA|zero-copy|bandwidth must|block job|auto destroy|invtsc|dimm|compression|auto convergence|parallel |TLS|disks? (?:URI|path|target|port)|UNIX disks|URI scheme|tcp scheme|listen address|IPv6|nbd port|tlsPort)/i,
  },
  {
    name: 'protocol',
    versions: 'all',
    starts: ['internal error: '],
    message:
      /^internal error: [^\n]*?(?:migrat|cookie|hostname on destination|lock ?state|lock driver|tunnel|dconnuri|block job data|non-shared|OVS port data|blockDirtyBitmaps|async job|precreate storage|host UUID|nbd port|no domain XML|server cert|cert object|cert data|cert distinguished|block node|Malformed disk|Can't find disk|missing feature name|unknown graphics type)/i,
  },
  {
    name: 'storage',
    versions: 'all',
    starts: ['Cannot access storage file', 'Cannot access backing file'],
    message: /^Cannot access (?:storage|backing) file /,
  },
  {
    name: 'disk-lock',
    versions: 'all; virtlockd and sanlock',
    starts: [
      'resource busy: ',
      'internal error: ',
      'Unable to acquire lock on ',
      'Failed to acquire lock',
      'Failed to inquire lock',
      'Failed to release lock',
      'Failed to register lock failure action',
      'Failed to open socket to sanlock',
      'Failed to restrict process',
    ],
    message:
      /^(?:resource busy: |Unable to acquire lock on |(?:internal error: )?Failed to (?:(?:acquire|inquire|release) lock|register lock failure action|open socket to sanlock|restrict process)|internal error: Automatic disk lease mode)/,
  },
  {
    name: 'network-device',
    versions: 'all; the bridge of a NIC is missing on this host',
    starts: ['Cannot get interface MTU on ', 'Unable to add bridge ', 'internal error: '],
    message:
      /^(?:Cannot get interface MTU on |Unable to add bridge \S+ port |internal error: Unable to add port \S+ to OVS bridge )/,
  },
  {
    name: 'guest-paused',
    versions: 'all',
    starts: ['Transitioned guest ', 'Failed to resume guest ', 'Guest ', "Guest's CPUs", 'Could not resume domain'],
    message:
      /^(?:Transitioned guest |Failed to resume guest |Guest \S+ probably left in 'paused' state|Guest's CPUs stopped|Could not resume domain )/,
  },
  {
    name: 'aftermath',
    versions: 'all',
    starts: [
      'Migration of domain ',
      'Incoming migration of domain ',
      'The connection which controls migration',
      'Could not cancel ongoing migration',
      'Could not get stats for completed job',
      'Could not refresh migration statistics',
      'Failed to make domain persistent',
      'Failed to save migration error',
      'Failed to save status on vm',
      'Failed to set security context for monitor',
      'Failed to clear security context for monitor',
      'QEMU is too old, we may report',
      'failed to re-activate block nodes',
      'failed to close migration handle',
      'Unable to stop NBD server',
      'Unable to encode migration cookie',
      'unable to provide ',
      "'migration ",
      'This thread doesn',
      'Async job starts in the future',
      'poll failed in migration tunnel',
      'tunnelled migration failed',
      'failed to wakeup migration tunnel',
      'Unable to create migration thread',
      'cannot create pipe for tunnelled',
      'cannot pass pipe for tunnelled',
    ],
    message:
      /^(?:(?:Incoming m|M)igration of domain |The connection which controls migration|Could not (?:cancel ongoing migration|get stats for completed job|refresh migration statistics)|Failed to (?:make domain persistent after migration|save migration error|save status on vm|(?:set|clear) security context for monitor)|QEMU is too old, we may report|failed to (?:re-activate block nodes|close migration handle|wakeup migration tunnel)|Unable to (?:stop NBD server|encode migration cookie|create migration thread)|unable to provide (?:data for graphics client|network data for) relocation|'migration (?:in|out)' async job is owned|This thread doesn't seem to be the async job owner|Async job starts in the future|poll failed in migration tunnel|tunnelled migration failed|cannot (?:create|pass) pipe for tunnelled migration)/,
  },
  {
    name: 'daemon-broken',
    versions: 'all',
    starts: ['Initialization of QEMU state driver failed', 'Driver state initialization failed'],
    message: /^(?:Initialization of QEMU state driver failed|Driver state initialization failed)/,
  },
];
