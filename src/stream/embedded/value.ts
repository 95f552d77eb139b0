import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { zstd } from '../../lib/zstd.ts';

/** How a value is kept: as it is, as one frame of Zstandard, or, by versions before, as raw DEFLATE (RFC 1951). */
export type Packing = 'none' | 'zstd' | 'deflate';

/** A value as the file keeps it. */
export interface PackedValue {
  readonly packed: Buffer;
  readonly packing: Packing;
}

const inflate = promisify(inflateRaw);

/** Smaller values share a page with others, and there is little to win. */
const LEAST_BYTES = 512;

/** Makes a value small, where that helps. The bytes must not change before it resolves. */
export async function pack(value: Uint8Array): Promise<PackedValue> {
  const whole = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const packed = whole.length < LEAST_BYTES ? whole : await zstd.pack(whole);
  return packed.length < whole.length * 0.9 ? { packed, packing: 'zstd' } : { packed: Buffer.from(whole), packing: 'none' };
}

/** The value as it was sent. */
export async function unpack({ packed, packing }: PackedValue): Promise<Uint8Array> {
  if (packing === 'none') return packed;
  return packing === 'zstd' ? zstd.unpack(packed) : inflate(packed);
}
