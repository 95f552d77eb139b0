import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DEFAULT_SETTINGS } from '../src/commands/run-analysis.ts';
import { analyse } from '../src/reports/analysis.ts';
import { discover } from '../src/ingest/discover.ts';
import { hintPattern } from '../src/ingest/identify.ts';
import type { Readings } from '../src/model/input.ts';
import type * as readAllModule from '../src/ingest/read-all.ts';
import type * as parsersModule from '../src/parsers/index.ts';
import { analysisDocument, toDocument } from '../src/reports/json.ts';

const HEALTHY = 'recordings/libvirt-9.0/healthy';
const BROKEN = 'recordings/libvirt-9.0/cpu-incompatible';

const LINE =
  '2024-09-03 02:11:40,934 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:null) (logid:0c77d3e2) Migration thread of VM [i-5-77-VM] finished.\n';

/** Runs the built program as a user would. */
function precopy(...args: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status, stdout, stderr };
}

describe('the exit status of analyze', () => {
  test.each([
    ['nothing wrong', [HEALTHY], 0],
    ['something wrong', [BROKEN], 1],
    ['something wrong, but not that wrong', ['recordings/libvirt-9.0/missing-garp', '--fail-on', 'critical'], 0],
    ['advice only, and advice counts', [HEALTHY, '--fail-on', 'info'], 1],
    ['no such path', ['/nowhere'], 2],
    ['nothing readable', ['package.json'], 2],
    ['no path', [], 2],
    ['no such option', [HEALTHY, '--colour-me'], 2],
    ['no such zone', [HEALTHY, '--timezone', 'Mars/Olympus'], 2],
    ['no such kind', [HEALTHY, '--source', '*.log=syslogd'], 2],
    ['no such severity', [HEALTHY, '--fail-on', 'fatal'], 2],
    ['no such time', [HEALTHY, '--since', 'yesterday'], 2],
    ['times that are the wrong way round', [HEALTHY, '--since', '2026-11-24T00:00', '--until', '2026-11-23T00:00'], 2],
    ['a limit that makes it wrong', [HEALTHY, '--limit', 'downtime-exceeded.warnMs=10'], 1],
    ['a limit out of its range', [HEALTHY, '--limit', 'downtime-exceeded.warnMs=0'], 2],
  ] as const)('%s', (_what, args, status) => {
    expect(precopy('analyze', ...args).status).toBe(status);
  });
});

describe('analyze --html', () => {
  test('writes a page besides what it prints, and replaces the one before', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'precopy-page-')), 'incident.html');
    writeFileSync(file, 'old');
    const { status, stdout, stderr } = precopy('analyze', BROKEN, '--html', file);
    expect([status, stderr]).toEqual([1, '']);
    expect(stdout).toBe(precopy('analyze', BROKEN).stdout);
    expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>[^]*kvm-b lacks 2 CPU features[^]*<\/html>\s*$/);
    expect(readdirSync(dirname(file))).toEqual(['incident.html']);
  });

  test('says why it cannot be written, after the report', () => {
    const { status, stdout, stderr } = precopy('analyze', BROKEN, '--html', '/nowhere/incident.html');
    expect(status).toBe(2);
    expect(stdout).toContain('kvm-b lacks 2 CPU features');
    expect(stderr).toBe('precopy: /nowhere/incident.html cannot be written (ENOENT)\n  its folder has to exist\n');
  });
});

describe('explain and check', () => {
  test('a line and a finding are explained', () => {
    expect(precopy('explain', LINE.trim())).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('thread-ended (releases:'),
    });
    expect(precopy('explain', 'cpu-incompatible')).toMatchObject({ status: 0, stdout: expect.stringContaining('MITIGATION\n') });
    expect(precopy('explain', 'hello')).toMatchObject({ status: 1 });
    expect(precopy('explain')).toMatchObject({ status: 2, stderr: expect.stringContaining('nothing to explain') });
  });

  test('the example configuration is in force as it is, and a broken one says why', () => {
    expect(precopy('check', '-c', 'config.example.yaml').stdout).toContain('# config.example.yaml\ncluster: default\n');
    expect(precopy('check', '-c', 'package-lock.json')).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('no such key'),
    });
    expect(precopy('check', '--fix')).toMatchObject({ status: 2 });
  });
});

