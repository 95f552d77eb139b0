import type { Readable } from 'node:stream';
import { detectors } from '../detectors/index.ts';
import { discover } from '../ingest/discover.ts';
import type { Hints } from '../ingest/identify.ts';
import { readAll, type Gathered } from '../ingest/read-all.ts';
import type { Event } from '../model/event.ts';
import { parsers } from '../parsers/index.ts';
import { findingsOf, type Analysis, type DetectorSettings } from '../reports/analysis.ts';
import { buildTimelines } from '../timeline/build.ts';
import { placeInTime, type ZoneSettings } from '../timeline/clock.ts';
import { withoutCopies } from '../timeline/copies.ts';

/** What the user says beside the paths. */
export interface AnalysisSettings {
  readonly hints: Hints;
  readonly zones: ZoneSettings;
  /** Only what touches this time is shown, Unix ms. */
  readonly since: number | null;
  readonly until: number | null;
  readonly limits: DetectorSettings;
}

/** The settings of somebody who names paths and nothing else. */
export const DEFAULT_SETTINGS: AnalysisSettings = {
  hints: { hosts: [], sources: [] },
  zones: { all: null, hosts: new Map() },
  since: null,
  until: null,
  limits: {},
};

/** What an analysis needs of the process it runs in. */
export interface AnalysisHost {
  readonly stdin: Readable;
  /** Told how many of how many bytes are read. */
  progress(done: number, total: number): void;
}

/**
 * Reads logs and tells what happened: discover → read and parse → place in time → timelines → findings.
 *
 * @throws AppError `no-input` where a path does not exist.
 */
export async function runAnalysis(paths: readonly string[], settings: AnalysisSettings, host: AnalysisHost): Promise<Analysis> {
  const found = await discover(paths);
  const total = found.files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const gathered = await readAll(found, {
    parsers,
    hints: settings.hints,
    stdin: host.stdin,
    progress(bytes) {
      done += bytes;
      host.progress(done, total);
    },
  });
  return analyse(gathered, settings);
}

/** The pure part: what was read → what happened. */
export function analyse(
  { events: parsed, spans, inputs }: Gathered,
  { zones, since, until, limits }: AnalysisSettings,
): Analysis {
  const { events, clocks, ends } = placeInTime(withoutCopies(parsed), spans, zones);
  const files = spans.map(({ host, source }) => ({ host, source }));
  const timelines = buildTimelines(events, { files, clocks, ends });
  const touches = ({ from, to }: { readonly from: number; readonly to: number | null }): boolean =>
    from <= (until ?? Number.POSITIVE_INFINITY) && (to ?? Number.POSITIVE_INFINITY) >= (since ?? Number.NEGATIVE_INFINITY);
  const migrations = timelines.migrations.filter(({ startedAt, lastSeenAt }) => touches({ from: startedAt, to: lastSeenAt }));
  return {
    migrations,
    outside: timelines.migrations.length - migrations.length,
    findings: findingsOf(timelines, detectors, limits).filter(touches),
    hosts: timelines.hosts,
    clocks,
    inputs,
    from: events[0]?.at ?? null,
    to: lastMoment(events),
  };
}

function lastMoment(events: readonly Event[]): number | null {
  return events.at(-1)?.at ?? null;
}
