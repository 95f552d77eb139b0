import { join } from 'node:path';
import { z } from 'zod';
import { readCheckpoint, writeCheckpoint } from './checkpoint-file.ts';
import { superviseChild } from './child.ts';
import type { Collector, CollectorContext } from './collector.ts';
import { JOURNAL_FIELDS, journalLine } from './journal-entry.ts';
import type { JournalOptions } from './options.ts';
import { createProgramChunks, type Mask, type ProgramChunks } from './program-chunks.ts';
import { createReporter, endOutput, type Reporter } from './reporter.ts';

/** How long after an entry the place behind it is kept: so much is read twice after a crash, and known as the same. */
const KEEP_MS = 500;
/** journald takes no longer entries than this by default (LineMax is 48 KiB; native ones may be longer), and JSON makes them longer. */
const MAX_ENTRY_CHARS = 1 << 20;

/** What is read of the journal, and where the place in it is kept. */
export interface JournalSetup {
  readonly options: JournalOptions;
  readonly mask: Mask;
  /** Folder of the file `journal.checkpoint.json`. */
  readonly folder: string;
  /** Arguments that name another journal than this machine's: `-D <folder>`. */
  readonly from?: readonly string[];
}

const checkpoint = z.strictObject({
  /** The last entry that the stream has; `null` where there was none since `since`. */
  cursor: z.string().nullable(),
  /** Unix ms of the first look. */
  since: z.number(),
  /** What was asked for: other messages are another file, from the same place on. */
  matches: z.string(),
  place: z.strictObject({ fileId: z.string(), offset: z.number(), line: z.number() }),
});

type Checkpoint = z.infer<typeof checkpoint>;

interface Followed {
  readonly path: string;
  readonly chunks: ProgramChunks;
  readonly reporter: Reporter;
  readonly from: readonly string[];
  readonly matches: readonly string[];
}

/**
 * Follows the journal from where it stopped (at first from now on), over reboots, as lines of `journalctl -o short-iso-precise`. The
 * place moves only when the stream has what is before it; what is read twice keeps its file and offset.
 */
export function createJournalCollector(context: CollectorContext, setup: JournalSetup): Collector {
  const { options, mask, folder, from = [] } = setup;
  let stop = (): Promise<void> => Promise.resolve();
  let stopped: Promise<void> | null = null;
  return {
    name: 'journal',
    async start() {
      const path = join(folder, 'journal.checkpoint.json');
      const matches = matchesOf(options.units);
      const kept = await readCheckpoint(path, checkpoint);
      const reporter = createReporter(context, 'journal', mask);
      if (kept === 'broken') reporter.say('failing', `${path} cannot be read: the journal is followed from now on`);
      const chunks = createProgramChunks({ context, source: 'journal', path: 'journal', mask, onTrouble: reporter.trouble });
      const known = kept === 'broken' ? null : kept;
      if (known?.matches === matches.join(' ')) chunks.begin(known.place);
      const { cursor, since } = known ?? { cursor: null, since: context.now() };
      const begin = { cursor, since, matches: matches.join(' '), place: await chunks.flush() };
      stop = () => endOutput(chunks, reporter);
      await writeCheckpoint(path, begin);
      const follower = follow({ path, chunks, reporter, from, matches }, begin);
      stop = follower.stop;
      await follower.started;
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** `libvirtd`: the unit, what systemd says of it, and who calls itself so (`heartbeat` is the tag of a script); `kernel`: its ring buffer. */
function matchesOf(units: readonly string[]): readonly string[] {
  const sets = units.flatMap((name) => {
    if (name === 'kernel') return ['_TRANSPORT=kernel'];
    const unit = name.includes('.') ? name : `${name}.service`;
    return [`_SYSTEMD_UNIT=${unit}`, `UNIT=${unit}`, `SYSLOG_IDENTIFIER=${name}`];
  });
  return sets.flatMap((match, i) => (i === 0 ? [match] : ['+', match]));
}

function follow(followed: Followed, begin: Checkpoint): { readonly started: Promise<void>; stop(): Promise<void> } {
  const { path, chunks, reporter, from, matches } = followed;
  let kept = begin;
  let cursor = begin.cursor;
  let rest = '';
  let decoder = new TextDecoder();
  let timer: NodeJS.Timeout | null = null;
  let turn: Promise<void> = Promise.resolve();

  /** One at a time: a place is kept with the entry that ends there. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    turn = turn.then(work, work);
    return turn;
  }

  async function take(bytes: Uint8Array): Promise<void> {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_ENTRY_CHARS) rest = lines.push(rest) > 0 ? '' : rest;
    for (const json of lines) {
      const line = journalLine(json);
      // what is no entry is passed on as it is: the parser rejects it, and it is counted
      await chunks.push(Buffer.from(line?.text ?? `${json}\n`));
      cursor = line?.cursor ?? cursor;
    }
    timer ??= setTimeout(() => void inTurn(keep).catch(tell), KEEP_MS);
  }

  async function keep(): Promise<void> {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (cursor === kept.cursor) return;
    kept = { ...kept, cursor, place: await chunks.flush() };
    await writeCheckpoint(path, kept);
  }

  function tell(error: unknown): void {
    reporter.say('failing', error instanceof Error ? error.message : String(error));
  }

  const child = superviseChild({
    command: 'journalctl',
    debianPackage: 'systemd',
    get args() {
      // merged, for following alone would leave out what was written before the last reboot
      const at = cursor === null ? `--since=@${Math.floor(kept.since / 1000)}` : `--after-cursor=${cursor}`;
      const fields = `--output-fields=${JOURNAL_FIELDS.join(',')}`;
      return ['-q', '-m', '-f', '-a', '--no-tail', '-o', 'json', fields, at, ...from, ...matches];
    },
    onStart: () => {
      rest = '';
      decoder = new TextDecoder();
    },
    onOutput: (bytes) => inTurn(() => take(bytes)),
    onEnd: () => inTurn(keep).catch(tell),
    report: reporter.say,
  });
  return {
    started: child.started,
    async stop() {
      await child.stop();
      await inTurn(keep).catch(tell);
      await endOutput(chunks, reporter);
    },
  };
}
