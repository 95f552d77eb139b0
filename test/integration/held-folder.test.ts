import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { asked, eventually, startProgram, testFolder, writeConfig } from './program.ts';

/** Opens the tables of a data folder as a command does that asks, until its input ends. */
const HOLDER = `
  import { openEmbeddedStore } from './dist/store/embedded.js';
  const store = await openEmbeddedStore({ folder: process.argv[1] });
  console.log('open');
  process.stdin.resume().on('end', () => store.close());
`;

/** A process that has the tables open; what makes it close them. */
async function holder(data: string): Promise<{ readonly pid: number; release(): void }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, join(data, 'store')], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return { pid: child.pid ?? 0, release: () => void child.stdin.end() };
}

test(
  'an instance that starts while a command has the tables open waits for it, and says for whom',
  { timeout: 60_000 },
  async () => {
    const folder = testFolder();
    const data = join(folder, 'data');
    const config = writeConfig(join(folder, 'precopy.yaml'), { data });
    // the command needs tables
    const first = startProgram('up', config);
    await eventually(() => first.log().includes('up runs'));
    expect(await first.stop()).toBe(0);

    const command = await holder(data);
    const second = startProgram('up', config);
    const waits = 'another process has the tables open, perhaps a command that asks: waiting for it';
    await eventually(() => second.log().includes(waits));
    expect(second.log()).toContain(`process ${command.pid} has it open`);
    // it goes on waiting
    const refusals = (): number => second.log().split('Cannot lock file').length - 1;
    await eventually(() => refusals() >= 3);
    expect(second.log().split(waits)).toHaveLength(2);
    expect(second.status()).toBeNull();

    command.release();
    await eventually(() => second.log().includes('up runs'));
    expect(await asked(data, 'SELECT count() FROM migrations')).toEqual([[0]]);
    expect(await second.stop()).toBe(0);
  },
);
