import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createInstance } from '../../src/commands/instance.ts';
import { loadConfig } from '../../src/config.ts';
import { createLog } from '../../src/lib/log.ts';
import { createMetrics } from '../../src/lib/metrics.ts';
import { enveloped } from '../pipeline/enveloped.ts';
import { canRunKafka, kafkaBed } from '../stream/kafka-bed.ts';
import { uniquePrefix } from '../stream/kafka-options.ts';

const PATIENCE = { timeout: 20_000, interval: 50 };

describe.runIf(canRunKafka({ existing: true }))('a processor and a topic that another program ships to', () => {
  const bed = kafkaBed({ existing: true });
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'precopy-shipped-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test(
    'lines are stored, also where our own topics have a prefix; what is none is a dead letter',
    { timeout: 60_000 },
    async () => {
      const topic = `${uniquePrefix()}logs`;
      const brokers = bed.cluster().brokers.map((broker) => `'${broker}'`);
      const file = join(folder, 'precopy.yaml');
      const off = 'files: [], virsh: null, sensors: null, arp: null, heartbeat: null, journal: null, hostFacts: null';
      const shippers = `[{ topic: ${topic}, format: vector, timezone: Europe/Berlin }]`;
      const kafka = `{ brokers: [${brokers.join(', ')}], topicPrefix: ${uniquePrefix()}, partitions: 2, shippers: ${shippers} }`;
      await writeFile(
        file,
        `cluster: c1\ndata: ${folder}/data\nstream: { kafka: ${kafka} }\ncollect: { ${off} }\napi: { listen: '127.0.0.1:0' }\n`,
      );
      const logged: string[] = [];
      const destination = new Writable({
        write(line: Buffer, _, done) {
          logged.push(line.toString());
          done();
        },
      });
      const log = createLog({ level: 'warn', destination, pretty: false });
      const roles = { collect: false, process: true };
      const instance = createInstance(loadConfig(file, {}), {
        roles,
        log,
        metrics: createMetrics(),
        node: process.execPath,
        out() {},
      });
      await instance.start();

      const lines = Array.from({ length: 50 }, (_, number) => ({
        host: 'kvm1',
        path: '/var/log/cloudstack/agent/agent.log',
        text: `2026-11-24 10:00:${String(number).padStart(2, '0')},000 INFO  [kvm.resource.LibvirtConnection] (agentRequest-Handler-1:null) (logid:) line ${number}`,
        offset: 0,
      }));
      const others = { host: 'kvm1', path: '/var/log/nginx/access.log', text: 'GET /', offset: 0 };
      const producer = await (await bed.open({ topicPrefix: '' })).producer();
      await producer.send(topic, [...enveloped('vector', [...lines, others]), { key: '', headers: {}, value: Buffer.from('{') }]);
      await producer.close();

      await vi.waitFor(async () => {
        const metrics = await (await fetch(`${instance.url()}/metrics`)).text();
        expect(metrics).toMatch(/^precopy_collected_lines_total\{source="cloudstack-agent"\} 50$/m);
        expect(metrics).toContain(`precopy_shipped_skipped_lines_total{topic="${topic}"} 1\n`);
        expect(metrics).toMatch(/^precopy_chunks_dead_total\{reason="shipped"\} 1$/m);
      }, PATIENCE);
      await instance.idle();
      await instance.stop();
      expect(logged).toEqual([expect.stringContaining('a shipped message cannot be read')]);
    },
  );
});
