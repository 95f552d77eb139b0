import kafkajs from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { compress as snappyCompress, uncompress as snappyUncompress } from 'snappy';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { zstd, type Packer } from '../../lib/zstd.ts';
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
  CompressionCodecs[CompressionTypes.ZSTD] = () => codecOf(zstd);
}

const TYPES = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  snappy: kafkajs.CompressionTypes.Snappy,
  lz4: kafkajs.CompressionTypes.LZ4,
  zstd: kafkajs.CompressionTypes.ZSTD,
} as const;

/** As kafkajs wants it. */
function codecOf({ pack, unpack }: Packer) {
  return {
    compress: (encoder: { readonly buffer: Buffer }): Promise<Buffer> => pack(encoder.buffer),
    decompress: unpack,
  };
}

/** The levels below take no less CPU and leave more. */
const GZIP_LEVEL = 3;

const gzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gzip);

function packGzip(bytes: Buffer): Promise<Buffer> {
  return gzip(bytes, { level: GZIP_LEVEL });
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
