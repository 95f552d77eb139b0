import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { fixedZone } from '../../src/timeline/zone.ts';
import { faults, openReceiver, status, type Receiver } from '../notify/receiver.ts';
import { asked, eventually, pause, startProgram, testFolder, writeConfig } from './program.ts';
import { replayOf, sourceOf } from './replay.ts';

const run = promisify(execFile);

/** What `precopy` prints. */
async function precopy(...args: readonly string[]): Promise<string> {
  return (await run(process.execPath, ['dist/cli.js', ...args])).stdout;
}

/** Writes a recording as if it had ended just now, and says which files it is. */
function written(name: string, folder: string): readonly object[] {
  const { lengthMs, filesFrom } = replayOf(name);
  return filesFrom(Date.now() - lengthMs, fixedZone(0)).map((file) => {
    const path = join(folder, file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.records.map(({ text }) => text).join(''));
    const host = /kvm-[ab]/.exec(file.path)?.[0] ?? 'switch';
    return { path, source: sourceOf(file.path), host };
  });
}

/** Keys of notifications that it took; a refused one has none. */
function taken(receiver: Receiver, since: number): readonly unknown[] {
  return receiver.received.slice(since).map(({ headers }) => headers['idempotency-key']);
}

test(
  'whoever is away is told once when there again, whatever was killed meanwhile; people see, acknowledge and silence',
  { timeout: 120_000 },
  async () => {
    const folder = testFolder();
    const receiver = await openReceiver();
    receiver.answer(status(503));
    onTestFinished(() => receiver.close());
    const data = join(folder, 'data');
    const files = written('libvirt-9.0/cpu-incompatible', join(folder, 'logs'));
    const config = writeConfig(join(folder, 'precopy.yaml'), {
      data,
      collect: { files },
      alerts: { notifiers: [{ name: 'hook', type: 'webhook', url: `${receiver.url}/alerts` }] },
    });

    const first = startProgram('up', config);
    await eventually(() => receiver.received.length >= 2 || first.log().slice(-500));
    await first.kill();
    const refused = new Set(taken(receiver, 0));
    expect(refused.size).toBe(1);

    receiver.answer(faults.ok);
    const before = receiver.received.length;
    const second = startProgram('up', config);
    await eventually(() => receiver.received.length > before || second.log().slice(-500));
    await eventually(async () => (await asked(data, "SELECT count() FROM notifications WHERE outcome = 'sent'"))[0]?.[0] === 1);
    await second.kill();
    expect(new Set(taken(receiver, before))).toEqual(refused);

    const third = startProgram('up', config);
    // a command that comes before would read the folder by itself, and keep the instance from it
    await eventually(() => third.log().includes('up runs') || third.log().slice(-500));
    await eventually(async () => (await precopy('alerts', '-c', config)).includes('2 alerts are open (1 muted)'));
    // a second look at what is due would have come by now
    await pause(2500);
    expect(receiver.received).toHaveLength(before + 1);

    const [[id = ''] = []] = await asked(data, "SELECT id FROM alerts FINAL WHERE detector = 'cpu-incompatible'");
    expect(await precopy('alerts', 'ack', String(id).slice(0, 8), '--by', 'jan', '--comment', 'new host', '-c', config)).toMatch(
      /^acknowledged: cpu-incompatible of i-2-12-VM/,
    );
    expect(await precopy('alerts', '-c', config)).toMatch(/acknowledged by jan .*: new host/);
    const silent = await precopy('alerts', 'silence', 'vm=i-2-12-VM', '--for', '1h', '-c', config);
    expect(await precopy('alerts', '-c', config)).toMatch(/SILENCES\n {2}\w{8} vm=i-2-12-VM/);
    expect(await precopy('alerts', 'expire', silent.slice(0, 8), '-c', config)).toMatch(/is over: vm=i-2-12-VM/);
    expect(await precopy('query', 'notifications', '-c', config)).toMatch(/hook +firing +1 +sent +200 OK/);
    expect(await precopy('test-alert', 'hook', '-c', config)).toMatch(/^hook \(webhook\) took it after .*: 200 OK\n$/);
    expect(await precopy('query', 'notifications', '-c', config)).toMatch(
      /hook +test +1 +sent +200 OK .*a test of notifications/,
    );
    expect(await third.stop()).toBe(0);
  },
);

test(
  'a notifier that is added while it runs is told what it missed within the hour, at SIGHUP',
  { timeout: 60_000 },
  async () => {
    const folder = testFolder();
    const receiver = await openReceiver();
    onTestFinished(() => receiver.close());
    const data = join(folder, 'data');
    const files = written('libvirt-9.0/cpu-incompatible', join(folder, 'logs'));
    const path = join(folder, 'precopy.yaml');
    const program = startProgram('up', writeConfig(path, { data, collect: { files } }));
    await eventually(async () => (await asked(data, "SELECT count() FROM alerts FINAL WHERE state = 'firing'"))[0]?.[0] === 2);
    writeConfig(path, {
      data,
      collect: { files },
      alerts: { notifiers: [{ name: 'hook', type: 'webhook', url: `${receiver.url}/alerts` }] },
    });
    process.kill(program.pid, 'SIGHUP');
    await eventually(() => receiver.received.length > 0 || program.log().slice(-500));
    expect(receiver.received.map(({ body }) => (JSON.parse(body) as { readonly subject: string }).subject)).toEqual([
      expect.stringMatching(/^CRITICAL: CPU of the destination is incompatible: i-2-12-VM/),
    ]);
    expect(await program.stop()).toBe(0);
  },
);
