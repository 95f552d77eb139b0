import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Zone } from '../../src/timeline/zone.ts';
import type { ReplayedFile } from '../../src/commands/replay.ts';

/** What the logs of a host are made of. */
export interface LiveLogsParts {
  /** Where they are. */
  readonly root: string;
  /** Where what is deleted is kept for the test. */
  readonly kept: string;
  readonly zone: Zone;
  readonly chance: () => number;
  /** Whether all of a file (device and inode, size) was read by the collector for good. */
  isRead(path: string): boolean;
}

/** Logs that programs write and others rotate. */
export interface LiveLogs {
  /** Records with a number in each line, into the three logs that grow all the time. */
  writeNoise(lines: number, at: number): void;
  /** Records of a recording. */
  write(path: string, text: string): void;
  /** Rotates one of the logs in one of the ways. */
  rotate(): void;
  /** A log waits to be deleted. */
  isHolding(): boolean;
  /** Lines by file (path below the root, without a rotation's ending). */
  readonly written: ReadonlyMap<string, readonly string[]>;
  /** How often each way was taken. */
  readonly ways: ReadonlyMap<string, number>;
}

const AGENT = 'hosts/kvm-a/var/log/cloudstack/agent/agent.log';
const QEMU = 'hosts/kvm-a/var/log/libvirt/qemu/i-9-901-VM.log';
const LIBVIRTD = 'hosts/kvm-a/var/log/libvirt/libvirtd.log';
/** How long a program waits for the collector before it goes on without a new file, ms. */
const LONGEST_HOLD_MS = 5000;
const ROTATED = [AGENT, QEMU, LIBVIRTD, 'hosts/kvm-b/var/log/cloudstack/agent/agent.log'];

/** Logs below a folder. */
export function createLiveLogs({ root, kept, zone, chance, isRead }: LiveLogsParts): LiveLogs {
  const written = new Map<string, string[]>();
  const ways = new Map<string, number>();
  /** Text for a log that its program does not write to, for it is to be deleted when it was read. */
  const held = new Map<string, { text: string; readonly until: number }>();
  let number = 0;
  let generation = 0;

  function write(path: string, text: string): void {
    const waiting = held.get(path);
    if (waiting === undefined) append(path, text);
    else waiting.text += text;
  }

  function append(path: string, text: string): void {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    // in two writes now and then
    const cut = chance() < 0.1 ? Math.floor(chance() * text.length) : text.length;
    const bytes = Buffer.from(text);
    appendFileSync(file, bytes.subarray(0, cut));
    appendFileSync(file, bytes.subarray(cut));
    const lines = written.get(path) ?? [];
    written.set(path, lines);
    for (const line of text.split('\n').slice(0, -1)) lines.push(line);
  }

  function noise(at: number): readonly [path: string, text: string] {
    number += 1;
    const utc = new Date(at).toISOString().replace('T', ' ').replace('Z', '');
    const kind = chance();
    if (kind < 0.1) return [QEMU, `${utc}+0000: Domain id=1 is tainted: high-privileges ${number}\n  seen by ${number}\n`];
    if (kind < 0.25) return [LIBVIRTD, `${utc}+0000: 26904: debug : virThreadJobSet:93 : Thread is now running job ${number}\n`];
    const local = new Date(at + (zone.offsetsMs(at)[0] ?? 0)).toISOString().replace('T', ' ').replace('.', ',').replace('Z', '');
    const record = `${local} DEBUG [kvm.resource.LibvirtComputingResource] (agentRequest-Handler-2:null) (logid:7507b59f) Executing ${number}\n`;
    const trace = `\tat com.cloud.agent.Agent.first(Agent.java:${number})\n\tat com.cloud.agent.Agent.second(Agent.java:${number})\n`;
    return [AGENT, kind < 0.4 ? record + trace : record];
  }

  /** The names that a log was rotated to. */
  function rotatedOf(file: string): readonly string[] {
    const name = basename(file);
    return readdirSync(dirname(file)).filter((one) => one.startsWith(name) && one !== name);
  }

  function shift(file: string): void {
    const numbered = rotatedOf(file)
      .map((name) => ({ name, match: /\.(\d+)(\.gz)?$/.exec(name) }))
      .filter(({ match }) => match !== null)
      .toSorted((a, b) => Number(b.match?.[1]) - Number(a.match?.[1]));
    for (const { name, match } of numbered)
      renameSync(join(dirname(file), name), `${file}.${Number(match?.[1]) + 1}${match?.[2] ?? ''}`);
  }

  const rotations = {
    rename(file: string) {
      shift(file);
      renameSync(file, `${file}.1`);
    },
    copytruncate(file: string) {
      shift(file);
      copyFileSync(file, `${file}.1`);
      truncateSync(file);
    },
    dateext(file: string) {
      renameSync(file, `${file}-20261101-${(generation += 1)}`);
    },
    /** As gzip does it: the compressed one is there before the other goes. */
    compress(file: string) {
      const plain = rotatedOf(file).filter((name) => !name.endsWith('.gz'));
      const name = plain[Math.floor(chance() * plain.length)];
      if (name === undefined) return false;
      const path = join(dirname(file), name);
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
      rmSync(path);
      return true;
    },
    /** Only when it was read: nobody can read what is gone. */
    recreate(file: string) {
      held.set(relative(root, file), { text: '', until: Date.now() + LONGEST_HOLD_MS });
      return false;
    },
  };

  function told(way: string): void {
    ways.set(way, (ways.get(way) ?? 0) + 1);
  }

  /** Deletes what was read, and goes on writing; a collector that is dead for too long is not waited for. */
  function release(): void {
    for (const [path, { text, until }] of held) {
      const file = join(root, path);
      const done = isRead(file);
      if (!done && Date.now() < until) continue;
      if (done) {
        const copy = `${join(kept, path)}.${100 + (generation += 1)}`;
        mkdirSync(dirname(copy), { recursive: true });
        copyFileSync(file, copy);
        rmSync(file);
        told('recreate');
      }
      held.delete(path);
      append(path, text);
    }
  }

  return {
    written,
    ways,
    write,
    isHolding: () => held.size > 0,
    writeNoise(lines, at) {
      release();
      const texts = new Map<string, string>();
      for (let i = 0; i < lines; i += 1) {
        const [path, text] = noise(at);
        texts.set(path, (texts.get(path) ?? '') + text);
      }
      for (const [path, text] of texts) write(path, text);
    },
    rotate() {
      const path = ROTATED[Math.floor(chance() * ROTATED.length)] ?? AGENT;
      const file = join(root, path);
      if (held.has(path) || !existsSync(file) || statSync(file).size === 0) return;
      const names = Object.keys(rotations) as (keyof typeof rotations)[];
      const way = names[Math.floor(chance() * names.length)] ?? 'rename';
      if (rotations[way](file) !== false) told(way);
    },
  };
}

/** Records of files in the order of their times. */
export function inOrder(
  files: readonly ReplayedFile[],
): readonly { readonly at: number; readonly path: string; readonly text: string }[] {
  return files.flatMap(({ path, records }) => records.map((record) => ({ ...record, path }))).toSorted((a, b) => a.at - b.at);
}

/** Numbers below 1, the same for the same seed (mulberry32). */
export function createChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
