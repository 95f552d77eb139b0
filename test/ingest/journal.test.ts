import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Collector } from '../../src/ingest/collector.ts';
import { journalLine } from '../../src/ingest/journal-entry.ts';
import { createJournalCollector } from '../../src/ingest/journal.ts';
import { collecting, have, unmasked, until, type Collecting } from './collecting.ts';

/** Writes entries of systemd's export format into a journal file, as a log server does. */
const REMOTE = '/lib/systemd/systemd-journal-remote';
const BEGAN_MS = Date.UTC(2026, 10, 23, 4, 40);

let folder = '';
let collector: Collector | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'precopy-journal-'));
  mkdirSync(join(folder, 'journal'));
});
afterEach(async () => {
  await collector?.stop();
  collector = null;
  rmSync(folder, { recursive: true });
});

let written = 0;
function writeEntry(fields: Readonly<Record<string, string>>): void {
  written += 1;
  const all = { __REALTIME_TIMESTAMP: `${BEGAN_MS + written * 1000}000`, _HOSTNAME: 'kvm-a', ...fields };
  const input = `${Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n\n`;
  const { status, stderr } = spawnSync(REMOTE, ['-o', join(folder, 'journal', 'a.journal'), '-'], { input });
  if (status !== 0) throw new Error(stderr.toString());
}

const kernel = (message: string): void =>
  writeEntry({ _TRANSPORT: 'kernel', SYSLOG_IDENTIFIER: 'kernel', PRIORITY: '4', MESSAGE: message });

async function follows(collected: Collecting, units = ['libvirtd', 'kernel', 'heartbeat']): Promise<void> {
  collector = createJournalCollector(
    { ...collected.context, now: () => BEGAN_MS },
    {
      options: { units },
      mask: unmasked,
      folder,
      from: ['-D', join(folder, 'journal')],
    },
  );
  await collector.start();
}

async function stops(): Promise<void> {
  await collector?.stop();
  collector = null;
}

