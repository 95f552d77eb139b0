import { z } from 'zod';
import { CHUNK_SCHEMA, type Chunk, type ChunkHeader } from '../model/chunk.ts';
import { SOURCES } from '../model/source.ts';
import type { StreamMessage } from '../stream/stream.ts';

const count = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const name = z.string().min(1).max(1024);

/** The headers of a chunk's message; texts are percent-encoded, for some streams take ASCII only. */
const headers = z.object({
  schema: z.literal(String(CHUNK_SCHEMA), { error: `not ${CHUNK_SCHEMA}, the only one this release reads` }),
  cluster: name,
  host: name,
  source: z.enum(SOURCES),
  path: name,
  fileId: name,
  vm: z.string().max(1024).default(''),
  offset: count,
  line: count,
  zone: name,
  observedAt: count,
});

/** A chunk as a message. Its key is the cluster. */
export function encodeChunk({ header, bytes }: Chunk): StreamMessage {
  const { cluster, vm } = header;
  const texts = { ...header, schema: CHUNK_SCHEMA, vm: vm ?? '' };
  const encoded = Object.fromEntries(
    Object.entries(texts).map(([field, value]) => [field, encodeURIComponent(toWellFormed(value))]),
  );
  return { key: encodeURIComponent(toWellFormed(cluster)), headers: encoded, value: bytes };
}

/** A lone surrogate has no UTF-8 and cannot be encoded. */
function toWellFormed(value: string | number): string {
  return Buffer.from(String(value), 'utf8').toString('utf8');
}

/** A message as a chunk, or why it is none. */
export function decodeChunk({
  headers: encoded,
  value,
}: Pick<StreamMessage, 'headers' | 'value'>): Chunk | { readonly problem: string } {
  const texts: Record<string, string> = {};
  for (const [field, text] of Object.entries(encoded)) {
    const decoded = decodedText(text);
    if (decoded === null) return { problem: `header ${field}: not percent-encoded UTF-8` };
    texts[field] = decoded;
  }
  const checked = headers.safeParse(texts);
  if (!checked.success) {
    const problems = checked.error.issues.map(({ path, message }) => `header ${path.join('.')}: ${message}`);
    return { problem: problems.join('; ') };
  }
  const { schema: _, vm, ...rest } = checked.data;
  const header: ChunkHeader = { ...rest, vm: vm === '' ? null : vm };
  return { header, bytes: value };
}

function decodedText(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
