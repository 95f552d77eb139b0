import { z } from 'zod';
import { shell } from '../lib/shell.ts';
import { bytes, duration, rate } from '../lib/units.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { Migration, Prediction } from '../model/timeline.ts';
import { ofKind } from '../timeline/of-kind.ts';
import { defineDetector } from './detector.ts';
import { at, begins, booted, completes, copies, fails, sample, VM, type StoryEvent } from './story.ts';
import { evidence } from './words.ts';

const limits = z.strictObject({
  minPasses: z.int().min(2).default(3).describe('passes to see before judging'),
  minWrong: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('share of the judgements from then on that say "never" (or were refuted by time)'),
});

type Limits = z.infer<typeof limits>;

/** A prediction is refuted when the migration still copies this much longer than it said. */
const REFUTED = 1.5;
const REFUTED_MS = 5000;
/** Bandwidths within this factor of one another are one limit; one beyond it, after that, is another, as somebody sets it. */
const SAME_LIMIT = 1.25;
const RAISED = 1.3;
/** What remains of pass after pass differs by chance: one that lacked less than this factor may have fitted in the end. */
const NEARLY = 2;
/** Share of the bandwidth below which a stream counts as standing still. */
const FLOWS = 0.5;

function judged({ predictions }: Migration, { minPasses }: Limits): readonly Prediction[] {
  return predictions.filter(({ pass, confidence }) => pass >= minPasses && (confidence === 'modelled' || minPasses < 3));
}

/** The judgements before the stream was given more: those after it say what the help was worth, not whether it was needed. */
function beforeHelp(predictions: readonly Prediction[]): readonly Prediction[] {
  const lastNever = predictions.findLastIndex(({ converges }) => !converges);
  const nevers = predictions.slice(0, lastNever + 1).filter(({ converges }) => !converges);
  const carried = nevers.map(({ bandwidthBytesPerSecond }) => bandwidthBytesPerSecond);
  if (nevers.length < 2 || Math.max(...carried) > SAME_LIMIT * Math.min(...carried)) return predictions;
  const raised = predictions.findIndex(
    ({ bandwidthBytesPerSecond }, i) => i > lastNever && bandwidthBytesPerSecond > RAISED * Math.max(...carried),
  );
  return raised < 0 ? predictions : predictions.slice(0, raised);
}

/** It said "by then", and then was long ago. Not where the stream stood still, cut or waiting for storage: that refutes nothing. */
function refuted(prediction: Prediction, migration: Migration): boolean {
  const { switchoverAt, madeAt } = prediction;
  if (switchoverAt === null || migration.outcome === 'completed') return false;
  const late = migration.lastSeenAt - madeAt > (switchoverAt - madeAt) * REFUTED + REFUTED_MS;
  return late && flowed(prediction, migration);
}

/** Since the prediction the stream carried at least half of what it was expected to. */
function flowed({ madeAt, bandwidthBytesPerSecond }: Prediction, { samples, lastSeenAt }: Migration): boolean {
  const sent = samples.flatMap(({ at: time, body }) =>
    time >= madeAt && body.transferredBytes !== null ? [body.transferredBytes] : [],
  );
  const [first = 0] = sent;
  return (sent.at(-1) ?? 0) - first > (FLOWS * bandwidthBytesPerSecond * (lastSeenAt - madeAt)) / 1000;
}

/** Whether enough of the judgements say "never"; where it is just enough, the last one decides. */
function isHopeless(migration: Migration, predictions: readonly Prediction[], { minWrong }: Limits): boolean {
  const saysNever = (prediction: Prediction): boolean => !prediction.converges || refuted(prediction, migration);
  const last = predictions.at(-1);
  if (last === undefined) return false;
  const share = predictions.filter(saysNever).length / predictions.length;
  return share > minWrong || (share === minWrong && saysNever(last));
}

/**
 * A migration that completed was either helped (bandwidth, downtime limit, pause, post-copy, throttling) or converged after all:
 * then the last judgement before the end says so, or little was missing and nothing helped that could be seen.
 */
