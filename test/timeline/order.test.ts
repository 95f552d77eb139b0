import fc from 'fast-check';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/commands/run-analysis.ts';
import { analyse } from '../../src/reports/analysis.ts';
import { discover } from '../../src/ingest/discover.ts';
import { readAll } from '../../src/ingest/read-all.ts';
import { parsers } from '../../src/parsers/index.ts';
import { toDocument } from '../../src/reports/json.ts';

test.each(['libvirt-9.0/two-at-once', 'libvirt-9.0/split-brain', 'libvirt-11.3/storage-spike', 'libvirt-7.0/not-converging'])(
  'events of %s give the same timelines in any order of arrival',
  async (name) => {
    const gathered = await readAll(await discover([`recordings/${name}`]), {
      parsers,
      hints: DEFAULT_SETTINGS.hints,
      stdin: Readable.from([]),
      progress: () => {},
    });
    const expected = toDocument(analyse(gathered, DEFAULT_SETTINGS));
    fc.assert(
      fc.property(fc.shuffledSubarray([...gathered.events], { minLength: gathered.events.length }), (events) => {
        expect(toDocument(analyse({ ...gathered, events }, DEFAULT_SETTINGS))).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  },
);