test.each([
  [['analyze'], 'precopy: no path given\n  name log files or folders: precopy analyze hosts/\n'],
  [['analyse', 'x'], 'precopy: no such command: analyse\n  did you mean analyze?\n'],
  [
    ['analyze', '/nowhere'],
    'precopy: cannot read /nowhere: no such file or folder\n  name log files or folders of log files, or - for standard input\n',
  ],
  [
    ['analyze', 'x', '--limit', 'downtime-exceeded.foo=1'],
    'precopy: --limit downtime-exceeded.foo=1: no limit foo\n  limits of downtime-exceeded: adviseMs, warnMs (docs/detectors/README.md)\n',
  ],
  [
    ['analyze', 'x', '--limit', 'post-copy=1'],
    'precopy: --limit post-copy=1: not of the form DETECTOR.NAME=NUMBER\n  for example --limit downtime-exceeded.warnMs=2000\n',
  ],
  [
    ['analyze', 'x', '--since', 'yesterday'],
    'precopy: --since yesterday: not a time\n  write it as 2026-11-23T04:00 (UTC) or 2026-11-23T05:00+01:00\n',
  ],
])('%j is refused in one line and a hint', (args, stderr) => {
  expect(precopy(...args)).toMatchObject({ status: 2, stdout: '', stderr });
});

test('--json prints one document of the schema, and nothing else', () => {
  const { stdout, stderr } = precopy('analyze', BROKEN, '--json');
  expect(stderr).toBe('');
  const document = analysisDocument.parse(JSON.parse(stdout));
  expect(document.migrations).toMatchObject([
    {
      vm: 'i-2-12-VM',
      source: 'kvm-a',
      destination: 'kvm-b',
      outcome: 'failed',
      cause: 'cpu-incompatible',
      downtimeMs: null,
      announced: 'unobserved',
    },
  ]);
  expect(document.inputs.find(({ path }) => path.endsWith('label.json'))).toMatchObject({ skipped: 'not a log', lines: null });
});

describe('reading with threads', () => {
  const built = async <M>(path: string): Promise<M> => (await import(String(new URL(`../dist/${path}`, import.meta.url)))) as M;
  const entry = new URL('../dist/ingest/read-worker.js', import.meta.url);

  /** What the built program reads of these paths, with so many threads. */
  async function gather(
    paths: readonly string[],
    workers: number,
  ): Promise<{ readonly gathered: Readings; readonly bytes: number }> {
    const { readAll } = await built<typeof readAllModule>('ingest/read-all.js');
    const { parsers } = await built<typeof parsersModule>('parsers/index.js');
    const hints = { hosts: [{ pattern: hintPattern('other.log'), value: 'kvm-z' }], sources: [] };
    let bytes = 0;
    const gathered = await readAll(
      await discover(paths),
      { parsers, hints, stdin: Readable.from([Buffer.from(LINE)]), progress: (read) => void (bytes += read) },
      { fromBytes: 0, workers, entry },
    );
    return { gathered, bytes };
  }

  test('changes nothing, neither events nor what is wrong with a file, whatever their number', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'precopy-threads-'));
    const compressed = gzipSync(
      Array.from({ length: 9000 }, (_, i) => LINE.replace('0c77d3e2', i.toString(16).padStart(8, '0'))).join(''),
    );
    writeFileSync(join(folder, 'broken-agent.log.gz'), compressed.subarray(0, compressed.length / 2));
    writeFileSync(join(folder, 'other.log'), LINE.repeat(3));
    writeFileSync(join(folder, 'empty.log'), '');
    writeFileSync(join(folder, 'notes.txt'), 'buy milk\n');
    const paths = [folder, '-', HEALTHY, BROKEN, 'recordings/libvirt-9.0/not-converging', 'recordings/libvirt-7.0/split-brain'];
    const alone = await gather(paths, 1);
    const document = JSON.stringify(toDocument(analyse(alone.gathered, DEFAULT_SETTINGS)));
    expect(alone.gathered.events.length).toBeGreaterThan(4500);
    expect(alone.gathered.inputs.filter(({ problem }) => problem?.startsWith('broken gzip'))).toHaveLength(1);
    for (const workers of [2, 3, 7]) {
      const threaded = await gather(paths, workers);
      expect(threaded).toEqual(alone);
      expect(JSON.stringify(toDocument(analyse(threaded.gathered, DEFAULT_SETTINGS)))).toBe(document);
    }
  }, 60_000);

  test.each([
    ["import 'node:os'; process.exit(3)", /^reading recordings\S+ failed: its thread ended with status 3$/],
    ["throw new Error('out of luck')", /^reading recordings\S+ failed: Error: out of luck$/],
  ])('a thread that ends early is an error: %s', async (code, message) => {
    const { readAll } = await built<typeof readAllModule>('ingest/read-all.js');
    const { parsers } = await built<typeof parsersModule>('parsers/index.js');
    const crashing = { fromBytes: 0, workers: 2, entry: new URL(`data:text/javascript,${encodeURIComponent(code)}`) };
    const options = { parsers, hints: { hosts: [], sources: [] }, stdin: Readable.from([]), progress: () => {} };
    await expect(readAll(await discover([HEALTHY]), options, crashing)).rejects.toThrow(message);
  });
});

