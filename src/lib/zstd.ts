import { compress, decompress } from '@mongodb-js/zstd';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

/** Higher levels leave hardly less of logs and take more CPU (bench/README.md). */
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
  if (!hasZstd(module)) return { pack: (bytes) => compress(bytes, LEVEL), unpack: decompress };
  const { constants } = module;
  const compressed = promisify(module.zstdCompress);
  return {
    pack: (bytes) => compressed(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } }),
    unpack: promisify(module.zstdDecompress),
  };
}

function hasZstd(module: object): module is NodeZstd {
  return 'zstdCompress' in module && 'zstdDecompress' in module;
}
