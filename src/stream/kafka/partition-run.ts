import { pause } from '../../lib/pause.ts';
import type { EachBatchPayload } from 'kafkajs';
import { AppError } from '../../lib/errors.ts';
import { inParts } from '../../lib/in-parts.ts';
import { quiet } from '../../lib/quiet.ts';
import type { Batch, Consumption, PlacedMessage } from '../stream.ts';
import { placedMessage } from './placed-message.ts';
import type { Committed } from './positions.ts';

/** Commits an offset and a note, once; rejects where it could not. */
export type Commit = (partition: number, offset: number, note: string) => Promise<void>;

/** What a partition's run needs of its consumer. */
export interface RunSetting {
  readonly consumption: Consumption;
  readonly partition: number;
  /** Aborts when the consumer stops. */
  readonly stopping: AbortSignal;
  /** The group waits for this member to join again: no other batch is begun. */
  rejoining(): boolean;
  /** Resolves when it is known which partitions are held in this generation. */
  settled(): Promise<void>;
  /** Resolves when it is this batch's turn: between two batches heartbeats are sent, however many partitions have one at once. */
  turn(): Promise<void>;
  /** Resolves when the run of this partition before this one has ended. */
  readonly before: Promise<void>;
}

/** The handling of one partition for as long as this member holds it. */
export interface PartitionRun {
  readonly partition: number;
  /** Tells the consumer that the partition is assigned, until that succeeds. */
  assign(committed: Committed | null): Promise<void>;
  /** Nobody else committed since this run did. */
  isOwn(committed: Committed | null): Promise<boolean>;
  /** Handles what was fetched, batch by batch, and commits each. */
  take(payload: EachBatchPayload, commit: Commit): Promise<void>;
  /** Commits a note at the offset already committed. @throws AppError */
  note(text: string, commit: Commit): Promise<void>;
  /** Another member may have the partition: nothing is committed any more. Resolves when the consumer knows. */
  lose(): Promise<void>;
}

/** Pauses after a failure: doubled from the first to the last. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;

/** Characters of a note; `offset.metadata.max.bytes` of the brokers is 4,096 by default, and counts characters. */
const MOST_NOTE = 4_000;

interface Run extends RunSetting {
  committed: Committed | null;
  /** First offset that was not handled; what comes again below it is left out. */
  next: number;
  lost: boolean;
  told: boolean;
  pauseMs: number;
  /** `assigned`, then batches, one after the other. */
  busy: Promise<void>;
  /** Commits in their order, those of notes among those of batches. */
  writing: Promise<void>;
  /** The commit that is on the way. */
  committing: Promise<void>;
}

/** A partition that this member holds from now on. */
export function createPartitionRun(setting: RunSetting): PartitionRun {
  const done = Promise.resolve();
  const run: Run = {
    ...setting,
    committed: null,
    next: 0,
    lost: false,
    told: false,
    pauseMs: FIRST_PAUSE_MS,
    busy: done,
    writing: done,
    committing: done,
  };
  return {
    partition: run.partition,
    assign: (committed) => inTurn(run, () => assign(run, committed)),
    async isOwn(committed) {
      await run.committing;
      return committed?.offset === run.committed?.offset && committed?.note === run.committed?.note;
    },
    async take(payload, commit) {
      if (run.told) await inTurn(run, () => take(run, payload, commit));
      else comeWhenAssigned(run, payload);
    },
    async note(text, commit) {
      checkNote(text);
      // the first commit may be on its way
      await run.writing;
      if (!run.told || run.committed === null) return;
      await write(run, { offset: () => run.committed?.offset ?? 0, note: text }, commit);
    },
    async lose() {
      run.lost = true;
      await run.busy;
      if (!run.told) return;
      run.told = false;
      try {
        await run.consumption.revoked(run.partition);
      } catch (error) {
        run.consumption.failed(error);
      }
    },
  };
}

async function assign(run: Run, committed: Committed | null): Promise<void> {
  await run.before;
  run.committed = committed;
  run.next = committed?.offset ?? 0;
  for (let pauseMs = FIRST_PAUSE_MS; !isEnding(run); pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
    try {
      await run.consumption.assigned(run.partition, committed?.note ?? null);
      run.told = true;
      return;
    } catch (error) {
      run.consumption.failed(error);
    }
    await pause(pauseMs, run.stopping);
  }
}