function convergedAlone(migration: Migration, predictions: readonly Prediction[]): boolean {
  const nevers = predictions.filter(({ converges }) => !converges).length;
  return (
    migration.outcome === 'completed' &&
    (nevers < 2 || predictions.at(-1)?.converges === true || nearlyFitted(migration, predictions)) &&
    migration.pausedAt === null &&
    migration.postcopyAt === null
  );
}

/** The last judgement lacked little, and neither throttling, bandwidth nor another limit was seen to help after it. */
function nearlyFitted(
  { throttlePercent, downtimeLimitMs, predictions: all, events }: Migration,
  judgements: readonly Prediction[],
): boolean {
  const last = judgements.at(-1);
  if (last === undefined || last !== all.at(-1) || throttlePercent !== null) return false;
  const isRaised = ofKind(events, 'downtime-limit-set').some(({ at: time }) => time > last.madeAt);
  return !isRaised && (last.downtimeNeededMs ?? Number.POSITIVE_INFINITY) < NEARLY * downtimeLimitMs;
}

function remediesFor({ vm, source }: Migration, worst: Prediction): readonly Remedy[] {
  const host = source ?? 'the source';
  const downtimeMs = worst.downtimeNeededMs ?? 0;
  const neededMiB = Math.ceil(((worst.bandwidthNeededBytesPerSecond ?? 0) * 1.1) / 2 ** 20);
  const generous = Math.ceil((downtimeMs * 1.05) / 1000) * 1000;
  return [
    {
      what: `on ${host}: let it finish; pauses the guest for up to ${duration(downtimeMs)}`,
      command: shell`virsh migrate-setmaxdowntime ${vm} ${generous}`,
    },
    {
      what: `or on ${host}: give it more than ${rate(worst.bandwidthNeededBytesPerSecond ?? 0)}, if the link has it (MiB/s)`,
      command: shell`virsh migrate-setspeed ${vm} ${neededMiB}`,
    },
    { what: `or on ${host}: give up; the VM stays there`, command: shell`virsh domjobabort ${vm}` },
  ];
}

function describe(migration: Migration, worst: Prediction): string {
  const running = migration.outcome === 'running';
  const workingSet = worst.workingSetBytes === null ? 'memory' : bytes(worst.workingSetBytes);
  const more = worst.dirtyRateIsLowerBound ? ' or more' : '';
  const rates = [`at ${rate(worst.dirtyRateBytesPerSecond)}${more}`, rate(worst.bandwidthBytesPerSecond)] as const;
  const carried = running
    ? `The guest rewrites ${workingSet} ${rates[0]}; the stream carries ${rates[1]}.`
    : `The guest rewrote ${workingSet} ${rates[0]}; the stream carried ${rates[1]}.`;
  // QEMU does not hold the last pass to a bandwidth that was set, so the pause may be shorter
  const floor = `each pass ${running ? 'leaves' : 'left'} about ${bytes(worst.floorBytes ?? 0)}, a pause of up to ${duration(worst.downtimeNeededMs ?? 0)}`;
  const throttled =
    migration.throttlePercent === null ? '' : ` QEMU throttled the guest by up to ${migration.throttlePercent} %.`;
  return `${carried} ${verdictOf(migration)}: ${floor}${helpOf(migration)}.${throttled}`;
}

function verdictOf({ outcome }: Migration): string {
  if (outcome === 'running') return 'It will not finish by itself';
  return outcome === 'completed' ? 'It did not finish by itself' : 'It would not have finished by itself';
}

/** What ended it after all. */
function helpOf({ outcome, postcopyAt, pausedAt, throttlePercent }: Migration): string {
  if (outcome !== 'completed') return '';
  if (postcopyAt !== null) return '; post-copy ended it';
  if (pausedAt !== null) return '; pausing the guest ended it';
  return throttlePercent !== null ? '; throttling the guest ended it' : '; a change of limits ended it';
}

