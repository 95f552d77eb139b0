import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's Alertmanager, running on loopback. */
export interface AlertmanagerProgram {
  readonly url: string;
  /** Asks its API. */
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts it; it tells the webhook at once of what fires and is over, grouped by cluster and detector. */
export async function startAlertmanager(webhook: string): Promise<AlertmanagerProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'precopy-alertmanager-'));
  const config = {
    route: {
      receiver: 'hook',
      group_by: ['cluster', 'detector'],
      group_wait: '100ms',
      group_interval: '1s',
      repeat_interval: '1h',
    },
    receivers: [{ name: 'hook', webhook_configs: [{ url: webhook, send_resolved: true }] }],
  };
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const program = spawn(
    'prometheus-alertmanager',
    [
      `--config.file=${join(folder, 'config.yml')}`,
      `--storage.path=${folder}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  program.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(program, 'exit');

  async function ask(path: string, init: RequestInit = {}): Promise<unknown> {
    const answer = await fetch(`${url}/api/v2${path}`, { ...init, signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    const text = await answer.text();
    return text === '' ? null : JSON.parse(text);
  }

  const lateAt = Date.now() + 20_000;
  for (;;) {
    if (
      await ask('/status').then(
        () => true,
        () => false,
      )
    )
      break;
    if (Date.now() > lateAt || program.exitCode !== null) throw new Error(`Alertmanager does not start: ${said}`);
    await new Promise((again) => setTimeout(again, 50));
  }
  return {
    url,
    get: (path) => ask(path),
    post: (path, body) =>
      ask(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    async stop() {
      program.kill();
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
