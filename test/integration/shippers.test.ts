import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createShipperIntake } from '../../src/pipeline/shipper-intake.ts';
import type { ShippedTopic } from '../../src/pipeline/shipped-topic.ts';
import { collectedFiles, type CollectedFile } from '../pipeline/chunks.ts';
import { openInstance, type Instance } from '../pipeline/instance.ts';
import { analysedOf, storedOf, type Told } from '../pipeline/told.ts';
import { canRunKafka, kafkaBed } from '../stream/kafka-bed.ts';
import { uniquePrefix } from '../stream/kafka-options.ts';
import { rsyslogd, syslogNgDaemon, type ShippedHost, type ShipperProgram } from './shipper-programs.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };

function canRun(program: ShipperProgram): boolean {
  const missing = program.missing();
  // syslog-ng cannot be installed beside rsyslog, so nobody has to have it
  const required = program.format === 'rsyslog' && process.env['PRECOPY_REQUIRE_PROGRAMS'] !== undefined;
  if (missing !== null && required) throw new Error(`not installed: ${missing}`);
  if (missing !== null) process.stderr.write(`no test with ${program.format}: ${missing}\n`);
  return missing === null;
}

describe.runIf(canRunKafka({ existing: true }))('shippers that run', () => {
  const bed = kafkaBed({ existing: true });
  let instance: Instance;
  let folder: string;
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    instance = await openInstance();
    folder = mkdtempSync(join(tmpdir(), 'precopy-shippers-'));
  }, 60_000);
  afterEach(async () => {
    await Promise.all(running.splice(0).map(ended));
  });
  afterAll(async () => {
    await instance.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const program of [rsyslogd, syslogNgDaemon]) {
    test.runIf(canRun(program))(
      `${program.format}, as deploy/shippers has it, ships a recording, and it ends in what analyze tells`,
      async () => {
        const recording = join(folder, program.format, 'recording');
        mkdirSync(join(folder, program.format));
        cpSync('recordings/libvirt-9.0/cpu-incompatible', recording, { recursive: true });
        const files = await collectedFiles(recording);
        const topic = topicOf(program, files);
        const shipped = await bed.open({ topicPrefix: '' });
        const intake = createShipperIntake({
          shipped,
          stream: instance.stream,
          topics: [topic],
          groupPrefix: '',
          watch: {
            taken() {},
            skipped(_, names) {
              throw new Error(`skipped ${names.join(', ')}`);
            },
            deadLetter(problem) {
              throw new Error(problem);
            },
            failed(error) {
              throw error;
            },
          },
        });
        await intake.start();
        const broker = bed.cluster().plainBrokers[0] ?? '';
        running.push(...program.start(hostsOf(files), { folder: join(folder, program.format), broker, topic: topic.topic }));
        const lines = files.flatMap(({ bytes }) => bytes.toString('utf8').split('\n')).filter((line) => line !== '').length;
        await vi.waitFor(async () => {
          const positions = await shipped.positions(topic.topic, 'nobody');
          expect(positions.reduce((sum, { end }) => sum + end, 0)).toBe(lines);
        }, PATIENCE);
        await intake.idle();
        await intake.stop();
        const processor = instance.processor();
        await processor.start();
        await processor.idle();
        await processor.stop();
        expect(withoutLines(await storedOf(instance.store, topic.cluster))).toEqual(withoutLines(await analysedOf(recording)));
      },
      150_000,
    );
  }
});

function topicOf({ format }: ShipperProgram, files: readonly CollectedFile[]): ShippedTopic {
  return {
    topic: `${uniquePrefix()}${format}`,
    format,
    cluster: format,
    timezone: 'UTC',
    host: null,
    path: null,
    rules: files.map(({ header: { path, source, zone } }) => ({ path: path.replace(/^\//, ''), source, timezone: zone })),
  };
}

function hostsOf(files: readonly CollectedFile[]): readonly ShippedHost[] {
  const hosts = [...new Set(files.map(({ header }) => header.host))];
  return hosts.map((host) => ({ host, paths: files.flatMap(({ header }) => (header.host === host ? [header.path] : [])) }));
}

/** Numbers of lines are not known of what others ship. */
function withoutLines(told: Told): unknown {
  return JSON.parse(JSON.stringify(told, (key, value: unknown) => (key === 'line' ? undefined : value)));
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 5_000).unref();
  });
}