function conclude(migration: Migration, worst: Prediction, from: number): Conclusion {
  const passes = migration.passes.map((pass) => pass.sample);
  return {
    summary: describe(migration, worst),
    severity: 'warning',
    confidence: 'follows',
    from,
    to: migration.endedAt,
    evidence: evidence(passes.slice(2, 3), passes.slice(-1), passes.slice(1, 2)),
    remedies: migration.outcome === 'running' ? remediesFor(migration, worst) : prevention(migration, worst),
    discriminator: '',
  };
}

/** For a migration that is over: what to do the next time. */
function prevention(migration: Migration, worst: Prediction): readonly Remedy[] {
  const pauseMs = Math.ceil((worst.downtimeNeededMs ?? 0) / 1000) * 1000;
  const throttle: Remedy = {
    what: 'or let QEMU throttle the guest until it converges: the global setting of CloudStack',
    command: 'kvm.auto.convergence=true',
  };
  const pause: Remedy = {
    what: 'or let the agent pause the guest by itself after some time: in agent.properties of that host (ms), then restart cloudstack-agent, which ends the migrations that it drives',
    command: 'vm.migrate.pauseafter=60000',
  };
  return [
    {
      what: `next time, while it runs, on the host that it leaves: allow a pause of up to ${duration(worst.downtimeNeededMs ?? 0)}`,
      command: shell`virsh migrate-setmaxdowntime ${migration.vm} ${Math.ceil(pauseMs * 1.05)}`,
    },
    ...(migration.pausedAt === null ? [pause] : []),
    ...(migration.throttlePercent === null ? [throttle] : []),
  ];
}

/** Second, pass, bytes that remain, and bytes dirtied a second in the pass before. */
type PassRow = readonly [second: number, pass: number, remainingBytes: number, dirtyRateBytesPerSecond: number | null];

/** Counters as passes begin; `sent`: bytes until a second. */
function passesBegin(
  bandwidth: number,
  rows: readonly PassRow[],
  sent = (second: number): number => second * bandwidth,
): readonly StoryEvent[] {
  return rows.map(([second, pass, remainingBytes, dirtyRateBytesPerSecond]) =>
    sample(second, {
      pass,
      remainingBytes,
      dirtyRateBytesPerSecond,
      transferredBytes: sent(second),
      copiedBytes: sent(second),
      bandwidthBytesPerSecond: bandwidth,
    }),
  );
}

function limited(second: number, downtimeMs: number): StoryEvent {
  return at(second, 'kvm-a', 'libvirtd', { kind: 'downtime-limit-set', vm: VM, monitor: null, downtimeMs });
}

/** Passes that begin with what 3.6 s carry. */
function leavingMore(): readonly StoryEvent[] {
  return passesBegin(25e6, [
    [20, 1, 574e6, null],
    [43, 2, 90e6, 8e6],
    [44.7, 3, 90e6, 25e6],
    [46.4, 4, 90e6, 25e6],
    [48.1, 5, 90e6, 25e6],
  ]);
}

