import { Readable } from 'node:stream';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { FileContext } from '../model/source.ts';
import { parsers } from '../parsers/index.ts';
import { createThinner } from './collect.ts';
import { createPacker } from './event-batch.ts';
import type { InputPath } from './input.ts';
import type { FromWorker, WorkerSetting } from './read-parallel.ts';
import { readInput } from './read.ts';

/** Events that one message carries: enough that messages cost little, few enough that little memory is on its way. */
const BATCH = 250;

/** Reads one file, and tells of it as it goes. */
async function serve(input: InputPath, port: MessagePort, { hints }: WorkerSetting): Promise<void> {
  const tell = (message: FromWorker): void => port.postMessage(message);
  let file: FileContext | null = null;
  const packer = createPacker();

  function send(): void {
    if (file === null || packer.waiting() === 0) return;
    const batch = packer.batch();
    port.postMessage({ kind: 'events', file, batch } satisfies FromWorker, [
      batch.heads.buffer as ArrayBuffer,
      batch.numbers.buffer as ArrayBuffer,
    ]);
  }

  const thinner = createThinner((event) => {
    file = event.origin.file;
    packer.add(event);
    if (packer.waiting() >= BATCH) send();
  });
  const result = await readInput(input, {
    parsers,
    hints,
    stdin: Readable.from([]),
    emit: (event) => thinner.add(event),
    progress: (bytes) => tell({ kind: 'progress', bytes }),
  });
  thinner.end();
  send();
  tell({ kind: 'done', result });
}

const port = parentPort;
if (port === null) throw new Error('read-worker runs as a worker thread only');
// a rejection is an uncaught error of this thread, which the other end hears of
port.on('message', (input: InputPath) => void serve(input, port, workerData as WorkerSetting));
