import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { asked, eventually, pause, startProgram, testFolder, writeConfig, type TestConfig } from './program.ts';

function urlOf(data: string): string {
  return (JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as { readonly url: string }).url;
}

/** A log that an instance follows, and its configuration. */
function followedLog() {
  const folder = testFolder();
  const log = join(folder, 'libvirtd.log');
  const path = join(folder, 'precopy.yaml');
  const data = join(folder, 'data');
  writeFileSync(log, '');
  const configure = (syslog: string | null, more: Partial<TestConfig> = {}): string =>
    writeConfig(path, {
      data,
      ...more,
      collect: { files: [{ path: log, source: 'libvirtd' }], syslog: syslog === null ? null : { listen: syslog } },
    });
  return {
    data,
    configure,
    write: (text: string): void =>
      appendFileSync(log, `2026-11-23 04:40:14.105+0000: 811: error : virNetSocketReadWire:1791 : ${text}\n`),
    /** Waits until lines that hold the text are stored; says so where they are not that many. */
    stored: (text: string, count: number): Promise<void> =>
      eventually(async () => {
        const [[found] = []] = await asked(data, `SELECT count() FROM lines WHERE text LIKE '%${text}%'`);
        return found === count || `${String(found)} lines with ${text}`;
      }),
  };
}

test(
  'where a configuration cannot be taken over at SIGHUP, what was collected before is collected on, and people are asked to look',
  { timeout: 60_000 },
  async () => {
    const { data, configure, write, stored } = followedLog();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    const program = startProgram('up', configure(null));
    await eventually(() => program.log().includes('up runs'));
    const ready = async (): Promise<unknown> => (await fetch(`${urlOf(data)}/readyz`)).json();

    configure(taken, { alerts: { groupEvery: '7s' } });
    process.kill(program.pid, 'SIGHUP');
    await eventually(() => program.log().includes('the configuration was not taken over'));
    write('while it is refused');
    await stored('while it is refused', 1);
    expect(await ready()).toEqual({
      ready: true,
      problems: [`configuration: not taken over: cannot listen for syslog on ${taken}: EADDRINUSE`],
    });

    await new Promise((resolve) => other.close(resolve));
    process.kill(program.pid, 'SIGHUP');
    await eventually(() => program.log().includes('configuration read anew'));
    write('once it is free');
    await stored('once it is free', 1);
    expect(await ready()).toEqual({ ready: true, problems: [] });
    expect(await program.stop()).toBe(0);
  },
);

test(
  'SIGHUPs that come at once are taken one after the other, and SIGTERM right behind one ends the process',
  { timeout: 60_000 },
  async () => {
    const { configure, write, stored } = followedLog();
    const program = startProgram('up', configure(null));
    await eventually(() => program.log().includes('up runs'));
    for (const zone of ['Europe/Berlin', 'UTC', 'Europe/Berlin', 'UTC']) {
      configure(null, { timezone: zone });
      process.kill(program.pid, 'SIGHUP');
      await pause(5);
    }
    write('after all');
    await stored('after all', 1);
    configure(null, { timezone: 'Asia/Kolkata' });
    process.kill(program.pid, 'SIGHUP');
    await pause(2);
    expect(await Promise.race([program.stop(), pause(10_000).then(() => 'runs on')])).toBe(0);
  },
);