/** The guest dirties memory as fast as it is copied, so what remains never fits the downtime limit. */
export const notConverging = defineDetector({
  id: 'not-converging',
  title: 'Migration does not converge',
  severity: 'warning',
  subject: 'migration',
  limits,
  detect(migration, settings) {
    const predictions = beforeHelp(judged(migration, settings));
    if (!isHopeless(migration, predictions, settings) || convergedAlone(migration, predictions)) return [];
    // only a judgement that says "never" knows what would help
    const worst = predictions.findLast(({ converges }) => !converges);
    return worst === undefined ? [] : [conclude(migration, worst, predictions[0]?.madeAt ?? worst.madeAt)];
  },
  fires: [
    {
      name: 'every pass leaves the whole working set, seen from the third pass on while it still runs',
      events: [...booted(), ...begins(), ...copies(75, { rate: 63e6, workingSet: 268e6, bandwidth: 25e6 })],
      finds:
        /^The guest rewrites 25\d MiB at 2\d(?:\.\d)? MB\/s or more; the stream carries 25 MB\/s\. It will not finish by itself: each pass leaves about 25\d MiB, a pause of up to 10\.\d s\.$/,
      severity: 'warning',
    },
    {
      name: 'the guest begins to write much more on the way: its quiet passes before say nothing of it',
      events: [
        ...booted(),
        ...begins(),
        ...passesBegin(25e6, [
          [20, 1, 574e6, null],
          [43, 2, 140e6, 3.5e6],
          [48.6, 3, 300e6, 50e6],
          [60.6, 4, 300e6, 25e6],
        ]),
      ],
      finds:
        /^The guest rewrites 29\d MiB at \d+(?:\.\d)? MB\/s or more; the stream carries 25 MB\/s\. It will not finish by itself/,
      severity: 'warning',
    },
    {
      name: 'an operator gave it twice the bandwidth: it converges then, after some passes more',
      events: [
        ...booted(),
        ...begins(),
        ...copies(80, { rate: 35e6, workingSet: 268e6, bandwidth: 25e6 }),
        ...passesBegin(
          50e6,
          [
            [83, 6, 150e6, 34e6],
            [86.5, 7, 105e6, 35e6],
            [89, 8, 74e6, 35e6],
          ],
          (second) => 2000e6 + (second - 80) * 50e6,
        ),
        ...completes(95, 200),
      ],
      finds: /It did not finish by itself: .*; a change of limits ended it\.$/,
      severity: 'warning',
    },
    {
      name: 'each pass leaves somewhat more than the limit lets through, until an operator allows that much',
      events: [...booted(), ...begins(), limited(1, 2000), ...leavingMore(), limited(52, 4000), ...completes(53, 3600)],
      finds: /It did not finish by itself: .*; a change of limits ended it\.$/,
      severity: 'warning',
    },
    {
      name: 'an operator gave it up',
      events: [
        ...booted(),
        ...begins(),
        ...copies(90, { rate: 63e6, workingSet: 268e6, bandwidth: 25e6 }),
        ...fails(91, "operation aborted: job 'migration out' canceled by client"),
      ],
      finds: /It would not have finished by itself/,
      severity: 'warning',
    },
  ],
  silent: [
    {
      name: 'each pass leaves somewhat more than the limit lets through, until one leaves less and it completes',
      events: [...booted(), ...begins(), limited(1, 2000), ...leavingMore(), ...completes(53, 1600)],
    },
    {
      name: 'the guest wrote much for a while: the one pass since then tells a rate, and not that all of a set is dirty',
      events: [
        ...booted(),
        ...begins(),
        ...passesBegin(25e6, [
          [1, 1, 574e6, null],
          [23, 2, 200e6, 8.7e6],
          [31, 3, 280e6, 35e6],
          [42.2, 4, 120e6, 10.7e6],
        ]),
      ],
    },
    {
      name: 'slow, but shrinking',
      events: [
        ...booted(),
        ...begins(),
        ...copies(300, { rate: 18e6, workingSet: 900e6, bandwidth: 25e6 }),
        ...completes(240, 200),
      ],
    },
    {
      name: 'dirty rate above the bandwidth over a working set that fits the downtime limit',
      events: [...booted(), ...begins(), ...copies(60, { rate: 200e6, workingSet: 5e6, bandwidth: 25e6 }), ...completes(46, 180)],
    },
    {
      name: 'the stream stands still, for storage hangs, long after it should have been over',
      events: [
        ...booted(),
        ...begins(),
        ...copies(40, { rate: 18e6, workingSet: 900e6, bandwidth: 25e6 }).filter(({ seconds }) => seconds < 62),
        ...[70, 100, 140].map((second) =>
          at(second, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-progress', vm: VM, waitedMs: second * 1000 }),
        ),
      ],
    },
    {
      name: 'cancelled in its first pass',
      events: [
        ...booted(),
        ...begins(),
        ...copies(8, { rate: 63e6, workingSet: 268e6, bandwidth: 25e6 }),
        at(9, 'kvm-a', 'cloudstack-agent', {
          kind: 'migrate-error',
          vm: VM,
          text: "operation aborted: job 'migration out' canceled by client",
        }),
      ],
    },
  ],
});