function inTurn(run: Run, work: () => Promise<void>): Promise<void> {
  const next = run.busy.then(work);
  run.busy = quiet(next);
  return next;
}

async function take(run: Run, payload: EachBatchPayload, commit: Commit): Promise<void> {
  const { consumption, partition } = run;
  const messages = payload.batch.messages.map(placedMessage).filter(({ offset }) => offset >= run.next);
  // fetched before the batch ahead of it was committed
  if (messages.length === 0 && !run.lost) payload.resolveOffset(String(run.next - 1));
  for (const some of batchesOf(messages, consumption.maxBytes)) {
    await run.turn();
    if (isEnding(run) || run.rejoining() || !run.told) return;
    const last = some.at(-1);
    if (last === undefined || !(await handle(run, { topic: consumption.topic, partition, messages: some }, commit))) {
      comeAgain(run, payload);
      return;
    }
    if (!run.lost) payload.resolveOffset(String(last.offset));
  }
}

/** Whether the batch is handled and committed. */
async function handle(run: Run, batch: Batch, commit: Commit): Promise<boolean> {
  try {
    const note = await run.consumption.handle(batch);
    checkNote(note);
    const offset = (batch.messages.at(-1)?.offset ?? 0) + 1;
    await write(run, { offset: () => offset, note }, commit);
    run.next = offset;
    run.pauseMs = FIRST_PAUSE_MS;
    return true;
  } catch (error) {
    run.consumption.failed(error);
    return false;
  }
}

/** An offset, looked at when its turn has come, and a note. */
interface Mark {
  readonly offset: () => number;
  readonly note: string;
}

/** Commits, one at a time, and only what is still this member's. */
async function write(run: Run, mark: Mark, commit: Commit): Promise<void> {
  const before = run.writing;
  const written = (async () => {
    await before;
    await run.settled();
    if (run.lost) throw lostError(run);
    const committing = commitMark(run, mark, commit);
    run.committing = quiet(committing);
    await committing;
  })();
  run.writing = quiet(written);
  await written;
}

async function commitMark(run: Run, { offset, note }: Mark, commit: Commit): Promise<void> {
  const next = { offset: offset(), note };
  await commit(run.partition, next.offset, note);
  run.committed = next;
}

/** Nothing is handled before `assigned` has resolved; waiting for it here would keep the group waiting too. */
function comeWhenAssigned(run: Run, payload: EachBatchPayload): void {
  const resume = payload.pause();
  void run.busy.then(resume);
}

/** What was not handled is fetched again after a pause; other partitions go on meanwhile. */
function comeAgain(run: Run, payload: EachBatchPayload): void {
  if (isEnding(run)) return;
  const resume = payload.pause();
  void pause(run.pauseMs, run.stopping).then(resume);
  run.pauseMs = Math.min(2 * run.pauseMs, LAST_PAUSE_MS);
}

function isEnding({ lost, stopping }: Run): boolean {
  return lost || stopping.aborted;
}

function lostError({ consumption: { topic, group }, partition }: Run): AppError {
  return new AppError('stream', `${topic}/${partition} went to another member of ${group} while a batch was being handled`, {
    hint: 'this process was silent for longer than the session lasts, or handled one batch for over 5 minutes; the batch is handled again over there',
    retriable: true,
  });
}

function checkNote(note: string): void {
  if (note.length > MOST_NOTE) throw new Error(`a note has ${note.length} characters, and ${MOST_NOTE} is the most`);
}

/** Messages of one batch: a second of work if they are small, between two heartbeats. */
const MOST_MESSAGES = 2_000;

function batchesOf(messages: readonly PlacedMessage[], maxBytes: number): readonly (readonly PlacedMessage[])[] {
  const byBytes = inParts(messages, maxBytes, ({ value }) => value.byteLength);
  return byBytes.flatMap((part) => inParts(part, MOST_MESSAGES, () => 1));
}
