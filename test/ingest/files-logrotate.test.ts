import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expected, follow, records, someLooks, temporaryFolder, textsOf, untilLines } from './following.ts';

const LOGROTATE = '/usr/sbin/logrotate';
const there = existsSync(LOGROTATE);
if (!there) process.stderr.write('no logrotate here (apt-get install logrotate): its tests are skipped\n');

/** Rotates once, as the configuration says. */
function rotate(folder: string, directives: string): void {
  const configuration = join(folder, 'logrotate.conf');
  writeFileSync(configuration, `${join(folder, 'log/*.log')} {\n${directives}\n}\n`, { mode: 0o644 });
  execFileSync(LOGROTATE, ['--force', '--state', join(folder, 'state'), configuration]);
}

describe.skipIf(!there)('logrotate', () => {
  test.each([
    ['create', 'rotate 9\ncreate'],
    ['copytruncate', 'rotate 9\ncopytruncate'],
    ['compress', 'rotate 9\ncreate\ncompress'],
    ['copytruncate and compress', 'rotate 9\ncopytruncate\ncompress'],
    ['delaycompress', 'rotate 9\ncreate\ncompress\ndelaycompress'],
    ['dateext', 'rotate 9\ncreate\ndateext\ndateformat -%Y%m%d-%s'],
    ['dateext, copytruncate and compress', 'rotate 9\ncopytruncate\ncompress\ndateext\ndateformat -%Y%m%d-%s'],
  ])('with %s loses and doubles nothing, running or not', async (_what, directives) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'log'), { mode: 0o755 });
    const log = join(folder, 'log/agent.log');
    writeFileSync(log, records(0, 50));
    const first = await follow(folder, 'log/*.log');
    await untilLines(50, first);
    appendFileSync(log, records(50, 100));
    rotate(folder, directives);
    appendFileSync(log, records(100, 150));
    await untilLines(150, first);
    rotate(folder, directives.replace('%s', '%s1'));
    appendFileSync(log, records(150, 200));
    await untilLines(200, first);
    await first.stop();
    appendFileSync(log, records(200, 250));
    rotate(folder, directives.replace('%s', '%s2'));
    appendFileSync(log, records(250, 300));
    rotate(folder, directives.replace('%s', '%s3'));
    appendFileSync(log, records(300, 350));
    const second = await follow(folder, 'log/*.log');
    await untilLines(350, first, second);
    await someLooks();
    expect(textsOf(first, second).toSorted()).toEqual(expected(0, 350));
    expect(readdirSync(join(folder, 'log'))).toHaveLength(5);
  });
});
