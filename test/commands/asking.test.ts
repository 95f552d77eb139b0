import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../ingest/following.ts';
import { builtProgram, type BuiltProgram, type Started } from './built-program.ts';

/** What `precopy query`, `tail`, `doctor` and `schema` say of a real instance, while it runs and when it does not. */

const RECORDING = 'recordings/libvirt-9.0/cpu-incompatible/hosts';
const LOGS = {
  agent: ['var/log/cloudstack/agent/agent.log', 'cloudstack-agent'],
  libvirtd: ['var/log/libvirt/libvirtd.log', 'libvirtd'],
  qemu: ['var/log/libvirt/qemu/i-2-12-VM.log', 'libvirt-qemu'],
} as const;
/** A program starts in a second, and opens the engine in another one; the machine may be busy. */
const PATIENCE = { timeoutMs: 30_000, everyMs: 20 };

let program: BuiltProgram;
let folder = '';
let config = '';

beforeAll(() => {
  program = builtProgram();
  folder = mkdtempSync(join(tmpdir(), 'precopy-asking-'));
  config = join(folder, 'precopy.yaml');
  const files = ['kvm-a', 'kvm-b'].flatMap((host) =>
    Object.entries(LOGS).map(([name, [, source]]) => ({
      path: join(folder, host, `${name}.log`),
      source,
      host,
      ...(source === 'cloudstack-agent' ? { timezone: 'Europe/Berlin' } : {}),
      history: '20000d',
    })),
  );
  writeFileSync(
    config,
    JSON.stringify({
      cluster: 'c1',
      data: join(folder, 'data'),
      api: { listen: '127.0.0.1:0' },
      collect: { files, virsh: null, sensors: null, arp: null, heartbeat: null, journal: null, hostFacts: null },
      // rows of recordings are old by the time a test runs
      store: {
        ttlDays: Object.fromEntries(
          ['lines', 'events', 'samples', 'migrations', 'findings', 'rejected', 'ranges', 'hostFacts'].map((table) => [
            table,
            20_000,
          ]),
        ),
      },
    }),
  );
}, 60_000);
afterAll(() => {
  program.endAll();
  rmSync(folder, { recursive: true, force: true });
});

/** Both hosts write what they wrote in the recording. */
function migrate(): void {
  for (const host of ['kvm-a', 'kvm-b'])
    for (const [name, [path]] of Object.entries(LOGS)) {
      const file = join(folder, host, `${name}.log`);
      mkdirSync(dirname(file), { recursive: true });
      appendFileSync(file, readFileSync(join(RECORDING, host, path)));
    }
}

async function up(): Promise<Started> {
  const started = program.start(['up', '-c', config]);
  await until(() => started.complained().includes('up runs'), PATIENCE);
  return started;
}

async function ends(started: Started, signal: NodeJS.Signals): Promise<void> {
  started.child.kill(signal);
  await until(() => started.state() !== null || `still running, said ${started.complained().slice(-500)}`, PATIENCE);
  expect(started.state()).toBe(0);
}

describe('before anything was stored', () => {
  test.each([
    [['query', 'migrations'], /^precopy: nothing is stored in \S+\/data, and no instance runs on it\n {2}start one: precopy up/],
    [['doctor'], /^precopy: nothing is stored in \S+\/data/],
    [['tail'], /^precopy: no instance runs on \S+\/data\n {2}start one: precopy up/],
  ])('%j says so, and what to do', (args, stderr) => {
    expect(program.run([...args, '-c', config])).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(stderr) });
  });
});

const BACKTEST = ['backtest', '--detector', 'downtime-exceeded', '--limit'];

