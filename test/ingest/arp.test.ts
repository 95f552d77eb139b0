import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { createArpCollector, type ArpMachine } from '../../src/ingest/arp.ts';
import type { Collector } from '../../src/ingest/collector.ts';
import { collecting, have, unmasked, until, type Collecting } from './collecting.ts';

const MAC = '02:00:00:00:00:0a';
/** `arping`-like: a RARP frame as QEMU announces a guest, from the given address. */
const ANNOUNCE = `
import socket, sys
mac = bytes.fromhex(sys.argv[2].replace(':', ''))
frame = b'\\xff' * 6 + mac + bytes.fromhex('8035' '0001' '0800' '06' '04' '0003') + mac + bytes(4) + mac + bytes(4) + bytes(18)
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((sys.argv[1], 0))
out.send(frame)
`;

function canMakeNamespaces(): boolean {
  if (!have('tcpdump', 'bridge', 'ip', 'python3')) return false;
  if (process.getuid?.() === 0) return true;
  process.stderr.write('skipped, not root: tcpdump on a bridge\n');
  return false;
}

describe.runIf(canMakeNamespaces())('tcpdump and bridge in a network namespace', () => {
  const namespace = `precopy-test-${process.pid}`;
  const inside = (...command: readonly string[]): Buffer => execFileSync('ip', ['netns', 'exec', namespace, ...command]);
  const ip = (...args: readonly string[]): Buffer => execFileSync('ip', ['-n', namespace, ...args]);
  let collector: Collector | null = null;

  afterEach(async () => {
    await collector?.stop();
    collector = null;
    execFileSync('ip', ['netns', 'del', namespace]);
  });

  function makeBridge(): void {
    ip('link', 'add', 'br0', 'type', 'bridge');
    ip('link', 'add', 'port1', 'type', 'veth', 'peer', 'name', 'guest1');
    ip('link', 'set', 'port1', 'master', 'br0');
    for (const name of ['br0', 'port1', 'guest1']) ip('link', 'set', name, 'up');
  }

  async function listens(markMs = 60_000, collected = collecting()): Promise<Collecting> {
    const machine: ArpMachine = {
      run: ({ command, args, debianPackage }) => ({
        command: 'ip',
        args: ['netns', 'exec', namespace, command, ...args],
        debianPackage,
      }),
      exists: (name) => Promise.resolve(inside('ls', '/sys/class/net').toString().split('\n').includes(name)),
    };
    collector = createArpCollector(collected.context, {
      options: { interfaces: ['br0'] },
      mask: unmasked,
      machine,
      markMs,
      lookMs: 50,
      blockedMs: 300,
    });
    await collector.start();
    return collected;
  }

  test('an announcement and what the bridge learns from it are events, with their time', async () => {
    execFileSync('ip', ['netns', 'add', namespace]);
    makeBridge();
    const collected = await listens();
    await until('it listens', () => collected.states('arp:br0').includes('listening'));
    const before = Date.now();
    inside('python3', '-c', ANNOUNCE, 'guest1', MAC);
    const isAnnounced = { kind: 'announced', mac: MAC, how: 'rarp' };
    await until('the frame is there', () => collected.bodies('tcpdump:br0').length > 0);
    expect(collected.bodies('tcpdump:br0')).toContainEqual(isAnnounced);
    await until('the bridge learned it', () => collected.text('bridge-fdb').includes(MAC));
    expect(collected.bodies('bridge-fdb')).toContainEqual({
      kind: 'forwarding-changed',
      mac: MAC,
      port: 'port1',
      deleted: false,
    });
    for (const path of ['tcpdump:br0', 'bridge-fdb']) {
      const event = collected.events(path).find(({ body }) => 'mac' in body && body.mac === MAC);
      expect(Math.abs((event?.stamp?.ms ?? 0) - before)).toBeLessThan(5000);
      expect(collected.chunks.find(({ header }) => header.path === path)?.header.zone).toBe('UTC');
    }
  });

  test('it says that it listens from the beginning to the end, even where nothing is heard', async () => {
    execFileSync('ip', ['netns', 'add', namespace]);
    makeBridge();
    const collected = await listens(50);
    await until('marks', () => collected.states('arp:br0').filter((state) => state === 'listening').length >= 4);
    await collector?.stop();
    const states = collected.states('arp:br0');
    expect(states.slice(0, 3)).toEqual(['starting', 'running', 'listening']);
    expect(states.slice(-2)).toEqual(['listening', 'stopped']);
    expect(collected.statuses.at(-1)?.state).toBe('stopped');
  });

  test('an interface that is not there yet is waited for, and one that goes away is missing', async () => {
    execFileSync('ip', ['netns', 'add', namespace]);
    const collected = await listens(50);
    await until('it is missing', () => collected.states('arp:br0').includes('missing'));
    expect(collected.statuses.find(({ state }) => state === 'missing')?.problem).toMatch(/^there is no interface br0: /);
    expect(collected.states('arp:br0')).not.toContain('listening');
    makeBridge();
    await until('it listens', () => collected.states('arp:br0').includes('listening'));
    ip('link', 'del', 'br0');
    await until('it is missing again', () => collected.states('arp:br0').at(-1) === 'missing');
  });

  test('it does not claim to have listened while the stream held back what was heard', async () => {
    execFileSync('ip', ['netns', 'add', namespace]);
    makeBridge();
    const releases: (() => void)[] = [];
    const slow = collecting((chunks) =>
      chunks[0]?.header.source === 'tcpdump' && releases.length === 0
        ? new Promise((resolve) => releases.push(resolve))
        : Promise.resolve(),
    );
    const collected = await listens(100, slow);
    await until('it listens', () => collected.states('arp:br0').includes('listening'));
    inside('python3', '-c', ANNOUNCE, 'guest1', MAC);
    await until('the stream is blocked, and that is said', () => collected.states('arp:br0').includes('failing'));
    for (const release of releases) release();
    await until('what was heard is not lost', () => collected.bodies('tcpdump:br0').length > 0);
    await until('it listens again', () => collected.states('arp:br0').at(-1) === 'listening');
    expect(collected.bodies('collector:arp:br0')).toContainEqual(
      expect.objectContaining({ text: expect.stringMatching(/frames may have been lost$/) }),
    );
  });

  test('a tcpdump that is killed is reported, and started again', async () => {
    execFileSync('ip', ['netns', 'add', namespace]);
    makeBridge();
    const collected = await listens();
    await until('it listens', () => collected.states('arp:br0').includes('listening'));
    const isTcpdump = (one: string): boolean => readFileSync(`/proc/${one}/comm`, 'utf8').trim() === 'tcpdump';
    const pids = execFileSync('ip', ['netns', 'pids', namespace]).toString().split('\n');
    const pid = Number(pids.find((one) => one !== '' && isTcpdump(one)));
    process.kill(pid, 'SIGKILL');
    await until('it listens again', () => collected.states('arp:br0').filter((state) => state === 'listening').length === 2);
    expect(collected.states('arp:br0')).toEqual(['starting', 'running', 'listening', 'failing', 'running', 'listening']);
  });
});
