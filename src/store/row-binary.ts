/** Types of columns, as the format RowBinary of ClickHouse has them; `LowCardinality` of a table makes no difference there. */
export type BinaryType = 'String' | 'UInt16' | 'UInt64' | 'Float64' | "DateTime64(3, 'UTC')" | 'Array(Int64)';

/** What a value of a column is here: instants are Unix ms; whole numbers are exact up to 2^53. */
interface ValueOf {
  readonly String: string | Uint8Array;
  readonly UInt16: number;
  readonly UInt64: number;
  readonly Float64: number;
  readonly "DateTime64(3, 'UTC')": number;
  readonly 'Array(Int64)': readonly number[];
}

/** Columns of a table by name, in the order in which a row has them. */
export type BinaryColumns<Row> = {
  readonly [Name in keyof Row]: { [Type in BinaryType]: Row[Name] extends ValueOf[Type] ? Type : never }[BinaryType];
};

/**
 * Rows to add to one table in the format RowBinary of ClickHouse: nothing is escaped, so that bytes of a log go in as they are, and
 * numbers need not be read.
 */
export interface TableBytes {
  readonly table: string;
  readonly columns: Readonly<Record<string, BinaryType>>;
  /** How many. */
  readonly rows: number;
  readonly bytes: Buffer;
}

/** Rows as bytes. Half a character of JavaScript, which has no UTF-8, becomes U+FFFD. */
export function toTableBytes<Row>(table: string, columns: BinaryColumns<Row>, rows: readonly Row[]): TableBytes {
  const output = new Output();
  const fields = (Object.entries(columns) as [keyof Row, BinaryType][]).map(([name, type]) => ({ name, write: WRITES[type] }));
  for (const row of rows) for (const { name, write } of fields) write(output, row[name] as never);
  return { table, columns, rows: rows.length, bytes: output.written() };
}

/** Most batches of a running instance are small. */
const FIRST_BYTES = 16 << 10;
/** A UTF-16 unit has at most three bytes of UTF-8: a pair of them has four. */
const MAX_UNIT_BYTES = 3;
const MAX_VARINT_BYTES = 5;
const TWO_TO_32 = 2 ** 32;
/** Shorter texts, names and times, are written faster unit by unit. */
const SHORT_CHARS = 64;

const WRITES: { readonly [Type in BinaryType]: (output: Output, value: ValueOf[Type]) => void } = {
  String(output, value) {
    if (typeof value === 'string') output.text(value);
    else output.bytes(value);
  },
  UInt16: (output, value) => output.uint16(value),
  UInt64: (output, value) => output.int64(value),
  Float64: (output, value) => output.float64(value),
  "DateTime64(3, 'UTC')": (output, value) => output.int64(value),
  'Array(Int64)'(output, values) {
    output.varint(values.length);
    for (const value of values) output.int64(value);
  },
};

/** Bytes in a row, in memory that grows. */
class Output {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  written(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  varint(value: number): void {
    let at = this.#take(MAX_VARINT_BYTES);
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.#buffer[at++] = (rest & 0x7f) | 0x80;
    this.#buffer[at] = rest;
    this.#length = at + 1;
  }

  uint16(value: number): void {
    const at = this.#take(2);
    this.#buffer[at] = value;
    this.#buffer[at + 1] = value >>> 8;
  }

  int64(value: number): void {
    const at = this.#take(8);
    this.#buffer.writeInt32LE(value | 0, at);
    this.#buffer.writeInt32LE(Math.floor(value / TWO_TO_32), at + 4);
  }

  float64(value: number): void {
    const at = this.#take(8);
    this.#buffer.writeDoubleLE(value, at);
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    const at = this.#take(bytes.length);
    this.#buffer.set(bytes, at);
  }

  text(text: string): void {
    if (text.length > SHORT_CHARS || !this.#ascii(text)) this.#utf8(text);
  }

  /** Makes room, and returns where it begins. */
  #take(bytes: number): number {
    const from = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, from);
      this.#buffer = larger;
    }
    return from;
  }

  /** Whether it was ASCII; nothing is written else. */
  #ascii(text: string): boolean {
    const from = this.#take(1 + text.length);
    const buffer = this.#buffer;
    buffer[from] = text.length;
    for (let index = 0; index < text.length; index += 1) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) {
        this.#length = from;
        return false;
      }
      buffer[from + 1 + index] = unit;
    }
    return true;
  }

  /** In the room that it needs at most; its length has as many digits as that may have. */
  #utf8(text: string): void {
    const most = MAX_UNIT_BYTES * text.length;
    const digits = most < 1 << 7 ? 1 : most < 1 << 14 ? 2 : most < 1 << 21 ? 3 : MAX_VARINT_BYTES;
    const at = this.#take(digits + most);
    const bytes = this.#buffer.write(text, at + digits, 'utf8');
    for (let digit = 0, rest = bytes; digit < digits; digit += 1, rest >>>= 7)
      this.#buffer[at + digit] = (rest & 0x7f) | (digit < digits - 1 ? 0x80 : 0);
    this.#length = at + digits + bytes;
  }
}
