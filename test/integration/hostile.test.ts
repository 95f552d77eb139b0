import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { encodeChunk } from '../../src/pipeline/chunk-message.ts';
import { openEmbeddedStream } from '../../src/stream/embedded.ts';
import { DEAD_LETTERS_TOPIC, RECORDS_TOPIC } from '../../src/stream/stream.ts';
import { asked, eventually, startProgram, testFolder, writeConfig, type Program } from './program.ts';

/** Measured: 0.45 GB for the engine and the program at rest, 0.53 GB under the first two tests. */
const MOST_RESIDENT_BYTES = 1e9;
/** Measured: 1.9 GB for 100,000 migrations in ten minutes. */
const BYTES_A_VM = 15_000;
const HOSTS = 100_000;
const VMS = Number(process.env['PRECOPY_VMS'] ?? 10_000);

/** Watches a program's memory for as long as something takes; returns the most that it held. */
async function mostResident(program: Program, work: () => Promise<void>): Promise<number> {
  let most = 0;
  const timer = setInterval(() => {
    if (program.status() === null) most = Math.max(most, program.resident().withFiles);
  }, 50);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return most;
}

function agentLine(at: number, message: string): string {
  const time = new Date(at).toISOString().replace('T', ' ').replace('.', ',').replace('Z', '');
  return `${time} INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-2:null) (logid:7507b59f) ${message}\n`;
}

async function count(data: string, sql: string): Promise<number> {
  const [row] = await asked(data, sql);
  return Number(row?.[0]);
}

async function doctor(
  data: string,
): Promise<
  readonly { readonly name: string; readonly state: string; readonly details: readonly string[]; readonly summary: string }[]
> {
  const { url } = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as { readonly url: string };
  const response = await fetch(`${url}/api/v1/doctor`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  return ((await response.json()) as { readonly checks: never }).checks;
}

test(
  'lines of ten megabytes, binary ones, and times that can be none are kept, told, and hold nothing up',
  { timeout: 60_000 },
  async () => {
    const folder = testFolder();
    const data = join(folder, 'data');
    const log = join(folder, 'agent.log');
    const config = writeConfig(join(folder, 'c.yaml'), { data, collect: { files: [{ path: log, source: 'cloudstack-agent' }] } });
    const now = Date.now();
    const binary = Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28, 0x0a]);
    const parts = [
      Buffer.from(agentLine(now, 'first')),
      Buffer.from(`${'x'.repeat(10_000_000)}\n`),
      Buffer.from(agentLine(now, 'after the long one')),
      binary,
      Buffer.from(agentLine(now - 3_600_000, 'an hour back')),
      Buffer.from(agentLine(Date.UTC(1970, 0, 1), 'Migration thread of VM [i-5-77-VM] finished.')),
      Buffer.from(agentLine(Date.UTC(2100, 0, 1), 'Migration thread of VM [i-5-77-VM] finished.')),
      Buffer.from(agentLine(now, 'last')),
    ];
    writeFileSync(log, Buffer.concat(parts));
    const up = startProgram('up', config);
    const most = await mostResident(up, () =>
      eventually(async () => (await count(data, "SELECT count() FROM lines WHERE text LIKE '%last'")) === 1 || up.log(), {
        withinMs: 40_000,
      }),
    );
    process.stderr.write(`one line of 10 MB: ${Math.round(most / 1e6)} MB resident\n`);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    expect(await count(data, "SELECT max(to_offset) FROM ranges WHERE source = 'cloudstack-agent'")).toBe(bytes);
    expect(
      await count(
        data,
        "SELECT sum(countSubstrings(text, 'x')) FROM lines FINAL WHERE source = 'cloudstack-agent' AND startsWith(text, 'xxx')",
      ),
    ).toBe(10_000_000);
    const rejected = await asked(data, 'SELECT reason, count() FROM rejected FINAL GROUP BY reason ORDER BY reason');
    expect(Object.fromEntries(rejected as [string, unknown][])).toMatchObject({
      'bad-time': expect.anything(),
      'too-long': expect.anything(),
    });
    expect(await asked(data, "SELECT hex(text) FROM lines FINAL WHERE hex(text) LIKE 'FFFE0080C328'")).toEqual([
      ['FFFE0080C328'],
    ]);
    expect(await asked(data, "SELECT toUnixTimestamp64Milli(at) FROM lines FINAL WHERE text LIKE '%an hour back'")).toEqual([
      [now - 3_600_000],
    ]);
    expect((await doctor(data)).find(({ name }) => name === 'records')?.state).toBe('warn');
    expect(most).toBeLessThan(MOST_RESIDENT_BYTES);
    expect(await up.stop()).toBe(0);
  },
);

