/** Bytes that one message may have (RFC 5424 asks for 2048; RFC 5426 allows what a datagram holds). */
export const MAX_MESSAGE_BYTES = 65_536;

/** Cuts the text of one connection into messages. */
export interface FrameReader {
  /** `latin1`: the next bytes. Returns the messages that are whole. */
  push(latin1: string): readonly string[];
  /** The connection is over: what is left of a message. */
  end(): readonly string[];
  /** Messages that were cut at `MAX_MESSAGE_BYTES`. */
  cut(): number;
}

/** Octet counting (`12 <34>1 …`), recognised by the priority behind the count; everything else ends at a line break (RFC 6587, 3.4). */
const COUNTED = /^([1-9]\d{0,8}) (?=<)/;
/** A beginning that more bytes may make a count of. */
const MAYBE_COUNTED = /^[1-9]\d{0,8} ?$/;

/** Reads both framings of RFC 6587, also mixed. It holds one message at most. */
export function createFrameReader(): FrameReader {
  let buffer = '';
  /** Of a message that was cut, bytes still to be passed over; infinite: up to its line break. */
  let skipping = 0;
  let cut = 0;

  function next(): string | null {
    if (skipping > 0 && !skipped()) return null;
    const count = COUNTED.exec(buffer);
    if (count !== null) return counted(count[0].length, Number(count[1]));
    if (MAYBE_COUNTED.test(buffer)) return null;
    const end = buffer.indexOf('\n');
    if (end >= 0 && end <= MAX_MESSAGE_BYTES) return take(end, 1);
    if (buffer.length <= MAX_MESSAGE_BYTES) return null;
    cut += 1;
    skipping = Number.POSITIVE_INFINITY;
    return take(MAX_MESSAGE_BYTES, 0);
  }

  function counted(head: number, bytes: number): string | null {
    const size = Math.min(bytes, MAX_MESSAGE_BYTES);
    if (buffer.length < head + size) return null;
    buffer = buffer.slice(head);
    if (size < bytes) {
      cut += 1;
      skipping = bytes - size;
    }
    return take(size, 0);
  }

  function skipped(): boolean {
    const end = skipping === Number.POSITIVE_INFINITY ? buffer.indexOf('\n') + 1 : skipping;
    if (end === 0 || end > buffer.length) {
      if (end > 0) skipping -= buffer.length;
      buffer = '';
      return false;
    }
    buffer = buffer.slice(end);
    skipping = 0;
    return true;
  }

  function take(length: number, separator: number): string {
    const message = buffer.slice(0, length);
    buffer = buffer.slice(length + separator);
    return message;
  }

  return {
    push(latin1) {
      buffer += latin1;
      const messages: string[] = [];
      for (let message = next(); message !== null; message = next()) if (/[^\r\n\0]/.test(message)) messages.push(message);
      return messages;
    },
    end() {
      const rest = skipping > 0 ? '' : buffer.replace(COUNTED, '');
      buffer = '';
      return rest === '' ? [] : [rest];
    },
    cut: () => cut,
  };
}
