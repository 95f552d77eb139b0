import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EventBody, JobSample } from '../../src/model/event.ts';
import { domjobinfo } from '../../src/parsers/domjobinfo.ts';
import { readJob } from '../../src/parsers/domjobinfo/job-text.ts';
import { recordings } from '../recording.ts';
import { readRecording, readText, recordedFiles, timesOf } from './read-file.ts';

const RECORDINGS = join(import.meta.dirname, '../../recordings');
const files = recordedFiles(domjobinfo);
const bodiesOf = (path: string): readonly EventBody[] => readRecording(domjobinfo, path).bodies;
const samplesOf = (bodies: readonly EventBody[]): readonly JobSample[] => bodies.filter((body) => body.kind === 'job-sample');

interface Line {
  readonly at: string;
  readonly vm: string;
  readonly domjobinfo: string;
  readonly error?: string | null;
  readonly 'query-migrate'?: { readonly status?: string; readonly ram?: { readonly remaining: number; readonly total: number } };
}

const lines: readonly Line[] = files.flatMap((path) =>
  readFileSync(join(RECORDINGS, path), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Line => JSON.parse(line)),
);

test('every recording with statistics is read', () => {
  const versions = new Set(recordings().map(({ name }) => dirname(name)));
  expect(files.length).toBeGreaterThan(30);
  for (const version of versions) expect(files.some((path) => path.startsWith(version))).toBe(true);
});

describe.each(files)('%s', (path) => {
  const { tally, bodies, events } = readRecording(domjobinfo, path);

  test('nothing is rejected, and every event has its time', () => {
    expect(tally.rejected).toEqual({});
    expect(events.every(({ stamp }) => stamp?.clock === 'utc')).toBe(true);
  });

  test('a dirty rate only from the second pass on', () => {
    const first = samplesOf(bodies).filter(({ pass, dirtyRateBytesPerSecond: rate }) => rate !== null && (pass ?? 0) <= 1);
    expect(first).toEqual([]);
  });

  test("no downtime in post-copy but QEMU 10.0's real one", () => {
    const postcopy = samplesOf(bodies).filter(({ status }) => status?.startsWith('postcopy'));
    const told = new Set(postcopy.map(({ downtimeMs }) => downtimeMs));
    const printed = /"status":"postcopy-active".*?"downtime":(\d+)/.exec(readFileSync(join(RECORDINGS, path), 'utf8'))?.[1];
    const real = path.startsWith('libvirt-11.3') ? Number(printed) : null;
    expect([...told]).toEqual(postcopy.length > 0 ? [real] : []);
  });
});

test('what every line of every recording means, counted', () => {
  const counts: Record<string, number> = {};
  for (const { kind } of files.flatMap(bodiesOf)) counts[kind] = (counts[kind] ?? 0) + 1;
  const running = lines.filter((line) => line.domjobinfo.includes('Unbounded')).length;
  // `active` behind no job is a save that began between the two questions
  const statuses = lines.filter((line) => line.domjobinfo.includes('None')).map((line) => line['query-migrate']?.status);
  const over = statuses.filter((status) => status !== undefined && status !== 'active').length;
  // libvirt 7.0 refuses statistics of a paused post-copy, and QEMU gives them
  const refused = lines.filter((line) => line.domjobinfo.trim() === '' && line['query-migrate']?.ram !== undefined).length;
  const completed = lines.filter((line) => /Job type: +Completed/.test(line.domjobinfo)).length;
  const missing = lines.filter((line) => /failed to get domain|no domain with matching/.test(line.error ?? '')).length;
  expect(counts).toEqual({
    'job-sample': running + refused,
    'migration-status': over + refused,
    'job-completed': completed,
    'domain-missing': missing,
  });
});

test("virsh's rounded sizes alone say the same as QEMU's, within their rounding", () => {
  const both = lines.filter((line) => line['query-migrate']?.ram !== undefined && line.domjobinfo.includes('Memory total'));
  expect(both.length).toBeGreaterThan(2000);
  for (const line of both) {
    const [sample] = samplesOf(readText(domjobinfo, line.domjobinfo, line.vm).bodies);
    expect(sample).toMatchObject({ vm: line.vm, direction: 'outgoing', status: 'active' });
    expect(Math.abs((sample?.totalBytes ?? 0) - (line['query-migrate']?.ram?.total ?? 0))).toBeLessThan(600_000);
  }
});

const TEXT = lines.find((line) => line.domjobinfo.includes('Iteration:        3'))?.domjobinfo ?? '';

describe('print-outs by hand', () => {
  test('a line with the time is before each', () => {
    const reading = readText(domjobinfo, `2026-11-23T04:40:14Z\n${TEXT}2026-11-23 04:40:15.5\n${TEXT}`, 'i-2-12-VM');
    expect(timesOf(reading)).toEqual(['2026-11-23T04:40:14.000Z', '2026-11-23T04:40:15.500Z']);
    expect(reading.tally).toMatchObject({ records: 4, plain: 2, withEvents: 2, rejected: {} });
  });

  test('Windows line ends change nothing', () => {
    expect(readText(domjobinfo, TEXT.replaceAll('\n', '\r\n')).bodies).toEqual(readText(domjobinfo, TEXT).bodies);
  });

  test('a job that is no migration means nothing', () => {
    const { tally, bodies } = readText(domjobinfo, TEXT.replace('Outgoing migration', 'Backup'));
    expect(bodies).toEqual([]);
    expect(tally).toMatchObject({ plain: 1, rejected: {} });
  });

  test.each([
    ['Job type:         Failed      \nOperation:        Outgoing migration\n\n', 'failed'],
    ['Job type: 5\n\noperation: 5\n', 'cancelled'],
  ])('%j: the job ended, without numbers', (text, status) => {
    expect(readText(domjobinfo, text, 'i-2-12-VM').bodies).toEqual([
      { kind: 'migration-status', vm: 'i-2-12-VM', monitor: null, status, errorText: null },
    ]);
  });

  test('post-copy, as virsh alone shows it, has no downtime', () => {
    const [sample] = samplesOf(readText(domjobinfo, TEXT.replace(/Postcopy requests: 0/, 'Postcopy requests: 5')).bodies);
    expect(sample).toMatchObject({ postcopyRequests: 5, downtimeMs: null });
  });

  test('one failed call is one missing VM, two calls are two', () => {
    const call = "error: failed to get domain 'i-2-31-VM'\nerror: failed to get domain 'i-2-31-VM'\n\n";
    expect(readText(domjobinfo, call).bodies).toEqual([{ kind: 'domain-missing', vm: 'i-2-31-VM' }]);
    expect(readText(domjobinfo, call + call).bodies).toHaveLength(2);
  });

  test('other errors of virsh are plain', () => {
    const text = 'error: Operation not supported: migration statistics are available only on the source host\n';
    expect(readText(domjobinfo, text)).toMatchObject({ bodies: [], tally: { plain: 1, rejected: {} } });
  });
});