test(`${HOSTS} names of hosts by syslog are bounded, and all lines are there`, { timeout: 120_000 }, async () => {
  const folder = testFolder();
  const data = join(folder, 'data');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  const config = writeConfig(join(folder, 'c.yaml'), { data, collect: { syslog: { listen: `127.0.0.1:${port}` } } });
  const up = startProgram('up', config);
  await eventually(() => up.log().includes('up runs'));
  const socket = connect(port, '127.0.0.1');
  const most = await mostResident(up, async () => {
    const stamp = new Date().toISOString();
    for (let i = 0; i < HOSTS; i += 1000) {
      const text = Array.from({ length: 1000 }, (_, n) => `<30>1 ${stamp} forged-${i + n} kernel - - - line ${i + n}\n`).join('');
      if (!socket.write(text)) await once(socket, 'drain');
    }
    await eventually(
      async () => {
        const stored = await count(data, "SELECT uniqExact(text) FROM lines FINAL WHERE source = 'journal'");
        return stored === HOSTS || `${stored} lines`;
      },
      { withinMs: 60_000, everyMs: 500 },
    );
  });
  socket.destroy();
  process.stderr.write(`${HOSTS} hosts: ${Math.round(most / 1e6)} MB resident\n`);
  expect(await count(data, "SELECT uniqExact(host) FROM lines WHERE source = 'journal'")).toBeLessThanOrEqual(1001);
  expect((await asked(data, "SELECT text FROM lines WHERE path = 'collector:syslog'")).flat().join('\n')).toContain('host');
  expect(most).toBeLessThan(MOST_RESIDENT_BYTES);
  expect(await up.stop()).toBe(0);
});

test(`${VMS} names of VMs, each said to migrate, are told in bounded time and memory`, { timeout: 180_000 }, async () => {
  const folder = testFolder();
  const data = join(folder, 'data');
  const log = join(folder, 'agent.log');
  const config = writeConfig(join(folder, 'c.yaml'), { data, collect: { files: [{ path: log, source: 'cloudstack-agent' }] } });
  const from = Date.now() - 600_000;
  writeFileSync(log, '');
  for (let i = 0; i < VMS; i += 1000) {
    const lines = Array.from({ length: 1000 }, (_, n) => {
      const at = Math.floor(from + ((i + n) / VMS) * 600_000);
      return agentLine(
        at,
        `Starting live migration of instance [i-${i + n}-${i + n}-VM] to destination host [qemu+tcp://10.77.0.2/system] having the final XML configuration: [x].`,
      );
    });
    appendFileSync(log, lines.join(''));
  }
  const began = Date.now();
  const up = startProgram('up', config);
  const most = await mostResident(up, () =>
    eventually(
      async () => {
        const told = await count(data, 'SELECT count() FROM migrations FINAL');
        return told === VMS || `${told} migrations of ${VMS}; ${up.log().slice(-500)}`;
      },
      { withinMs: 150_000, everyMs: 1000 },
    ),
  );
  process.stderr.write(`${VMS} VMs: ${Math.round(most / 1e6)} MB resident, ${Date.now() - began} ms\n`);
  expect(most).toBeLessThan(MOST_RESIDENT_BYTES + VMS * BYTES_A_VM);
  await up.kill();
});

test('forged messages go to the dead letters, forged clusters hold nothing up', { timeout: 90_000 }, async () => {
  const folder = testFolder();
  const data = join(folder, 'data');
  const config = writeConfig(join(folder, 'c.yaml'), { data, collect: {} });
  const stream = await openEmbeddedStream({ folder: join(data, 'stream') });
  const producer = await stream.producer();
  const header = {
    cluster: 'c1',
    host: 'kvm-a',
    source: 'cloudstack-agent',
    path: '/agent.log',
    fileId: 'f',
    vm: null,
    offset: 0,
    line: 0,
    zone: 'UTC',
    observedAt: Date.now(),
  } as const;
  const bytes = Buffer.from(agentLine(Date.now(), 'Migration thread of VM [i-5-77-VM] finished.'));
  const good = encodeChunk({ header, bytes });
  const forged = [
    { ...good, headers: {} },
    { ...good, headers: { ...good.headers, offset: '-1' } },
    { ...good, headers: { ...good.headers, source: '%E0%A4%A' } },
    { ...good, headers: { ...good.headers, host: 'x'.repeat(100_000) } },
  ];
  const clusters = Array.from({ length: 300 }, (_, i) => encodeChunk({ header: { ...header, cluster: `forged-${i}` }, bytes }));
  try {
    await producer.send(RECORDS_TOPIC, [...forged, ...clusters, good]);
    const processor = startProgram('process', config);
    await eventually(
      async () => (await count(data, 'SELECT uniqExact(cluster) FROM lines')) === 301 || processor.log().slice(-500),
      { withinMs: 60_000 },
    );
    const [letters] = await stream.positions(DEAD_LETTERS_TOPIC, 'any');
    expect(letters?.end).toBe(forged.length);
    await eventually(async () => {
      const positions = await stream.positions(RECORDS_TOPIC, 'precopy.processors');
      return positions.every(({ end, committed }) => end === committed) || processor.log().slice(-500);
    });
    expect(processor.log()).toContain('kept in the dead letters');
    expect(await processor.stop()).toBe(0);
  } finally {
    await producer.close();
    await stream.close();
  }
});
