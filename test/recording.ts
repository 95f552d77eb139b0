import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { DEFAULT_SETTINGS } from '../src/commands/run-analysis.ts';
import { analyse } from '../src/reports/analysis.ts';
import { discover, type Discovery } from '../src/ingest/discover.ts';
import { readAll } from '../src/ingest/read-all.ts';
import { parsers } from '../src/parsers/index.ts';
import type { Analysis } from '../src/reports/analysis.ts';

const label = z.object({
  vms: z.array(z.object({ name: z.string(), runsOn: z.record(z.string(), z.string().nullable()) })),
  migrations: z.array(
    z.object({
      vm: z.string(),
      source: z.string(),
      destination: z.string(),
      startedAt: z.iso.datetime(),
      endedAt: z.iso.datetime(),
      exit: z.int(),
      pausedAt: z.iso.datetime().optional(),
      qemuDowntimeMs: z.number().optional(),
      rarpFrames: z.int(),
      iterations: z.int().optional(),
    }),
  ),
  faults: z.array(z.object({ at: z.iso.datetime(), until: z.iso.datetime().optional(), what: z.string() })),
  expect: z.array(z.string()),
  may: z.array(z.string()),
  mustNot: z.array(z.string()),
});

/** What really happened in a recording; the program never sees it. */
export type Label = z.infer<typeof label>;

/** A folder with the logs of one recording. */
export interface Recording {
  readonly name: string;
  readonly folder: string;
  readonly label: Label;
}

/** Every recording of the project. */
export function recordings(root = 'recordings'): readonly Recording[] {
  return readdirSync(root)
    .flatMap((version) => scenarios(root, version))
    .map((name) => ({
      name,
      folder: join(root, name),
      label: label.parse(JSON.parse(readFileSync(join(root, name, 'label.json'), 'utf8'))),
    }));
}

function scenarios(root: string, version: string): readonly string[] {
  if (!statSync(join(root, version)).isDirectory()) return [];
  return readdirSync(join(root, version))
    .map((scenario) => join(version, scenario))
    .filter((name) => existsSync(join(root, name, 'label.json')));
}

/** Analyses files that were found, in the order given. */
export async function analysed(found: Discovery): Promise<Analysis> {
  const gathered = await readAll(found, { parsers, hints: DEFAULT_SETTINGS.hints, stdin: Readable.from([]), progress: () => {} });
  return analyse(gathered, DEFAULT_SETTINGS);
}

/** Analyses a folder. */
export async function analysedFolder(folder: string): Promise<Analysis> {
  return analysed(await discover([folder]));
}
