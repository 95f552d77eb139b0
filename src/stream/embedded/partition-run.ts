import { AppError } from '../../lib/errors.ts';
import type { Batch, Consumption, PlacedMessage } from '../stream.ts';
import { pause } from '../../lib/pause.ts';
import type { Bell } from './bell.ts';
import type { EmbeddedDatabase } from './database.ts';
import { groupState, readFrom } from './journal.ts';

/** What a partition's run needs of its consumer. */
export interface RunSetting {
  readonly database: EmbeddedDatabase;
  readonly bell: Bell;
  readonly consumption: Consumption;
  readonly partition: number;
  /** Id of the member that holds the lease. */
  readonly member: string;
  readonly pollMs: number;
}

/** The handling of one partition for as long as its lease is held. */
export interface PartitionRun {
  /** Lets the batch in hand end, and starts no other. */
  end(): void;
  /** As `end`, where another member has the lease: nothing is committed any more. */
  lose(): void;
  /** Commits a note at the offset already committed. @throws AppError */
  note(text: string): Promise<void>;
  /** Resolves when the consumer has been told that the partition is revoked. */
  readonly ended: Promise<void>;
}

/** Pauses between attempts: doubled from the first to the last. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;

/** What this process sends rings the bell; others are polled, and where they were silent for so many polls, this many times less often. */
const POLLS_BEFORE_QUIET = 40;
const QUIET_TIMES = 5;

/** Characters of a note (`Consumption.handle`); LMDB would take more, Kafka's default is 4,096 bytes. */
const MOST_NOTE = 4_000;

/** Begins to handle a partition whose lease the member holds. */
export function startPartitionRun(setting: RunSetting): PartitionRun {
  const ending = new AbortController();
  const run: Run = {
    ...setting,
    ending: ending.signal,
    end: () => ending.abort(),
    committed: null,
    lost: false,
    empty: 0,
    told: false,
  };
  return {
    end: run.end,
    lose: () => lose(run),
    async note(text) {
      if (run.told && !run.lost) await writeNote(run, text);
    },
    ended: follow(run),
  };
}

interface Run extends RunSetting {
  readonly ending: AbortSignal;
  end(): void;
  /** As this run knows it. What the file says otherwise was committed by another member. */
  committed: number | null;
  lost: boolean;
  /** Looks in a row that found nothing. */
  empty: number;
  /** `assigned` has resolved, `revoked` was not called yet. */
  told: boolean;
}

async function follow(run: Run): Promise<void> {
  const { consumption, partition, ending } = run;
  await untilDone(run, async () => {
    if (ending.aborted) return;
    const state = run.database.read((tables) => groupState(tables, { ...consumption, partition }));
    run.committed = state?.offset ?? null;
    await consumption.assigned(partition, state?.note ?? null);
    run.told = true;
  });
  while (!ending.aborted) await step(run);
  if (!run.told) return;
  run.told = false;
  try {
    await consumption.revoked(partition);
  } catch (error) {
    consumption.failed(error);
  }
}

/** One batch, or a wait for one. */
async function step(run: Run): Promise<void> {
  const { database, bell, consumption, partition, ending, pollMs } = run;
  const { topic, maxBytes } = consumption;
  let messages: readonly PlacedMessage[] = [];
  await untilDone(run, async () => {
    messages = await readFrom(database, { topic, partition, offset: run.committed ?? 0 }, maxBytes);
  });
  const last = messages.at(-1);
  if (last === undefined) {
    run.empty += 1;
    await bell.next(run.empty > POLLS_BEFORE_QUIET ? pollMs * QUIET_TIMES : pollMs, ending);
    return;
  }
  run.empty = 0;
  const note = await handled(run, { topic, partition, messages });
  if (note !== null) await untilDone(run, () => commit(run, last.offset + 1, note));
}

/** Resolves with the note, or with `null` where the run ends before the batch was handled. */
async function handled(run: Run, batch: Batch): Promise<string | null> {
  let note: string | null = null;
  await untilDone(run, async () => {
    if (run.ending.aborted) return;
    const text = await run.consumption.handle(batch);
    if (text.length > MOST_NOTE) throw new Error(`a note has ${text.length} characters, and ${MOST_NOTE} is the most`);
    note = text;
  });
  return note;
}

async function commit(run: Run, offset: number, note: string): Promise<void> {
  if (run.lost) return;
  const done = await writeState(run, { offset, note });
  if (done) run.committed = offset;
  else loseToAnother(run);
}

async function writeNote(run: Run, note: string): Promise<void> {
  if (note.length > MOST_NOTE) throw new Error(`a note has ${note.length} characters, and ${MOST_NOTE} is the most`);
  await run.database.write((tables) => {
    const { topic, group } = run.consumption;
    const key = [topic, run.partition, group];
    const state = tables.groups.get(key);
    if (tables.leases.get([topic, group, run.partition]) !== run.member || state === undefined) return;
    tables.groups.putSync(key, { offset: state.offset, note });
  });
}

/** Writes only while the lease is held and nobody else has committed since: commits never go backwards. */
function writeState(run: Run, next: { readonly offset: number; readonly note: string }): Promise<boolean> {
  const { topic, group } = run.consumption;
  const { partition, member } = run;
  return run.database.write((tables) => {
    const held = tables.leases.get([topic, group, partition]) === member;
    const known = groupState(tables, { topic, partition, group })?.offset ?? null;
    if (!held || known !== run.committed) return false;
    tables.groups.putSync([topic, partition, group], next);
    return true;
  });
}

function lose(run: Run): void {
  run.lost = true;
  run.end();
}

function loseToAnother(run: Run): void {
  const { topic, group } = run.consumption;
  lose(run);
  run.consumption.failed(
    new AppError('stream', `${topic}/${run.partition} went to another member of ${group} while a batch was being handled`, {
      hint: 'this process did not run for half a minute (stopped, or short of memory?); the batch is handled again over there',
      retriable: true,
    }),
  );
}

/** Tries until it succeeds, with pauses, and tells each failure. Once the run is to end, it is not tried again. */
async function untilDone(run: Run, attempt: () => Promise<void>): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      run.consumption.failed(error);
    }
    if (run.ending.aborted) return;
    await pause(pauseMs, run.ending);
    pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS);
  }
}
