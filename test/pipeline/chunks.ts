import { readFileSync } from 'node:fs';
import { discover } from '../../src/ingest/discover.ts';
import { identify } from '../../src/ingest/identify.ts';
import { stableId } from '../../src/lib/hash.ts';
import type { Chunk, ChunkHeader } from '../../src/model/chunk.ts';
import { parsers } from '../../src/parsers/index.ts';
import type { Parser } from '../../src/parsers/parser.ts';

/** A file of a recording as a collector sees it. */
export interface CollectedFile {
  readonly header: ChunkHeader;
  readonly parser: Parser;
  readonly bytes: Buffer;
}

/** Zone in which the recorded hosts write local times. */
const RECORDED_ZONE = 'Europe/Berlin';

/** All recordings were made before this, within days; Unix ms. */
const RECORDED_BEFORE = Date.UTC(2026, 10, 25);

/** The logs of a folder, as collectors of its hosts would find them. */
export async function collectedFiles(
  folder: string,
  { zone = RECORDED_ZONE, cluster = 'c1' } = {},
): Promise<readonly CollectedFile[]> {
  const { files } = await discover([folder]);
  return files.flatMap(({ path, absolute }) => {
    const bytes = readFileSync(absolute);
    const identity = identify({ path, absolute, head: bytes.subarray(0, 65_536).toString('latin1') }, parsers, {
      hosts: [],
      sources: [],
    });
    if (identity === null || bytes.length === 0) return [];
    const { host, source, vm } = identity.context;
    const header = {
      cluster,
      host,
      source,
      path,
      vm,
      // what we start ourselves, and what watches the network, is in UTC
      zone: source === 'cloudstack-agent' ? zone : 'UTC',
      fileId: stableId(host, path),
      offset: 0,
      line: 0,
      observedAt: RECORDED_BEFORE,
    };
    return [{ header, parser: identity.parser, bytes }];
  });
}

/** Cuts a file between records; `sizes` are asked for the next chunk's bytes at least. */
export function chunksOf({ header, parser, bytes }: CollectedFile, nextSize: () => number): readonly Chunk[] {
  const chunks: Chunk[] = [];
  let start = 0;
  let line = 0;
  while (start < bytes.length) {
    const end = nextRecord({ parser, bytes }, start + Math.max(1, nextSize()));
    const piece = bytes.subarray(start, end);
    chunks.push({ header: { ...header, offset: start, line }, bytes: piece });
    line += piece.filter((byte) => byte === 10).length;
    start = end;
  }
  return chunks;
}

/** The first byte from `from` on at which a record begins. */
function nextRecord({ parser, bytes }: Pick<CollectedFile, 'parser' | 'bytes'>, from: number): number {
  let at = bytes.indexOf(10, from - 1) + 1;
  while (at > 0 && at < bytes.length) {
    const end = bytes.indexOf(10, at);
    const { header } = parser;
    header.lastIndex = 0;
    if (header.test(bytes.subarray(at, end < 0 ? bytes.length : end + 1).toString('latin1'))) return at;
    at = end + 1;
    if (end < 0) break;
  }
  return bytes.length;
}
