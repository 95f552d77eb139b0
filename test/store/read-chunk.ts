import type { ChunkHeader } from '../../src/model/chunk.ts';
import type { ReadChunk } from '../../src/store/chunk-rows.ts';

/** When the chunks of tests were written, Unix ms. */
export const AT = Date.UTC(2026, 10, 23, 10);

/** What a test says of a chunk. */
export type ChunkPart = Partial<ReadChunk> & { readonly in?: Partial<ChunkHeader> };

/** A chunk of plain lines, a millisecond apart. */
export function readChunk(text: string | Uint8Array, { in: header, ...part }: ChunkPart = {}): ReadChunk {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const lines = Buffer.from(bytes).toString('latin1').replace(/\n$/, '').split('\n').length;
  return {
    header: {
      cluster: 'c1',
      host: 'kvm-a',
      source: 'cloudstack-agent',
      path: '/var/log/agent.log',
      fileId: 'f1',
      vm: null,
      offset: 0,
      line: 0,
      zone: 'UTC',
      observedAt: AT + 500,
      ...header,
    },
    bytes,
    at: Array.from({ length: lines }, (_, index) => AT + index),
    outcomes: Array.from({ length: lines }, () => 'plain' as const),
    firstAt: AT,
    lastAt: AT + lines - 1,
    ...part,
  };
}
