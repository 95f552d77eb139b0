import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { AppError } from '../../src/lib/errors.ts';
import { createLog, type Log, type LogLevel } from '../../src/lib/log.ts';

/** What a log writes, line by line. */
function written(
  tell: (log: Log) => void,
  options: { readonly level?: LogLevel; readonly pretty?: boolean } = {},
): readonly string[] {
  let text = '';
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  tell(createLog({ level: 'info', ...options, destination }));
  return text.split('\n').slice(0, -1);
}

function parsed(line: string | undefined): unknown {
  return JSON.parse(line ?? '');
}

test('a line is JSON with time, level, fields and message, and nothing of pino or the process', () => {
  const [line] = written((log) => log.info({ topic: 'records', lagMessages: 3 }, 'consumer assigned'));
  expect(parsed(line)).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    topic: 'records',
    lagMessages: 3,
    msg: 'consumer assigned',
  });
});

test('an error is there whole, with its code and its cause', () => {
  const error = new AppError('store', 'no room', { cause: new Error('disk') });
  const [line] = written((log) => log.error({ error }, 'rows not stored'));
  expect(parsed(line)).toMatchObject({
    error: { message: expect.stringContaining('no room'), code: 'store', stack: expect.stringContaining('disk') },
  });
});

test('less than the level is not written', () => {
  const tell = (log: Log): void => {
    log.debug({}, 'a');
    log.info({}, 'b');
    log.warn({}, 'c');
    log.error({}, 'd');
  };
  expect(written(tell, { level: 'warn' })).toHaveLength(2);
  expect(written(tell, { level: 'debug' })).toHaveLength(4);
});

test('fields of a part are in each of its lines', () => {
  const [line] = written((log) => log.with({ part: 'store' }).warn({ n: 1 }, 'slow'));
  expect(parsed(line)).toMatchObject({ part: 'store', n: 1, level: 'warn' });
});

test('a terminal gets one line for people, which it cannot obey', () => {
  const error = new AppError('store', 'no\nroom');
  const [line, ...more] = written((log) => log.warn({ path: '/a b', file: 'x.log', error, evil: 'a\u009bb\u202e' }, 'slow'), {
    pretty: true,
  });
  expect(more).toEqual([]);
  // oxlint-disable-next-line no-control-regex
  expect(line?.replace(/\x1b\[\d*m/g, '')).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} warn  slow  path="\/a b"  file=x\.log  error="store: no\\nroom"  evil="a\\u\{9b\}b\\u\{202e\}"$/,
  );
});

test('lines are in the file when the call returns', () => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-log-'));
  const fd = openSync(join(folder, 'log'), 'w');
  const log = createLog({ level: 'info', destination: fd });
  for (let n = 1; n <= 100; n += 1) log.info({ n }, 'batch stored');
  expect(readFileSync(join(folder, 'log'), 'utf8').split('\n')).toHaveLength(101);
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

test('a full disk does not end the process', async () => {
  const fd = openSync('/dev/full', 'w');
  const log = createLog({ level: 'info', destination: fd });
  log.info({}, 'one');
  log.info({}, 'two');
  // an error of the stream that nobody takes would fail this run
  await new Promise((resolve) => setImmediate(resolve));
  expect(() => log.info({}, 'three')).not.toThrow();
  closeSync(fd);
});
