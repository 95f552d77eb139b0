import { compress as zstdCompress, decompress as zstdDecompress } from '@mongodb-js/zstd';
import kafkajs from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { compress as snappyCompress, uncompress as snappyUncompress } from 'snappy';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { Codec } from './codec.ts';

/** What kafkajs calls them. */
export function compressionType(codec: Codec): kafkajs.CompressionTypes {
  return TYPES[codec];
}

/** Makes all codecs known to kafkajs, which keeps them for the whole process; idempotent. */
export function registerCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  CompressionCodecs[CompressionTypes.GZIP] = () => codecOf({ pack: packGzip, unpack: promisify(zlib.gunzip) });
  CompressionCodecs[CompressionTypes.Snappy] = () => codecOf({ pack: (bytes) => snappyCompress(bytes), unpack: unpackSnappy });
  CompressionCodecs[CompressionTypes.LZ4] = () => codecOf({ pack: (bytes) => compressFrame(bytes), unpack: decompressFrame });
  CompressionCodecs[CompressionTypes.ZSTD] = () => codecOf(zstdOf(zlib));
}

const TYPES = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  snappy: kafkajs.CompressionTypes.Snappy,
  lz4: kafkajs.CompressionTypes.LZ4,
  zstd: kafkajs.CompressionTypes.ZSTD,
} as const;

/** Bytes to fewer bytes, and back. */
interface Packer {
  pack(bytes: Buffer): Promise<Buffer>;
  unpack(bytes: Buffer): Promise<Buffer>;
}

/** As kafkajs wants it. */
function codecOf({ pack, unpack }: Packer) {
  return {
    compress: (encoder: { readonly buffer: Buffer }): Promise<Buffer> => pack(encoder.buffer),
    decompress: unpack,
  };
}

/** As for the embedded stream: the levels below take no less CPU and leave more. */
const GZIP_LEVEL = 3;
const ZSTD_LEVEL = 1;

const gzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gzip);

function packGzip(bytes: Buffer): Promise<Buffer> {
  return gzip(bytes, { level: GZIP_LEVEL });
}

/** What Node has from 22.15 on. */
interface NodeZstd {
  readonly zstdCompress: (bytes: Buffer, options: object, done: (error: Error | null, result: Buffer) => void) => void;
  readonly zstdDecompress: (bytes: Buffer, done: (error: Error | null, result: Buffer) => void) => void;
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
}

/** Node's own zstd, or that of a package. */
function zstdOf(module: object): Packer {
  if (!hasZstd(module)) return { pack: (bytes) => zstdCompress(bytes, ZSTD_LEVEL), unpack: zstdDecompress };
  const { constants } = module;
  const compress = promisify(module.zstdCompress);
  return {
    pack: (bytes) => compress(bytes, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }),
    unpack: promisify(module.zstdDecompress),
  };
}

function hasZstd(module: object): module is NodeZstd {
  return 'zstdCompress' in module && 'zstdDecompress' in module;
}

/** What Java's clients write: this, two versions of 4 bytes, then blocks with their lengths (org.xerial.snappy.SnappyOutputStream). */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEADER_BYTES = 16;

async function unpackSnappy(bytes: Buffer): Promise<Buffer> {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return unpackBlock(bytes);
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length;) {
    const length = bytes.readInt32BE(at);
    blocks.push(await unpackBlock(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

async function unpackBlock(bytes: Buffer): Promise<Buffer> {
  const block = await snappyUncompress(bytes, { asBuffer: true });
  return typeof block === 'string' ? Buffer.from(block) : block;
}
