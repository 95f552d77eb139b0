import type { Readable } from 'node:stream';
import { discover } from '../ingest/discover.ts';
import type { Hints } from '../ingest/identify.ts';
import { readAll } from '../ingest/read-all.ts';
import { parsers } from '../parsers/index.ts';
import { conclude, DEFAULT_VIEW, place, type Analysis, type AnalysisView, type PlacedReadings } from '../reports/analysis.ts';

/** What the user says beside the paths. */
export interface AnalysisSettings extends AnalysisView {
  readonly hints: Hints;
}

/** The settings of somebody who names paths and nothing else. */
export const DEFAULT_SETTINGS: AnalysisSettings = { ...DEFAULT_VIEW, hints: { hosts: [], sources: [] } };

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
  return conclude(await readAndPlace(paths, settings, host), settings);
}

/** In a function of its own, so that nothing holds the events as parsed any longer when the timelines are built. */
async function readAndPlace(paths: readonly string[], settings: AnalysisSettings, host: AnalysisHost): Promise<PlacedReadings> {
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
  return place(gathered, settings.zones);
}