describe('bad usage is refused in one line and a hint', () => {
  test.each([
    [['query'], 'precopy: no question given\n  there are migrations, findings'],
    [['query', 'migratons'], 'precopy: no question is named migratons\n  did you mean migrations?\n'],
    [['query', 'timeline', 'a', 'b'], 'precopy: b: too many words\n'],
    [['query', 'timeline', 'a', '--vm', 'b'], 'precopy: two VMs: a and b\n'],
    [['query', 'cpu', '--since', 'yesterday'], 'precopy: --since yesterday: not a time\n  write it as 24h, 7d before now'],
    [['query', 'cpu', '--since', '0001-01-01'], 'precopy: --since 0001-01-01: not a time\n'],
    [['query', 'cpu', '--since', '1h', '--until', '2h'], 'precopy: --since is not before --until\n'],
    [['query', 'cpu', '--limit', '0'], 'precopy: --limit 0: not a number of rows\n'],
    [['query', 'cpu', '--format', 'xml'], 'precopy: --format xml: no such format\n  formats are table, json, csv\n'],
    [['query', 'cpu', '--sql', 'SELECT 1'], 'precopy: cpu: a question, and --sql\n'],
    [['query', '--sql', 'SELECT 1', '--since', '1h'], 'precopy: --since with --sql\n'],
    [['query', '--all'], "precopy: Unknown option '--all'\n  see precopy query --help\n"],
    [['backtest'], 'precopy: no detector given\n  precopy backtest --detector'],
    [
      ['backtest', '--detector', 'downtme-exceeded'],
      '--detector downtme-exceeded: no detector downtme-exceeded\n  did you mean downtime-exceeded?\n',
    ],
    [
      ['backtest', '--detector', 'downtime-exceeded'],
      'precopy: no limit given\n  limits of downtime-exceeded: adviseMs, warnMs (',
    ],
    [[...BACKTEST, 'warnMS=1'], 'precopy: --limit warnMS=1: no limit warnMS\n  did you mean warnMs?\n'],
    [
      [...BACKTEST, 'warnMs=0'],
      'expected number to be >=1\n  warnMs takes: integer from 1 (downtime from which to warn, ms; default 1000)\n',
    ],
    [[...BACKTEST, 'warnMs=soon'], 'precopy: --limit warnMs=soon: not a number\n  warnMs takes: integer from 1'],
    [[...BACKTEST, 'warnMs'], 'precopy: --limit warnMs: not of the form NAME=NUMBER\n  for example --limit warnMs=2000\n'],
    [[...BACKTEST, 'post-copy.warnMs=1'], 'a limit of another detector than downtime-exceeded\n'],
    [[...BACKTEST, 'warnMs=5', '--since', '1h', '--until', '2h'], 'precopy: --since is not before --until\n'],
    [['doctor', '--since', '1y'], 'precopy: --since 1y: not a time\n'],
    [['tail', 'x'], 'precopy: Unexpected argument'],
    [['schema', '--fix'], "precopy: Unknown option '--fix'\n"],
  ])('%j', (args, stderr) => {
    expect(program.run([...args, '-c', config])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining(stderr),
    });
  });

  test.each(['query', 'tail', 'doctor', 'backtest', 'schema'])('%s --help', (name) => {
    expect(program.run([name, '--help'])).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('Exit status: 0'),
    });
  });
});

