import type * as packaged from '@mongodb-js/zstd';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

/** Of agent.log it leaves 0.083 for 1.6 ms of CPU a MB; the package's own default, 3, leaves 0.088 for 1.9. */
const LEVEL = 1;

/** Bytes to fewer bytes, and back; in libuv's threads. */
export interface Packer {
  /** The bytes must not change before it resolves. */
  pack(bytes: Buffer): Promise<Buffer>;
  /** Rejects where the bytes are none that `pack` made. */
  unpack(bytes: Buffer): Promise<Buffer>;
}

/** Zstandard frames (RFC 8878): by Node itself where it can, else by a package. */
export const zstd: Packer = packerOf(zlib);

/** What Node has from 22.15 on. */
interface NodeZstd {
  readonly zstdCompress: (bytes: Buffer, options: object, done: (error: Error | null, result: Buffer) => void) => void;
  readonly zstdDecompress: (bytes: Buffer, done: (error: Error | null, result: Buffer) => void) => void;
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
}

function packerOf(module: object): Packer {
  if (!hasZstd(module)) return ofPackage();
  const { constants } = module;
  const compressed = promisify(module.zstdCompress);
  return {
    pack: (bytes) => compressed(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } }),
    unpack: promisify(module.zstdDecompress),
  };
}

function ofPackage(): Packer {
  // the package's index.js does not pass the level on
  const bindings = createRequire(import.meta.url)('@mongodb-js/zstd/bindings.js') as typeof packaged;
  return { pack: (bytes) => bindings.compress(bytes, LEVEL), unpack: (bytes) => bindings.decompress(bytes) };
}

function hasZstd(module: object): module is NodeZstd {
  return 'zstdCompress' in module && 'zstdDecompress' in module;
}
