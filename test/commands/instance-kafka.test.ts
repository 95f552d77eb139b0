import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createInstance, type Instance, type Roles } from '../../src/commands/instance.ts';
import { loadConfig } from '../../src/config.ts';
import { createLog } from '../../src/lib/log.ts';
import { createMetrics } from '../../src/lib/metrics.ts';
import { canRunKafka, kafkaBed } from '../stream/kafka-bed.ts';
import { uniquePrefix } from '../stream/kafka-options.ts';

const PATIENCE = { timeout: 20_000, interval: 50 };

describe.runIf(canRunKafka({ existing: true }))('instances on Kafka', () => {
  const bed = kafkaBed({ existing: true });
  let folder: string;
  const logged: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'precopy-instance-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** An instance with a data folder of its own. */
  async function instance(name: string, roles: Roles, topicPrefix: string): Promise<Instance> {
    const file = join(folder, `${name}.yaml`);
    const off = 'virsh: null, sensors: null, arp: null, heartbeat: null, journal: null, hostFacts: null';
    const files = `files: [{ path: ${folder}/agent.log, source: cloudstack-agent, timezone: Europe/Berlin }]`;
    const kafka = `{ brokers: [${bed
      .cluster()
      .brokers.map((broker) => `'${broker}'`)
      .join(', ')}], topicPrefix: ${topicPrefix}, partitions: 2 }`;
    await writeFile(
      file,
      `cluster: c1\nhost: kvm1\ndata: ${folder}/${name}\nstream: { kafka: ${kafka} }\ncollect: { ${files}, ${off} }\napi: { listen: '127.0.0.1:0' }\n`,
    );
    const destination = new Writable({
      write(line: Buffer, _, done) {
        logged.push(line.toString());
        done();
      },
    });
    const log = createLog({ level: 'warn', destination, pretty: false });
    return createInstance(loadConfig(file, {}), { roles, log, metrics: createMetrics(), node: process.execPath, out() {} });
  }

  test('one that only collects needs no store, one that only processes no folder of a stream', { timeout: 60_000 }, async () => {
    const topicPrefix = uniquePrefix();
    const lines = Array.from({ length: 50 }, (_, number) => {
      return `2026-11-24 10:00:${String(number).padStart(2, '0')},000 INFO  [kvm.resource.LibvirtConnection] (agentRequest-Handler-1:null) (logid:) line ${number}`;
    });
    await writeFile(join(folder, 'agent.log'), `${lines.join('\n')}\n`);
    const collecting = await instance('collect', { collect: true, process: false }, topicPrefix);
    await collecting.start();
    const processing = await instance('process', { collect: false, process: true }, topicPrefix);
    await processing.start();
    await vi.waitFor(async () => {
      const answer = await fetch(`${processing.url()}/metrics`);
      expect(await answer.text()).toMatch(/^precopy_collected_lines_total\{source="cloudstack-agent"\} 50$/m);
    }, PATIENCE);
    await processing.idle();
    await collecting.stop();
    await processing.stop();
    expect(['store', 'stream'].map((part) => existsSync(join(folder, 'collect', part)))).toEqual([false, false]);
    expect(existsSync(join(folder, 'process/store'))).toBe(true);
    expect(existsSync(join(folder, 'process/stream'))).toBe(false);
    expect(logged).toEqual([]);
  });
});