test('an instance is asked while it runs, followed, and its folder is read when it does not', { timeout: 120_000 }, async () => {
  let instance = await up();
  expect(program.run(['query', 'migrations', '-c', config])).toMatchObject({
    status: 0,
    stdout: '',
    stderr: 'precopy: no rows\n',
  });
  const tail = program.start(['tail', '-c', config]);
  const events = program.start(['tail', '--events', '--host', 'kvm-b', '-c', config]);
  await until(
    () => tail.complained().includes('following process') && events.complained().includes('following process'),
    PATIENCE,
  );
  migrate();

  await until(() => /cpu-incompatible {3}i-2-12-VM/.test(tail.printed()), PATIENCE);
  expect(tail.printed()).toMatch(/^migration {2}failed {2}2026-11-23 04:42:\d\d {2}i-2-12-VM {3}kvm-a → kvm-b/m);
  expect(tail.printed()).toMatch(/^CRITICAL {2}cpu-incompatible {3}i-2-12-VM {3}kvm-a → kvm-b {3}2026-11-23 04:42:33$/m);
  expect(tail.printed()).toMatch(/^ {2}now {6}kvm-a {2}running {2}follows: /m);
  expect(tail.printed()).toMatch(/^ {2}do {7}/m);
  expect(tail.printed()).not.toContain('migrate-requested');
  await until(() => events.printed().includes('domain-stopped'), PATIENCE);
  expect(events.printed()).toMatch(/^04:42:36\.\d{3} {2}kvm-b {2}domain-stopped {2}i-2-12-VM {2}shutting down, reason=failed$/m);
  expect(events.printed()).not.toMatch(/^\S+ {2}kvm-a {2}/m);

  const remote = asked();
  expect(remote.json[0]).toMatchObject({
    startedAt: '2026-11-23T04:42:33.092Z',
    vm: 'i-2-12-VM',
    outcome: 'failed',
    downtimeMs: null,
  });
  const diagnosis = program.run(['doctor', '-c', config]);
  expect(diagnosis.stdout).toMatch(/^ok {4}instance: process \d+ has \S+ open$/m);
  expect(diagnosis.stdout).toMatch(/^ok {4}loss: .*: no gap, no overlap$/m);
  expect(diagnosis.stdout).toMatch(/^ok {4}lag: every chunk is processed$/m);
  expect(diagnosis.status).toBe(0);
  expect(program.run(['schema', '--apply', '-c', config])).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^precopy: \S+ is in use by process \d+\n {2}one instance works on a data folder/),
  });
  expect(program.run(['query', '--sql', "SELECT file('/etc/passwd')", '-c', config])).toMatchObject({
    status: 2,
    stderr: 'precopy: Only reading the tables of Precopy is allowed, not file\n  precopy schema lists tables and columns.\n',
  });

  await ends(instance, 'SIGTERM');
  await until(() => tail.complained().includes('waiting for it'), PATIENCE);
  expect(asked()).toEqual(remote);
  expect(program.run(['doctor', '--files', '-c', config]).stdout).toMatch(
    /^warn {2}instance: none has \S+ open: nothing is stored\s+now\n {8}precopy up starts one\nok {4}loss: [^]*kvm-a \S+agent\.log: bytes 0 to \d+, lines 1 to \d+/m,
  );
  expect(program.run(['schema', '--apply', '-c', config])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/schema version \d+\n$/),
  });

  instance = await up();
  await until(() => (tail.complained().match(/following process/g) ?? []).length === 2, PATIENCE);
  expect(tail.complained().match(/waiting for it/g)).toHaveLength(1);
  for (const follower of [tail, events]) await ends(follower, 'SIGINT');
  await ends(instance, 'SIGTERM');
});

interface Asked {
  readonly json: readonly Readonly<Record<string, unknown>>[];
  readonly answers: readonly unknown[];
}

/** The same questions, whoever answers. */
function asked(): Asked {
  const ask = (...args: readonly string[]) => program.run(['query', ...args, '-c', config]);
  const json = ask('migrations', '--format', 'json');
  expect(json).toMatchObject({ status: 0, stderr: '' });
  const csv = ask('timeline', 'i-2-12-VM', '--limit', '2', '--format', 'csv');
  expect(csv.stderr).toMatch(/^precopy: the first 2 rows; there may be more: --limit 20\n$/);
  expect(csv.stdout).toMatch(/^at,host,source,kind,text\r\n2026-11-23T04:42:[\d.]+Z,kvm-/);
  const table = ask('migrations');
  expect(table.stdout).toMatch(/^2026-11-23, times are UTC\nstarted {3}vm /);
  expect(ask('migrations', '--until', '2026-11-23T04:42')).toMatchObject({
    status: 0,
    stdout: '',
    stderr: expect.stringContaining('no rows'),
  });
  const sql = ask('--sql', 'SELECT host, max(at) AS at, count() AS n FROM lines GROUP BY host ORDER BY host', '--format', 'json');
  expect((JSON.parse(sql.stdout) as readonly unknown[])[0]).toMatchObject({
    host: 'kvm-a',
    at: expect.stringMatching(/^2026-.*Z$/),
  });
  const piped = program.run(['query', '--sql', 'SELECT number FROM numbers(200000)', '--limit', '300000', '-c', config], {
    shell: '"$0" "$@" | head -2; echo ${PIPESTATUS[0]}',
  });
  expect(piped).toMatchObject({ stdout: 'number\n     0\n0\n', stderr: '' });
  const limit = ['--limit', 'clock-skew.warnMs=1', '--since', '2026-11-22', '--until', '2026-11-24'];
  const backtest = program.run(['backtest', '--detector', 'clock-skew', ...limit, '-c', config]);
  expect(backtest).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringMatching(/^With clock-skew\.warnMs=1 instead of 2000, [^]*\nnot judged: c1, 2026-11-22 00:00:00 to /),
  });
  return { json: JSON.parse(json.stdout) as Asked['json'], answers: [csv, table, sql.stdout.slice(0, 10), backtest] };
}
