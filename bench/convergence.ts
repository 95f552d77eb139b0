import { notConverging } from '../src/detectors/not-converging.ts';
import { at, begins, booted, completes, fails, sample, tell, VM, type StoryEvent } from '../src/detectors/story.ts';
import { DEFAULT_DOWNTIME_LIMIT_MS } from '../src/timeline/convergence.ts';
import { WINDOW_SECONDS } from '../src/timeline/passes.ts';
import { createRandom, type Random } from './random.ts';

const SEED = 20_261_201;
const GUESTS = 2000;
/** Between two questions for the job, s. */
const POLLS = [0.5, 1, 2, 5];
const MIB = 1 << 20;
/** A migration that takes longer is neither counted as one that ends nor as one that never does. */
const MOST_PASSES = 60;
const MOST_SECONDS = 900;
const DEFAULT_LIMIT_SECONDS = DEFAULT_DOWNTIME_LIMIT_MS / 1000;
/** A migration that never ends is cancelled after so many passes, or so many seconds and these passes. */
const CANCEL = { passes: 40, seconds: 400, leastPasses: 5 };

/** A guest that writes at random, or page after page, and the stream that it is copied through. */
interface Guest {
  readonly memory: number;
  readonly workingSet: number;
  /** Bytes per second. */
  readonly writes: number;
  readonly bandwidth: number;
  readonly walks: boolean;
  readonly limitSeconds: number;
}

interface SimulatedPass {
  readonly number: number;
  readonly from: number;
  readonly size: number;
  readonly copiedBefore: number;
  readonly dirtyRate: number | null;
  readonly bandwidth: number;
}

interface Simulated {
  readonly passes: readonly SimulatedPass[];
  readonly end: number;
  readonly fate: 'ends' | 'never' | 'late';
}

function between(random: Random, from: number, to: number): number {
  return from + (to - from) * random.next();
}

/** As many from 10 to 20 as from 100 to 200. */
function scaled(random: Random, from: number, to: number): number {
  return Math.exp(between(random, Math.log(from), Math.log(to)));
}

function guestOf(random: Random): Guest {
  const memory = scaled(random, 256, 8192) * MIB;
  const bandwidth = scaled(random, 20e6, 400e6);
  return {
    memory,
    bandwidth,
    writes: bandwidth * scaled(random, 0.2, 3),
    workingSet: scaled(random, 8 * MIB, memory * 0.9),
    walks: random.next() < 0.4,
    limitSeconds: random.next() < 0.8 ? DEFAULT_LIMIT_SECONDS : 1,
  };
}

/** Pre-copy of QEMU: a pass ends when what is left fits the limit, and then all that was written meanwhile comes on top. */
function copied(guest: Guest, random: Random): Simulated {
  const limit = guest.bandwidth * guest.limitSeconds;
  const passes: SimulatedPass[] = [];
  let pass: SimulatedPass = {
    number: 1,
    from: 1,
    size: guest.memory * 0.8,
    copiedBefore: 0,
    dirtyRate: null,
    bandwidth: guest.bandwidth,
  };
  while (pass.number <= 3 * MOST_PASSES && pass.from < 4 * MOST_SECONDS) {
    passes.push(pass);
    pass = after(pass, guest, random);
    if (pass.size > limit) continue;
    const inTime = passes.length <= MOST_PASSES && pass.from <= MOST_SECONDS;
    return { passes, end: pass.from + pass.size / guest.bandwidth, fate: inTime ? 'ends' : 'late' };
  }
  const last = passes.findIndex(
    ({ number, from }) => number > CANCEL.passes || (from > CANCEL.seconds && number > CANCEL.leastPasses),
  );
  return { passes: passes.slice(0, last), end: passes[last]?.from ?? pass.from, fate: 'never' };
}

/** The pass that comes next; where its size fits the limit, the guest moves instead. */
function after(pass: SimulatedPass, { workingSet, walks, limitSeconds, ...guest }: Guest, random: Random): SimulatedPass {
  const writes = guest.writes * between(random, 0.92, 1.08);
  const left = guest.bandwidth * limitSeconds - pass.bandwidth * WINDOW_SECONDS * random.next();
  const seconds = Math.max(WINDOW_SECONDS, (pass.size - left) / pass.bandwidth);
  const dirtied = walks ? Math.min(workingSet, writes * seconds) : workingSet * (1 - Math.exp((-writes * seconds) / workingSet));
  // of what was left, some was written again; of the first pass it is of all memory
  const again = walks || pass.number === 1 ? 0 : dirtied * Math.min(1, left / workingSet);
  return {
    number: pass.number + 1,
    from: pass.from + seconds,
    size: Math.min(Math.max(workingSet, left), left + dirtied - again),
    copiedBefore: pass.copiedBefore + pass.size - left,
    // QEMU tells no rate before a second has gone by
    dirtyRate: seconds >= 1 || pass.dirtyRate !== null ? dirtied / seconds : null,
    bandwidth: guest.bandwidth * between(random, 0.97, 1.03),
  };
}

/** What is heard of it by somebody who asks every so many seconds. */
function story(guest: Guest, { passes, end, fate }: Simulated, poll: number): readonly StoryEvent[] {
  const events: StoryEvent[] = [...booted(), ...begins()];
  if (guest.limitSeconds !== DEFAULT_LIMIT_SECONDS)
    events.push(
      at(0.6, 'kvm-a', 'libvirtd', { kind: 'downtime-limit-set', vm: VM, monitor: null, downtimeMs: guest.limitSeconds * 1000 }),
    );
  for (let seconds = 1 + poll * ((guest.memory % 97) / 97); seconds < end; seconds += poll) {
    const pass = passes.findLast(({ from }) => from <= seconds);
    if (pass === undefined) continue;
    const copiedNow = Math.min(pass.size, (seconds - pass.from) * pass.bandwidth);
    events.push(
      sample(seconds, {
        pass: pass.number,
        remainingBytes: pass.size - copiedNow,
        dirtyRateBytesPerSecond: pass.dirtyRate,
        bandwidthBytesPerSecond: pass.bandwidth,
        transferredBytes: pass.copiedBefore + copiedNow,
        copiedBytes: pass.copiedBefore + copiedNow,
        totalBytes: Math.round(guest.memory),
      }),
    );
  }
  const canceled = "operation aborted: job 'migration out' canceled by client";
  return [...events, ...(fate === 'ends' ? completes(end + 1.5, guest.limitSeconds * 900) : fails(end, canceled))];
}

function isTold(events: readonly StoryEvent[]): boolean {
  return tell(events).migrations.some((migration) => notConverging.run(migration).length > 0);
}

/** Tells of how many that end by themselves, and of how many that never do, `not-converging` speaks. */
function main(): void {
  const random = createRandom(SEED);
  const all = Array.from({ length: GUESTS }, () => {
    const guest = guestOf(random);
    return { guest, simulated: copied(guest, random) };
  });
  const ends = all.filter(({ simulated }) => simulated.fate === 'ends');
  const never = all.filter(({ simulated }) => simulated.fate === 'never');
  for (const poll of POLLS) {
    const told = (some: typeof all): number =>
      some.filter(({ guest, simulated }) => isTold(story(guest, simulated, poll))).length;
    process.stdout.write(
      `asked every ${poll} s: of ${ends.length} that end by themselves ${told(ends)} are told not to, of ${never.length} that never do ${told(never)}\n`,
    );
  }
}

main();
