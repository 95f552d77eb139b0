import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStream } from '../../src/stream/embedded.ts';
import type { Stream } from '../../src/stream/stream.ts';
import { streamContract, type StreamBed } from './contract.ts';

streamContract('a stream in a folder', async (partitions): Promise<StreamBed> => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-stream-'));
  const streams: Stream[] = [];
  return {
    async open() {
      const stream = await openEmbeddedStream({ folder, partitions });
      streams.push(stream);
      return stream;
    },
    async remove() {
      for (const stream of streams) await stream.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