test('the report is plain where nothing watches, and has colour where asked', () => {
  expect(precopy('analyze', BROKEN).stdout).not.toContain('\u001b[');
  expect(precopy('analyze', BROKEN, '--color').stdout).toContain('\u001b[');
});

test('what touches the time asked for is shown, and no more', () => {
  const migrations = (...args: readonly string[]): readonly string[] => {
    const { stdout } = precopy('analyze', 'recordings/libvirt-9.0/healthy', 'recordings/libvirt-9.0/aborted', '--json', ...args);
    return z
      .object({ migrations: z.array(z.object({ vm: z.string() })) })
      .parse(JSON.parse(stdout))
      .migrations.map(({ vm }) => vm);
  };
  expect(migrations()).toEqual(['i-2-17-VM', 'i-2-31-VM']);
  expect(migrations('--since', '2026-11-23T04:50')).toEqual(['i-2-31-VM']);
  expect(migrations('--until', '2026-11-23T05:50:00+01:00')).toEqual(['i-2-17-VM']);
});

test('control characters of a log are shown, not obeyed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-inert-'));
  const evil = "operation failed: \u001b[2Jguest CPU doesn't match specification: missing features: vaes\u0007";
  writeFileSync(
    join(folder, 'kvm-a-agent.log'),
    `2024-09-03 02:11:40,936 ERROR [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:null) (logid:0c77d3e2) Can't migrate domain [i-5-77-VM] due to: [org.libvirt.LibvirtException: ${evil}].\n`,
  );
  const { stdout } = precopy('analyze', folder);
  expect(stdout).toContain('cpu-incompatible');
  // eslint-disable-next-line no-control-regex
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
});

test('help and version are there', () => {
  expect(precopy('--help')).toMatchObject({ status: 0, stderr: '' });
  expect(precopy('analyze', '--help').stdout).toContain('Exit status: 0');
  expect(precopy('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('help of a command is found in both ways, and demo --help runs no demonstration', () => {
  expect(precopy('help', 'explain').stdout).toMatch(/^precopy explain LINE/);
  expect(precopy('demo', '--help')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^precopy demo {3}/) });
}, 30_000);

test('demo finds what is wrong in live logs while it happens, leaves nothing behind, and ends well', () => {
  const { status, stdout, stderr } = precopy('demo');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  for (const detector of ['cpu-incompatible', 'not-converging', 'missing-garp', 'storage-heartbeat-spike', 'split-brain-risk'])
    expect(stdout, detector).toMatch(new RegExp(`^▶ [0-9:]{8}  [A-Z]+  ${detector}  `, 'm'));
  // before the end of the migration is written
  expect(stdout.indexOf('▶')).toBeLessThan(stdout.indexOf('aborted after'));
}, 120_000);
