const NEWLINE = 10;
/** A record of several lines whose last part came this long ago has all its lines. */
const SETTLED_MS = 50;
/** Characters of a line that decide whether a record begins there. */
const HEAD_CHARS = 200;

/** Bytes that a program printed and nobody took yet. */
export interface LineBuffer {
  add(bytes: Uint8Array): void;
  length(): number;
  /** Bytes of the whole lines among the first so many. */
  whole(within?: number): number;
  /** `whole`, without a last record that may go on: records of several lines are taken in one piece. */
  settled(): number;
  take(length: number): Buffer;
  /** All of them, which stay. */
  bytes(): Uint8Array;
}

/** An empty buffer; `startsRecord` tells the first line of a record where there are more. */
export function createLineBuffer(startsRecord: RegExp | undefined): LineBuffer {
  let held: Buffer = Buffer.alloc(0);
  let lastAddedAt = 0;

  function whole(within = held.length): number {
    return held.subarray(0, within).lastIndexOf(NEWLINE) + 1;
  }

  return {
    add(bytes) {
      held = Buffer.concat([held, bytes]);
      lastAddedAt = performance.now();
    },
    length: () => held.length,
    whole,
    settled() {
      if (startsRecord === undefined || performance.now() - lastAddedAt > SETTLED_MS) return whole();
      return beforeLastRecord(held.subarray(0, whole()).toString('latin1'), startsRecord);
    },
    bytes: () => held,
    take(length) {
      const taken = held.subarray(0, length);
      held = Buffer.from(held.subarray(length));
      return taken;
    },
  };
}

/** Line breaks in these bytes. */
export function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

/** Where the last record begins; 0 where it is the only one. */
function beforeLastRecord(text: string, startsRecord: RegExp): number {
  for (let from = text.lastIndexOf('\n', text.length - 2); from > 0; from = text.lastIndexOf('\n', from - 1)) {
    if (startsRecord.test(text.slice(from + 1, from + 1 + HEAD_CHARS))) return from + 1;
  }
  return 0;
}
