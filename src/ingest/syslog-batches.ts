/** Takes whole lines of one host; resolves when the stream has them. */
export type EmitHostLines = (host: string, lines: Uint8Array, at: number) => Promise<void>;

/** Gathers lines by their host and passes them on, one batch after the other. */
export interface HostBatches {
  /** `latin1` text without its line break; false where there is no room, and the line is not taken. */
  add(host: string, line: string, at: number): boolean;
  /** Half of the room is free again. */
  room(): Promise<void>;
  /** Passes on all that was taken; nothing may be added any more. */
  end(): Promise<void>;
}

/** Bytes held at most while the stream is slow. */
const MAX_HELD_BYTES = 8 << 20;
/** A batch goes on its way when it is that large, or that old: a chunk of the stream. */
const BATCH_BYTES = 256 << 10;
const BATCH_MS = 250;

interface Batch {
  readonly host: string;
  readonly at: number;
  readonly lines: string[];
  bytes: number;
}

/** `failed` is told of each batch that the stream refused: it is lost. */
export function createHostBatches(emit: EmitHostLines, failed: (error: unknown, lines: number) => void): HostBatches {
  const queue: Batch[] = [];
  /** The last batch of each host, while it may grow. */
  const open = new Map<string, Batch>();
  const waiting: (() => void)[] = [];
  let held = 0;
  let timer: NodeJS.Timeout | null = null;
  let passing: Promise<void> | null = null;

  function batchFor(host: string, at: number): Batch {
    const known = open.get(host);
    if (known !== undefined && known.bytes < BATCH_BYTES) return known;
    const batch: Batch = { host, at, lines: [], bytes: 0 };
    open.set(host, batch);
    queue.push(batch);
    return batch;
  }

  async function passOn(): Promise<void> {
    for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
      const { host, at, lines, bytes } = batch;
      if (open.get(host) === batch) open.delete(host);
      try {
        await emit(host, Buffer.from(`${lines.join('\n')}\n`, 'latin1'), at);
      } catch (error) {
        failed(error, lines.length);
      }
      held -= bytes;
      if (held <= MAX_HELD_BYTES / 2) waiting.splice(0).forEach((wake) => wake());
    }
    // in the same moment as the queue is seen empty: what is added later begins anew
    passing = null;
  }

  /** One batch at a time; what arrives meanwhile goes on too. */
  function begin(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (queue.length > 0) passing ??= passOn();
  }

  return {
    add(host, line, at) {
      const bytes = line.length + 1;
      if (held + bytes > MAX_HELD_BYTES) return false;
      const batch = batchFor(host, at);
      batch.lines.push(line);
      batch.bytes += bytes;
      held += bytes;
      if (batch.bytes >= BATCH_BYTES) begin();
      else if (passing === null) timer ??= setTimeout(begin, BATCH_MS);
      return true;
    },
    room: () => (held <= MAX_HELD_BYTES / 2 ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve))),
    async end() {
      begin();
      await passing;
    },
  };
}
