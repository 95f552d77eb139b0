import type * as packaged from '@mongodb-js/zstd';
import { createRequire } from 'node:module';

/** Of agent.log it leaves 0.083 for 1.6 ms of CPU a MB; the package's own default, 3, leaves 0.088 for 1.9. */
const LEVEL = 1;

/** Bytes to fewer bytes, and back; in libuv's threads. */
export interface Packer {
  /** The bytes must not change before it resolves. */
  pack(bytes: Buffer): Promise<Buffer>;
  /** Rejects where the bytes are none that `pack` made. */
  unpack(bytes: Buffer): Promise<Buffer>;
}

// the package's index.js does not pass the level on
const bindings = createRequire(import.meta.url)('@mongodb-js/zstd/bindings.js') as typeof packaged;

/** Zstandard frames (RFC 8878). By a package on every Node: with that of Node 24 itself a collector takes 20 MB more (102 to 106, not 82). */
export const zstd: Packer = {
  pack: (bytes) => bindings.compress(bytes, LEVEL),
  unpack: (bytes) => bindings.decompress(bytes),
};
