import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../src/model/event.ts';
import { libvirtQemu } from '../../src/parsers/libvirt-qemu.ts';
import { libvirtd } from '../../src/parsers/libvirtd.ts';
import type { Parser } from '../../src/parsers/parser.ts';
import type { Tally } from '../../src/model/input.ts';
import { createScanner } from '../../src/parsers/scan.ts';
import { recordings as labelled } from '../recording.ts';

const ROOT = join(import.meta.dirname, '../../recordings');

interface Read {
  readonly path: string;
  readonly tally: Tally;
  readonly bodies: readonly EventBody[];
}

function read(parser: Parser, path: string): Read {
  const bodies: EventBody[] = [];
  const vm = parser.source === 'libvirt-qemu' ? basename(path, '.log') : null;
  const scanner = createScanner(parser, { host: 'kvm-a', source: parser.source, path, vm }, ({ body }) => bodies.push(body));
  const text = readFileSync(path, 'latin1');
  // pieces that end anywhere, as a tail delivers them
  for (let at = 0; at < text.length; at += 1000) scanner.push(text.slice(at, at + 1000));
  return { path, tally: scanner.end(), bodies };
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function readAll(parser: Parser, folder: string): readonly Read[] {
  return filesBelow(folder)
    .filter((path) => parser.paths.test(path))
    .map((path) => read(parser, path));
}

function count(bodies: readonly EventBody[], kind: EventBody['kind']): number {
  return bodies.filter((body) => body.kind === kind).length;
}

interface Label {
  readonly migrations: readonly { readonly exit: number; readonly error: string | null }[];
}

/** What a client hears before, or without, a daemon that writes a word. */
const CLIENT_ONLY =
  /Connection refused|No route to host|authentication failed|client socket is closed|^Requested operation is not valid/;

interface Recording {
  readonly name: string;
  readonly folder: string;
  readonly migrations: Label['migrations'];
}

function recordingAt(name: string): Recording {
  const folder = join(ROOT, name);
  const { migrations } = JSON.parse(readFileSync(join(folder, 'label.json'), 'utf8')) as Label;
  return { name, folder, migrations };
}

const recordings = labelled().map(({ name }) => recordingAt(name));
const failed = recordings.filter(({ migrations }) =>
  migrations.some(({ exit, error }) => exit !== 0 && !CLIENT_ONLY.test(error ?? '')),
);
const healthy = recordings.filter(({ migrations }) => migrations.length > 0 && migrations.every(({ exit }) => exit === 0));

test('there are recordings of three versions', () => {
  expect([...new Set(recordings.map(({ name }) => dirname(name)))]).toEqual(['libvirt-11.3', 'libvirt-7.0', 'libvirt-9.0']);
});

describe.each(recordings)('$name', ({ folder }) => {
  const qemu = readAll(libvirtQemu, folder);
  const daemon = readAll(libvirtd, folder);

  test('no record is rejected, and none is lost', () => {
    for (const { path, tally } of [...qemu, ...daemon]) {
      expect([path, tally.rejected]).toEqual([path, {}]);
      expect(tally.withEvents + tally.plain).toBe(tally.records);
    }
  });

  test('each QEMU log has a start whose every field is known', () => {
    expect(qemu.length).toBeGreaterThan(0);
    for (const { bodies } of qemu) {
      const starts = bodies.filter((body) => body.kind === 'domain-started');
      // libvirt could not even start QEMU, and says so in the log
      const neverStarted =
        bodies.length === 1 && bodies.every((body) => body.kind === 'domain-stopped' && body.reason === 'failed');
      expect(starts.length > 0 || neverStarted).toBe(true);
      for (const start of starts) {
        expect(Object.entries(start).filter(([, value]) => value === null)).toEqual([]);
        expect(start.macs.length).toBeGreaterThan(0);
        expect(start.memoryBytes).toBeGreaterThanOrEqual(128 * 2 ** 20);
      }
    }
  });

  test('QEMU logs hold little that is plain: taints and the like', () => {
    for (const { tally } of qemu) expect(tally.plain).toBeLessThanOrEqual(tally.withEvents + 3);
  });

  test('each daemon says its version once, and start-up noise stays plain', () => {
    expect(daemon.length).toBeGreaterThan(0);
    for (const { bodies } of daemon) {
      expect(count(bodies, 'daemon-started')).toBeGreaterThanOrEqual(1);
      const texts = bodies.flatMap((body) => (body.kind === 'daemon-message' ? [body.text] : []));
      expect(
        texts.filter((text) => /dmidecode|D-?Bus|system bus|udev|security driver|socket address|tainted/.test(text)),
      ).toEqual([]);
    }
  });
});

test.each(failed)('$name: a failed migration leaves a word of a daemon on some host', ({ folder }) => {
  const said = readAll(libvirtd, folder).reduce((sum, { bodies }) => sum + count(bodies, 'daemon-message'), 0);
  expect(said).toBeGreaterThan(0);
});

test.each(healthy)(
  '$name: a migration that went well is started on one host and received on another',
  ({ folder, migrations }) => {
    const bodies = readAll(libvirtQemu, folder).flatMap((file) => file.bodies);
    expect(count(bodies, 'migrate-initiated')).toBeGreaterThanOrEqual(migrations.length);
    expect(bodies.some((body) => body.kind === 'domain-started' && body.incoming)).toBe(true);
    expect(bodies.some((body) => body.kind === 'domain-stopped' && body.reason === 'migrated')).toBe(true);
  },
);
