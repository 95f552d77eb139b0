import type { EventBody, ParsedEvent } from '../model/event.ts';
import type { FileContext, Stamp } from '../model/source.ts';

/**
 * Events of one file, as a worker sends them. What threads send each other is copied object by object and name by name, which
 * costs more than to parse the record: so the numbers of all events are one array, their texts one text, and names are sent once.
 */
export interface EventBatch {
  readonly count: number;
  /** Of each event `HEAD` small numbers. */
  readonly heads: Int32Array;
  /** Of each event its offset and ms, then the numbers of its body. NaN stands for `null`. */
  readonly numbers: Float64Array;
  /** The records' texts, one behind the other. */
  readonly texts: string;
  /** Values of bodies that are neither numbers nor repeated texts. */
  readonly rest: readonly unknown[];
  /** Shapes of bodies not sent before; they count on from those that were. */
  readonly shapes: readonly Shape[];
  /** Repeated texts not sent before. */
  readonly words: readonly string[];
}

/** Which fields a body has, in its order, and where their values are. */
interface Shape {
  readonly keys: readonly string[];
  readonly places: readonly Place[];
}

/** Where a value is: among the numbers, as a word's number there, there as a list behind its length, or in the rest. */
type Place = 'number' | 'word' | 'list' | 'rest';

/** Small numbers of an event: shape, line, length of text, messageAt, where `written` is in the text, its length, form of the stamp. */
const HEAD = 7;
/** Numbers made room for at first; a full array is doubled. */
const FIRST_NUMBERS = 1 << 14;

/** What a stamp is beside its ms. */
const STAMP_FORMS: readonly Omit<Stamp, 'ms'>[] = (['utc', 'local'] as const).flatMap((clock) =>
  (['nothing', 'year', 'date'] as const).map((missing) => ({ clock, missing })),
);

/** Fields of events whose texts come again and again. */
const REPEATED = new Set([
  'kind',
  'vm',
  'monitor',
  'mac',
  'status',
  'direction',
  'pool',
  'address',
  'reason',
  'how',
  'level',
  'sensor',
  'chip',
]);

type Body = Readonly<Record<string, unknown>>;

/** Packs the events of one file. */
export interface Packer {
  add(event: ParsedEvent): void;
  /** Events added since the last batch. */
  waiting(): number;
  /** Those events; the packer is empty then. */
  batch(): EventBatch;
}

/** A packer for one file, whose batches one unpacker must be given in their order. */
export function createPacker(): Packer {
  return new FilePacker();
}

/** A class, for its fields are touched on every value. */
class FilePacker implements Packer {
  readonly #shapes = new Map<string, KnownShape[]>();
  readonly #words = new Map<string, number>();
  #shapeCount = 0;
  #heads = new Int32Array(FIRST_NUMBERS);
  #numbers = new Float64Array(FIRST_NUMBERS);
  /** Numbers in use. */
  #used = 0;
  #texts: string[] = [];
  #rest: unknown[] = [];
  #newShapes: Shape[] = [];
  #newWords: string[] = [];

  add({ body, origin, stamp }: ParsedEvent): void {
    const fields = body as unknown as Body;
    const shape = this.#shapeOf(fields, body.kind);
    const { text, written } = origin;
    const writtenAt = text.indexOf(written);
    const at = this.#texts.length * HEAD;
    if (at + HEAD > this.#heads.length) this.#heads = grown(this.#heads, new Int32Array(this.#heads.length * 2));
    const heads = this.#heads;
    heads[at] = shape.number;
    heads[at + 1] = origin.line;
    heads[at + 2] = text.length;
    heads[at + 3] = origin.messageAt;
    heads[at + 4] = writtenAt;
    heads[at + 5] = written.length;
    heads[at + 6] = stamp === null ? 0 : formOf(stamp);
    this.#addNumber(origin.offset);
    this.#addNumber(stamp === null ? Number.NaN : stamp.ms);
    this.#texts.push(text);
    if (writtenAt < 0) this.#rest.push(written);
    this.#addFields(fields, shape);
  }

  waiting(): number {
    return this.#texts.length;
  }

  batch(): EventBatch {
    const made: EventBatch = {
      count: this.#texts.length,
      heads: this.#heads.slice(0, this.#texts.length * HEAD),
      numbers: this.#numbers.slice(0, this.#used),
      texts: this.#texts.join(''),
      rest: this.#rest,
      shapes: this.#newShapes,
      words: this.#newWords,
    };
    this.#used = 0;
    this.#texts = [];
    this.#rest = [];
    this.#newShapes = [];
    this.#newWords = [];
    return made;
  }

  #addFields(body: Body, { keys, places }: Shape): void {
    for (let i = 0; i < keys.length; i += 1) {
      const value = body[keys[i] ?? ''];
      const place = places[i];
      if (place === 'rest') this.#rest.push(value);
      else if (place === 'list') this.#addList(value as readonly number[]);
      else this.#addNumber(this.#numberOf(value));
    }
  }

