import { deflateRaw, inflateRaw } from 'node:zlib';
import { promisify } from 'node:util';

/** A value as the file keeps it. */
export interface PackedValue {
  readonly packed: Buffer;
  readonly deflated: boolean;
}

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/**
 * Of 256 KiB chunks of agent.log it leaves 0.135 and takes 3.6 ms of CPU for a MB (18 % of a core at 50 MB/s), 1.9 ms back; of
 * recorded libvirt logs 0.09, 2.3 ms and 1.5 ms. Level 1 takes no less and leaves more; level 6 saves an eighth and takes 1.7
 * times as long. LMDB's LZ4 takes two thirds and leaves a third more, but within the transaction, on the main thread; this runs
 * in libuv's threads. Nothing at all takes 0.6 ms and seven times the disk.
 */
const LEVEL = 3;

/** Smaller values share a page with others, and there is little to win. */
const LEAST_BYTES = 512;

/** The least that zlib takes. */
const LEAST_ROOM_BYTES = 64;

/** Makes a value small, where that helps. The bytes must not change before it resolves. */
export async function pack(value: Uint8Array): Promise<PackedValue> {
  const whole = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (whole.length < LEAST_BYTES) return { packed: Buffer.from(whole), deflated: false };
  const packed = await deflate(whole, { level: LEVEL, chunkSize: room(whole.length >> 2) });
  return packed.length < whole.length * 0.9 ? { packed, deflated: true } : { packed: Buffer.from(whole), deflated: false };
}

/** The value as it was sent; `valueBytes`: its length. */
export async function unpack({ packed, deflated }: PackedValue, valueBytes: number): Promise<Uint8Array> {
  return deflated ? inflate(packed, { chunkSize: room(valueBytes) }) : packed;
}

/**
 * Output is asked for at once: each 16 KiB, as zlib does by itself, is a way to libuv's threads and back (sixteen for a chunk). One
 * byte more than there is, or zlib asks once more whether that was all.
 */
function room(valueBytes: number): number {
  return Math.max(LEAST_ROOM_BYTES, valueBytes + 1);
}
