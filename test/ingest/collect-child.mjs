// A collector of files in a process of its own, to be killed. Arguments: the built program's folder, then JSON with `pattern`,
// `checkpoints`, `journal` and `timings`. What it acknowledges, it has appended to the journal, a JSON line a chunk.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [built, settings] = process.argv.slice(2);
const { pattern, checkpoints, journal, timings } = JSON.parse(settings);
const { createFileCollector } = await import(pathToFileURL(join(built, 'ingest/files.js')).href);

// the one before may have been killed in the middle of a line
if (existsSync(journal) && !readFileSync(journal, 'latin1').endsWith('\n')) appendFileSync(journal, '\n');

const collector = createFileCollector(
  [{ path: pattern, source: 'cloudstack-agent', timezone: null, host: null, history: '7d' }],
  {
    header: { cluster: 'c1', host: 'kvm1', zone: 'UTC' },
    sink: {
      write: async (chunks) => {
        const lines = chunks.map(({ header, bytes }) => JSON.stringify({ header, text: Buffer.from(bytes).toString('latin1') }));
        appendFileSync(journal, `${lines.join('\n')}\n`);
      },
    },
    report: (status) => process.stderr.write(`${JSON.stringify(status)}\n`),
    now: Date.now,
    checkpoints,
    mask: (bytes) => bytes,
    timings,
  },
);
process.on('SIGTERM', () => void collector.stop().then(() => process.exit(0)));
await collector.start();
