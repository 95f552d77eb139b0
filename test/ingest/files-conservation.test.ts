import { spawn, type ChildProcess } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { ChunkHeader } from '../../src/model/chunk.ts';
import { FAST, record, temporaryFolder, until } from './following.ts';

/** The built program. */
const built = resolve('dist');

const KILLS = Number(process.env['PRECOPY_KILLS'] ?? 10);
const SEED = Number(process.env['PRECOPY_SEED'] ?? 20_261_124);

interface Journalled {
  readonly header: ChunkHeader;
  readonly text: string;
}

/** Numbers below 1, the same for the same seed (mulberry32). */
function createChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Writes numbered records to a log, and rotates it as people and programs do. */
class Host {
  readonly #log: string;
  readonly #folder: string;
  readonly #name: string;
  readonly #chance: () => number;
  readonly written: string[] = [];
  readonly done: string[] = [];
  #number = 0;
  #day = 0;

  constructor(folder: string, log: string, chance: () => number) {
    this.#folder = folder;
    this.#name = log;
    this.#log = join(folder, log);
    this.#chance = chance;
  }

  write(): void {
    const count = 1 + Math.floor(this.#chance() * 40);
    let text = '';
    for (let i = 0; i < count; i += 1) {
      this.#number += 1;
      const trace =
        this.#chance() < 0.1
          ? `\tat com.cloud.agent.Agent.first(${this.#name} ${this.#number})\n\tat com.cloud.agent.Agent.second(${this.#name} ${this.#number})\n`
          : '';
      text += record(this.#number, this.#name) + trace;
    }
    this.written.push(...text.split('\n').slice(0, -1));
    // a record in two writes now and then
    const cut = this.#chance() < 0.2 ? Math.floor(this.#chance() * text.length) : text.length;
    appendFileSync(this.#log, text.slice(0, cut));
    appendFileSync(this.#log, text.slice(cut));
  }

  rotate(): void {
    const ways = [this.#rename, this.#copytruncate, this.#dateext, this.#compress, this.#compress] as const;
    const way = ways[Math.floor(this.#chance() * ways.length)];
    if (way === undefined || !existsSync(this.#log)) return;
    this.done.push(way.name);
    way.call(this);
  }

  #rename(): void {
    this.#shift();
    renameSync(this.#log, `${this.#log}.1`);
    // the program does not reopen its log at once
    const text = record((this.#number += 1), this.#name);
    this.written.push(text.trimEnd());
    appendFileSync(`${this.#log}.1`, text);
  }

  #copytruncate(): void {
    this.#shift();
    copyFileSync(this.#log, `${this.#log}.1`);
    truncateSync(this.#log);
  }

  #dateext(): void {
    this.#day += 1;
    renameSync(this.#log, `${this.#log}-${20_261_101 + (this.#day % 28)}-${this.#day}`);
  }

  /** One of the rotated files, as gzip does it: the compressed one is there before the other goes. */
  #compress(): void {
    const plain = readdirSync(this.#folder).filter(
      (name) => /\.log[.-][\d-]+$/.test(name) && join(this.#folder, name).startsWith(this.#log),
    );
    const name = plain[Math.floor(this.#chance() * plain.length)];
    if (name === undefined) return;
    const path = join(this.#folder, name);
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
    rmSync(path);
  }

  #shift(): void {
    const numbered = readdirSync(this.#folder)
      .map((name) => ({ name, match: /^(.*\.log)\.(\d+)(\.gz)?$/.exec(name) }))
      .filter(({ match }) => match !== null && join(this.#folder, match[1] ?? '') === this.#log)
      .toSorted((a, b) => Number(b.match?.[2]) - Number(a.match?.[2]));
    for (const { name, match } of numbered) {
      renameSync(join(this.#folder, name), `${this.#log}.${Number(match?.[2]) + 1}${match?.[3] ?? ''}`);
    }
  }
}

function journalled(path: string): readonly Journalled[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'latin1')
    .split('\n')
    .flatMap((line) => {
      try {
        return line === '' ? [] : [JSON.parse(line) as Journalled];
      } catch {
        // cut by a kill: not acknowledged
        return [];
      }
    });
}

/** Identities of lines by their text. What was sent again after a kill has to be the same. */
function identities(chunks: readonly Journalled[]): ReadonlyMap<string, ReadonlySet<string>> {
  const textOf = new Map<string, string>();
  const byText = new Map<string, Set<string>>();
  for (const { header, text } of chunks) {
    let { offset } = header;
    for (const line of text.split(/(?<=\n)/)) {
      const identity = `${header.fileId}@${offset}`;
      if (!line.endsWith('\n')) throw new Error(`${identity} is not a whole line: ${line}`);
      if ((textOf.get(identity) ?? line) !== line) throw new Error(`${identity} is another line now: ${line}`);
      textOf.set(identity, line);
      const known = byText.get(line.trimEnd()) ?? new Set();
      byText.set(line.trimEnd(), known.add(identity));
      offset += line.length;
    }
  }
  return byText;
}

test(
  `no line is lost, split or doubled by ${KILLS} kills and all kinds of rotation`,
  { timeout: 30_000 + KILLS * 3000 },
  async () => {
    const folder = temporaryFolder();
    const logs = join(folder, 'log');
    mkdirSync(logs);
    const journal = join(folder, 'journal');
    const settings = { pattern: join(logs, '*.log*'), checkpoints: join(folder, 'checkpoints.json'), journal, timings: FAST };
    const chance = createChance(SEED);
    const hosts = ['agent.log', 'other.log'].map((name) => new Host(logs, name, chance));
    const pause = (ms: number): Promise<void> => new Promise((resolvePause) => setTimeout(resolvePause, ms));

    function start(): ChildProcess {
      return spawn(process.execPath, ['test/ingest/collect-child.mjs', built, JSON.stringify(settings)], {
        stdio: ['ignore', 'inherit', 'ignore'],
      });
    }

    async function live(ms: number): Promise<void> {
      const end = Date.now() + ms;
      while (Date.now() < end) {
        for (const host of hosts) {
          host.write();
          if (chance() < 0.08) host.rotate();
        }
        await pause(5 + chance() * 20);
      }
    }

    for (let kill = 0; kill < KILLS; kill += 1) {
      const child = start();
      await live(400 + chance() * 600);
      child.kill('SIGKILL');
      await live(chance() * 200);
    }
    const last = start();
    try {
      const written = hosts.flatMap((host) => host.written);
      await until(
        () => {
          const { size } = identities(journalled(journal));
          return size >= written.length || `${size} of ${written.length} lines (seed ${SEED})`;
        },
        { timeoutMs: 20_000 + KILLS * 500, everyMs: 500 },
      );
      await pause(500);
      const found = identities(journalled(journal));
      expect([...found.keys()].toSorted()).toEqual(written.toSorted());
      const doubled = [...found].filter(([, own]) => own.size !== 1).map(([text, own]) => [text, ...own]);
      expect(doubled).toEqual([]);
    } finally {
      last.kill('SIGKILL');
    }
  },
);
