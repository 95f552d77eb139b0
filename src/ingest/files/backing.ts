import { createReadStream, fstatSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';

/** The bytes of a followed file where they are now: in the log itself, in a copy, or compressed. */
export interface Backing {
  /**
   * At most `length` bytes from `offset` on; fewer only where the content ends there. A compressed file is read forwards: offsets must
   * not decrease.
   */
  read(offset: number, length: number): Promise<Buffer>;
  /** Size and time as they are now; `null` for a compressed file, which does not grow. */
  stat(): BackingStat | null;
  /** Why a compressed file ends where it does, when that is not its proper end: it is still being written, or broken. */
  problem(): string | null;
  close(): Promise<void>;
}

/** What the file system says of an open file. */
export interface BackingStat {
  readonly size: number;
  readonly modifiedAt: number;
  /** It has a name still. */
  readonly linked: boolean;
}

const PIECE_BYTES = 1 << 16;

/** A file where it was seen. */
export interface Place {
  readonly path: string;
  /** Device and inode: see `keyOf`. */
  readonly key: string;
  readonly gzip: boolean;
  /** It has the log's own name, so that the program writes to it, or may again. */
  readonly live: boolean;
}

/** Names a file whatever its path, as long as it is there. */
export function keyOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${dev}:${ino}`;
}

/** Opens a file to read it in pieces. @throws the file system's error, ENOENT too where the path leads to another file by now */
export async function openBacking({ path, gzip, key }: Place): Promise<Backing> {
  const handle = await open(path, 'r');
  if (keyOf(await handle.stat({ bigint: true })) !== key) {
    await handle.close();
    // a rotation since the folder was listed: what was meant is elsewhere
    throw Object.assign(new Error(`${path} is another file by now`), { code: 'ENOENT' });
  }
  return gzip ? gzipBacking(handle) : plainBacking(handle);
}

function plainBacking(handle: FileHandle): Backing {
  return {
    async read(offset, length) {
      const buffer = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    },
    stat() {
      const { size, mtimeMs, nlink } = fstatSync(handle.fd);
      return { size, modifiedAt: mtimeMs, linked: nlink > 0 };
    },
    problem: () => null,
    close: () => handle.close(),
  };
}

/** Holds what was read from the offset last asked for on, no more. */
function gzipBacking(handle: FileHandle): Backing {
  // many may wait for their turn: nothing is read, and no buffer taken, before
  let stream: GunzipStream | null = null;
  let held: Buffer = Buffer.alloc(0);
  let heldAt = 0;
  let ended = false;
  let problem: string | null = null;

  async function more(): Promise<Buffer | null> {
    try {
      stream ??= gunzipStream(handle);
      const { done, value } = await stream.pieces.next();
      if (done !== true) return value;
    } catch (cause) {
      problem = (cause as Error).message;
    }
    ended = true;
    return null;
  }

  function dropBefore(offset: number): void {
    const dropped = Math.min(held.length, Math.max(0, offset - heldAt));
    held = held.subarray(dropped);
    heldAt += dropped;
  }

  return {
    async read(offset, length) {
      dropBefore(offset);
      // what lies before is dropped piece by piece, so that skipping a long file holds one piece of it
      const wanted: Buffer[] = [held];
      let bytes = held.length;
      while (!ended && heldAt + bytes < offset + length) {
        const piece = await more();
        if (piece === null) break;
        if (heldAt + bytes + piece.length <= offset) {
          heldAt += bytes + piece.length;
          bytes = 0;
          wanted.length = 0;
        } else {
          wanted.push(piece);
          bytes += piece.length;
        }
      }
      held = Buffer.concat(wanted);
      dropBefore(offset);
      return heldAt < offset ? Buffer.alloc(0) : Buffer.from(held.subarray(0, length));
    },
    stat: () => null,
    problem: () => problem,
    async close() {
      stream?.destroy();
      await handle.close();
    },
  };
}

interface GunzipStream {
  readonly pieces: AsyncIterator<Buffer>;
  destroy(): void;
}

function gunzipStream(handle: FileHandle): GunzipStream {
  const raw = createReadStream('', { fd: handle, autoClose: false, highWaterMark: PIECE_BYTES });
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  raw.on('error', (error) => gunzip.destroy(error));
  return {
    pieces: raw.pipe(gunzip)[Symbol.asyncIterator]() as AsyncIterator<Buffer>,
    destroy() {
      raw.destroy();
      gunzip.destroy();
    },
  };
}