  #numberOf(value: unknown): number {
    if (typeof value === 'string') return this.#wordOf(value);
    return value === null ? Number.NaN : (value as number);
  }

  #addList(list: readonly number[]): void {
    this.#addNumber(list.length);
    for (const number of list) this.#addNumber(number);
  }

  #addNumber(number: number): void {
    if (this.#used === this.#numbers.length) this.#numbers = grown(this.#numbers, new Float64Array(this.#used * 2));
    this.#numbers[this.#used] = number;
    this.#used += 1;
  }

  #wordOf(text: string): number {
    const known = this.#words.get(text);
    if (known !== undefined) return known;
    const number = this.#words.size;
    this.#words.set(text, number);
    this.#newWords.push(text);
    return number;
  }

  #shapeOf(body: Body, kind: string): KnownShape {
    const alike = this.#shapes.get(kind) ?? [];
    for (const shape of alike) if (fits(shape, body)) return shape;
    const keys = Object.keys(body);
    const shape = { keys, places: keys.map((key) => placeOf(key, body[key])), number: this.#shapeCount };
    this.#shapeCount += 1;
    this.#shapes.set(kind, [...alike, shape]);
    this.#newShapes.push({ keys, places: shape.places });
    return shape;
  }
}

function grown<A extends Int32Array | Float64Array>(full: A, larger: A): A {
  larger.set(full);
  return larger;
}

interface KnownShape extends Shape {
  readonly number: number;
}

function formOf(stamp: Stamp): number {
  return STAMP_FORMS.findIndex(({ clock, missing }) => clock === stamp.clock && missing === stamp.missing);
}

/** `null` is at home among numbers and words; NaN is not, for it stands for `null` there. */
function placeOf(key: string, value: unknown): Place {
  if (typeof value === 'number') return Number.isNaN(value) ? 'rest' : 'number';
  if (typeof value === 'string') return REPEATED.has(key) ? 'word' : 'rest';
  if (value === null) return REPEATED.has(key) ? 'word' : 'number';
  return isList(value) ? 'list' : 'rest';
}

/** Whether a body has these fields, in this order, and its values are at home in these places. */
function fits({ keys, places }: Shape, body: Body): boolean {
  let i = 0;
  for (const key in body) {
    if (keys[i] !== key) return false;
    if (!isAtHome(body[key], places[i])) return false;
    i += 1;
  }
  return i === keys.length;
}

function isList(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((number) => typeof number === 'number');
}

function isAtHome(value: unknown, place: Place | undefined): boolean {
  if (place === 'list') return isList(value);
  if (place === 'number') return value === null || (typeof value === 'number' && !Number.isNaN(value));
  return place === 'rest' || value === null || typeof value === 'string';
}

/** Makes events of batches again. */
export type Unpacker = (batch: EventBatch, file: FileContext, emit: (event: ParsedEvent) => void) => void;

/** An unpacker for one file. `once` gives the same text for each copy of it. */
export function createUnpacker(once: (text: string) => string): Unpacker {
  const shapes: Template[] = [];
  const words: string[] = [];

  return ({ count, heads, numbers, texts, rest, shapes: newShapes, words: newWords }, file, emit) => {
    for (const word of newWords) words.push(once(word));
    for (const shape of newShapes) shapes.push(templateOf(shape));
    let headAt = 0;
    let numberAt = 0;
    let textAt = 0;
    let restAt = 0;
    const head = (i: number): number => heads[headAt + i] ?? 0;
    const nextNumber = (): number => numbers[numberAt++] ?? 0;

    function next(): ParsedEvent {
      const template = shapes[head(0)];
      if (template === undefined) throw new Error('an event of an unknown shape');
      const text = texts.slice(textAt, textAt + head(2));
      textAt += text.length;
      const writtenAt = head(4);
      const written = writtenAt < 0 ? String(rest[restAt++]) : text.slice(writtenAt, writtenAt + head(5));
      const origin = { file, line: head(1), offset: small(nextNumber()), text, messageAt: head(3), written };
      const stamp = stampOf(nextNumber(), head(6));
      headAt += HEAD;
      return { body: bodyOf(template), origin, stamp };
    }

    function bodyOf({ empty, keys, places }: Template): EventBody {
      const body: Record<string, unknown> = { ...empty };
      for (let i = 0; i < keys.length; i += 1) {
        const key = keys[i] ?? '';
        const place = places[i];
        if (place === 'rest') body[key] = rest[restAt++];
        else if (place === 'list') body[key] = nextList();
        else {
          const number = nextNumber();
          // null as it is where NaN stands for it
          if (!Number.isNaN(number)) body[key] = place === 'word' ? words[number] : small(number);
        }
      }
      return body as unknown as EventBody;
    }

    function nextList(): readonly number[] {
      const list: number[] = [];
      for (let more = nextNumber(); more > 0; more -= 1) list.push(small(nextNumber()));
      // without room for more
      return list.slice();
    }

    for (let i = 0; i < count; i += 1) emit(next());
  };
}

/** The same number; where it is a small integer, V8 then keeps it in its place and not as an object of 16 bytes. */
function small(number: number): number {
  const integer = number | 0;
  // not where it is the negative zero
  return Object.is(integer, number) ? integer : number;
}

/** A shape and a body of it that is copied for each event: a copy has all its fields at once, where fields added one by one make it grow. */
interface Template extends Shape {
  readonly empty: Body;
}

function templateOf(shape: Shape): Template {
  const empty = JSON.stringify(Object.fromEntries(shape.keys.map((key) => [key, null])));
  // as parsed, its fields are all within the object
  return { ...shape, empty: JSON.parse(empty) as Body };
}

function stampOf(ms: number, form: number): Stamp | null {
  const { clock, missing } = STAMP_FORMS[form] ?? { clock: 'utc', missing: 'nothing' };
  return Number.isNaN(ms) ? null : { ms, clock, missing };
}