describe.runIf(have('journalctl', REMOTE))('the journal', () => {
  test('messages of the kernel, of daemons and of scripts become events; others are left out', async () => {
    kernel('nfs: server 10.30.0.5 not responding, still trying');
    const collected = collecting();
    await follows(collected);
    await until('the first', () => collected.bodies('journal').length === 1);
    writeEntry({ SYSLOG_IDENTIFIER: 'sshd', _SYSTEMD_UNIT: 'ssh.service', MESSAGE: 'Accepted password' });
    writeEntry({
      SYSLOG_IDENTIFIER: 'heartbeat',
      MESSAGE: 'kvmheartbeat.sh will reboot system because it was unable to write the heartbeat to the storage.',
    });
    await until('the second', () => collected.bodies('journal').length === 2);
    expect(collected.text('journal')).not.toContain('sshd');
    expect(collected.bodies('journal').map(({ kind }) => kind)).toEqual(['storage-message', 'host-resetting']);
    expect(new Date(collected.events('journal')[0]?.stamp?.ms ?? 0).toISOString()).toMatch(/^2026-11-23T04:40:/);
    expect(collected.events('journal')[0]?.stamp?.clock).toBe('utc');
  });

  test('it goes on where it stopped: nothing is lost meanwhile, and nothing is read twice', async () => {
    const collected = collecting();
    kernel('nfs: server 10.30.0.5 not responding, still trying');
    await follows(collected);
    await until('the first', () => collected.text('journal').includes('not responding'));
    await stops();
    kernel('nfs: server 10.30.0.5 OK');
    await follows(collected);
    await until('the second', () => collected.text('journal').includes(' OK'));
    await stops();
    expect(collected.text('journal').split('\n')).toHaveLength(3);
    const [one, two] = collected.chunks.filter(({ header }) => header.path === 'journal');
    expect(two?.header).toMatchObject({ fileId: one?.header.fileId, offset: one?.bytes.length, line: 1 });
  });

  test('what the stream did not take is read again, as the same lines', async () => {
    let refuses = true;
    const full = (): Promise<void> => (refuses ? Promise.reject(new Error('disk full')) : Promise.resolve());
    const collected = collecting(full);
    kernel('nfs: server 10.30.0.5 OK');
    await follows(collected);
    await until('it is said', () => collected.statuses.some(({ problem }) => problem?.includes('disk full') === true));
    const before = readFileSync(join(folder, 'journal.checkpoint.json'), 'utf8');
    expect(JSON.parse(before)).toMatchObject({ cursor: null, place: { offset: 0, line: 0 } });
    refuses = false;
    await until('it is taken', () => collected.text('journal').includes(' OK'));
    await until('and kept', () => readFileSync(join(folder, 'journal.checkpoint.json'), 'utf8') !== before);
  });

  test('a folder that is not there is named, and nothing is started', async () => {
    const { context } = collecting();
    const nowhere = createJournalCollector(context, {
      options: { units: ['kernel'] },
      mask: unmasked,
      folder: join(folder, 'no'),
    });
    await expect(nowhere.start()).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/no\/journal\.checkpoint\.json cannot be written/),
    });
    await nowhere.stop();
  });

  test('other units are another file, which goes on where the one before stopped', async () => {
    const collected = collecting();
    kernel('nfs: server 10.30.0.5 not responding, still trying');
    await follows(collected);
    await until('the first', () => collected.text('journal').includes('not responding'));
    await stops();
    kernel('nfs: server 10.30.0.5 OK');
    await follows(collected, ['kernel']);
    await until('the second', () => collected.text('journal').includes(' OK'));
    await stops();
    expect(collected.text('journal').split('\n')).toHaveLength(3);
    const [one, two] = collected.chunks.filter(({ header }) => header.path === 'journal');
    expect(two?.header.fileId).not.toBe(one?.header.fileId);
    expect(two?.header).toMatchObject({ offset: 0, line: 0 });
  });
});

describe('an entry of the journal', () => {
  const entry = { __CURSOR: 's=1', __REALTIME_TIMESTAMP: '1795412446614447', _HOSTNAME: 'kvm-b' };

  test.each([
    [
      "a message of libvirt's daemons gets its level, and keeps its lines",
      { _COMM: 'virtqemud', _PID: '1234', _TRANSPORT: 'journal', PRIORITY: '3', MESSAGE: 'internal error: a\nb' },
      'virtqemud[1234]: 1234: error : internal error: a\n    b\n',
    ],
    [
      'what they print has its level in it',
      {
        SYSLOG_IDENTIFIER: 'libvirtd',
        _PID: '1234',
        _TRANSPORT: 'stdout',
        PRIORITY: '6',
        MESSAGE: '2026-11-23 05:40:46.614+0000: 1240: error : virKeepAliveTimerInternal:137 : internal error: a',
      },
      'libvirtd[1234]: 2026-11-23 05:40:46.614+0000: 1240: error : virKeepAliveTimerInternal:137 : internal error: a\n',
    ],
    ['bytes that are no UTF-8 are kept as far as they can be read', { _COMM: 'x', MESSAGE: [65, 255, 66] }, 'x: A\uFFFDB\n'],
    ['a message that is too long for journalctl is an empty one', { SYSLOG_IDENTIFIER: 'x', MESSAGE: null }, 'x: \n'],
  ])('%s', (_, fields, text) => {
    expect(journalLine(JSON.stringify({ ...entry, ...fields }))).toMatchObject({
      cursor: 's=1',
      text: `2026-11-23T05:40:46.614447+00:00 kvm-b ${text}`,
    });
  });

  test('is told from what is none', () => {
    expect(journalLine('-- No entries --')).toBeNull();
    expect(journalLine('{"MESSAGE":"x"}')).toBeNull();
  });
});
