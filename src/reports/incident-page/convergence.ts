import { bytes, duration, rate } from '../../lib/units.ts';
import type { Migration, Prediction } from '../../model/timeline.ts';
import type { Series } from '../html/line-panel.ts';
import { byteTicks, roundTicks } from '../html/scale.ts';
import { moment } from '../incident/time.ts';

/** Values over time with their own scale. */
export interface CoursePanel {
  readonly title: string;
  readonly height: number;
  readonly series: readonly Series[];
  readonly ticks: readonly number[];
  format(value: number): string;
}

/** What the counters of a migration show: memory left, rates, and the throttle where there was one. Nothing where there are no counters. */
export function convergencePanels(migration: Migration): readonly CoursePanel[] {
  return [remaining(migration), rates(migration), throttle(migration)].flatMap((panel) => {
    if (panel === null) return [];
    // a name without a line would be looked for
    const series = panel.series.filter(({ points }) => points.some(({ value }) => value !== null));
    return [{ ...panel, series }];
  });
}

function remaining({ samples, passes, downtimeLimitMs }: Migration): CoursePanel | null {
  const left = [
    ...samples.map(({ at, body }) => ({ at, value: body.remainingBytes })),
    ...passes.map(({ startedAt, remainingBytes }) => ({ at: startedAt, value: remainingBytes })),
  ]
    .filter(({ value }) => value !== null)
    .toSorted((a, b) => a.at - b.at);
  const largest = Math.max(0, ...left.map(({ value }) => value ?? 0));
  if (left.length < 2 || largest === 0) return null;
  const fits = samples
    .filter(({ body }) => (body.bandwidthBytesPerSecond ?? 0) > 0)
    .map(({ at, body }) => ({ at, value: Math.min(largest, ((body.bandwidthBytesPerSecond ?? 0) * downtimeLimitMs) / 1000) }));
  return {
    title: 'memory left',
    height: 120,
    series: [
      { name: 'to copy', style: 1, step: false, points: left },
      ...(fits.length === 0
        ? []
        : [{ name: `fits a pause of ${duration(downtimeLimitMs)}, the limit`, style: 3 as const, step: true, points: fits }]),
    ],
    ticks: byteTicks(largest, 5),
    format: (value) => (value === 0 ? '0' : bytes(value)),
  };
}

function rates({ samples }: Migration): CoursePanel | null {
  const sent = samples.map(({ at, body }) => ({ at, value: body.bandwidthBytesPerSecond }));
  const dirtied = samples.map(({ at, body }) => ({ at, value: body.dirtyRateBytesPerSecond }));
  const largest = Math.max(0, ...[...sent, ...dirtied].map(({ value }) => value ?? 0));
  if (samples.length < 2 || largest === 0) return null;
  return {
    title: 'rates',
    height: 90,
    series: [
      { name: 'sent', style: 1, step: true, points: sent },
      { name: 'dirtied by the guest, of the pass before', style: 2, step: true, points: dirtied },
    ],
    ticks: roundTicks(largest, 5),
    format: (value) => (value === 0 ? '0' : rate(value)),
  };
}

function throttle({ samples, throttlePercent }: Migration): CoursePanel | null {
  if (throttlePercent === null || throttlePercent === 0) return null;
  const points = samples.map(({ at, body }) => ({ at, value: body.throttlePercent }));
  return {
    title: 'throttle',
    height: 50,
    series: [{ name: 'of the guest', style: 4, step: true, points }],
    ticks: [0, 50, 100],
    format: (value) => `${value} %`,
  };
}

/** The last prediction of a migration in a sentence; `null` where none was made. */
export function predictionWords({ predictions }: Migration, withDates: boolean): string | null {
  const last = predictions.at(-1);
  if (last === undefined) return null;
  const when = `Predicted at the beginning of pass ${last.pass} (${moment(last.madeAt, withDates)})`;
  if (last.switchoverAt !== null)
    return `${when}: the guest would run on the destination at ${moment(last.switchoverAt, withDates)}.`;
  return `${when}: it would not converge${neededWords(last)}.`;
}

function neededWords({ bandwidthNeededBytesPerSecond, downtimeNeededMs }: Prediction): string {
  const ways = [
    ...(bandwidthNeededBytesPerSecond === null ? [] : [`a bandwidth above ${rate(bandwidthNeededBytesPerSecond)}`]),
    ...(downtimeNeededMs === null ? [] : [`a pause of ${duration(downtimeNeededMs)}`]),
  ];
  return ways.length === 0 ? '' : `; it would take ${ways.join(' or ')}`;
}