describe('lines of the poller', () => {
  const none = 'Job type:         None        \n\n';
  const line = (fields: object): string => `${JSON.stringify({ at: '2026-11-23T21:28:13.703Z', vm: 'i-5-77-VM', ...fields })}\n`;

  test('no job, and QEMU says completed: its status and its numbers', () => {
    const ram = { transferred: 179495520, remaining: 0, total: 537665536, 'dirty-sync-count': 5 };
    const { bodies } = readText(
      domjobinfo,
      line({
        domjobinfo: none,
        'query-migrate': { status: 'completed', downtime: 26, 'expected-downtime': 300, 'total-time': 5039, ram },
      }),
    );
    expect(bodies).toMatchObject([
      { kind: 'migration-status', status: 'completed' },
      { kind: 'job-sample', status: 'completed', direction: 'outgoing', downtimeMs: 26, elapsedMs: 5039, pass: 5 },
    ]);
  });

  test("virsh's dirty rate of the second pass does not belong to QEMU's first", () => {
    const ram = { transferred: 1, remaining: 2, total: 3, 'page-size': 4096, 'dirty-sync-count': 1, 'dirty-pages-rate': 0 };
    const text = TEXT.replace(/Iteration: .*/, 'Iteration:        2           ');
    const reply = { status: 'active', 'total-time': 5039, ram };
    const [sample] = samplesOf(readText(domjobinfo, line({ domjobinfo: text, 'query-migrate': reply })).bodies);
    expect(sample).toMatchObject({ pass: 1, dirtyRateBytesPerSecond: null });
    expect(samplesOf(readText(domjobinfo, text).bodies)[0]?.dirtyRateBytesPerSecond).toBeGreaterThan(0);
  });

  test.each([[{}], [{ status: 'none' }], [undefined], [null]])('no job, and QEMU says %j: nothing', (reply) => {
    expect(readText(domjobinfo, line({ domjobinfo: none, 'query-migrate': reply }))).toMatchObject({
      bodies: [],
      tally: { plain: 1 },
    });
  });

  test.each([
    ['{"at":"2026-11-23T21:28:13.703Z","vm":"i-5-7', 'bad-json'],
    ['{"vm":"i-5-7', 'bad-json'],
    ['{"vm":"i-5-77-VM","domjobinfo":""}', 'bad-shape'],
    ['{"at":"2026-11-23T21:28:13.703Z","vm":7,"domjobinfo":""}', 'bad-shape'],
    ['{"at":"2026-11-31T21:28:13.703Z","vm":"i-5-77-VM","domjobinfo":""}', 'bad-time'],
  ])('%s is rejected: %s, and harms no neighbour', (broken, reason) => {
    const good = line({ domjobinfo: none, 'query-migrate': { status: 'failed' } });
    const { tally, bodies } = readText(domjobinfo, `${good}${broken}\n${good}`);
    expect(tally.rejected).toEqual({ [reason]: 1 });
    expect(bodies).toHaveLength(2);
  });
});

describe('virsh event', () => {
  test('other events are plain, and a job that failed or was no migration has no statistics', () => {
    const { tally, bodies } = readText(
      domjobinfo,
      `2026-11-23 21:26:29.463+0000: event 'lifecycle' for domain 'i-2-31-VM': Stopped Migrated
2026-11-23 21:26:29.463+0000: event 'rtc-change' for domain 'i-2-31-VM': 0
2026-11-23 21:26:29.612+0000: event 'job-completed' for domain 'i-2-31-VM':
	operation: 9
	time_elapsed: 12

2026-11-23 21:26:29.612+0000: event 'job-completed' for domain 'i-2-31-VM':
	operation: 5
	success: 0
events received: 4
`,
    );
    expect(bodies).toEqual([]);
    expect(tally).toMatchObject({ records: 5, plain: 5, rejected: {} });
  });

  test('without --timestamp events have no time', () => {
    expect(timesOf(readText(domjobinfo, "event 'migration-iteration' for domain 'i-2-31-VM': iteration: '2'\n"))).toEqual([null]);
  });
});

test('while disks alone are copied, nothing is said of memory', () => {
  const text = `Job type:         Unbounded   
Operation:        Outgoing migration
Time elapsed:     60000        ms
Data processed:   50.000 GiB
Data remaining:   50.000 GiB
Data total:       100.000 GiB
File processed:   50.000 GiB
File remaining:   50.000 GiB
File total:       100.000 GiB
`;
  expect(readJob(text)).toMatchObject({ elapsedMs: 60_000, remainingBytes: null, totalBytes: null, transferredBytes: null });
});
