const NEWLINE = 10;
/** Below the 128 KiB from which V8 gives a text pages of its own, which are mapped, and given back, each time. */
const PIECE_BYTES = 96 << 10;

/** Bytes as text, a character each, in pieces of whole lines: 96 KiB at most, unless one line is longer. */
export function* latin1Pieces(bytes: Uint8Array): Generator<string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let from = 0; from < buffer.length;) {
    const to = pieceEnd(buffer, from);
    yield buffer.toString('latin1', from, to);
    from = to;
  }
}

function pieceEnd(buffer: Buffer, from: number): number {
  const most = from + PIECE_BYTES;
  if (most >= buffer.length) return buffer.length;
  const last = buffer.lastIndexOf(NEWLINE, most - 1);
  const end = last >= from ? last : buffer.indexOf(NEWLINE, most);
  return end < 0 ? buffer.length : end + 1;
}
