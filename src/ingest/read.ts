import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { ParsedEvent } from '../model/event.ts';
import type { Parser } from '../parsers/parser.ts';
import { createScanner } from '../parsers/scan.ts';
import { skippedInput, STDIN, pathForIdentity } from './discover.ts';
import { identify, type Hints } from './identify.ts';
import type { InputPath, ReadResult } from './input.ts';

/** Bytes a read asks for. */
const CHUNK_BYTES = 1 << 20;
/** Bytes that are made text at once: few enough that V8 keeps them, as any short-lived object, in its young generation. */
const PIECE_BYTES = 1 << 16;
/** What is looked at to tell what a file is. */
const HEAD_BYTES = 1 << 16;

/** What reading needs besides the file. */
export interface ReadOptions {
  readonly parsers: readonly Parser[];
  readonly hints: Hints;
  readonly stdin: Readable;
  emit(event: ParsedEvent): void;
  /** Told the bytes read from disk, for a progress bar. */
  progress(bytes: number): void;
}

/** Reads one input to its end. Never throws for what is wrong with the file: that is in the result. */
export async function readInput(input: InputPath, options: ReadOptions): Promise<ReadResult> {
  if (input.path !== STDIN && input.bytes === 0) return skippedInput(input.path, 'empty', 'the file is empty');
  try {
    return await readBytes(input, options);
  } catch (cause) {
    return skippedInput(input.path, 'unreadable', cause instanceof Error ? cause.message : String(cause));
  }
}

async function readBytes(input: InputPath, options: ReadOptions): Promise<ReadResult> {
  const chunks = decoded(input, options);
  const head = await takeHead(chunks);
  const skip = skipReason(head);
  if (skip !== null) return skippedInput(input.path, skip.reason, head.problem ?? skip.problem);
  const identity = identify(
    { path: input.path, absolute: pathForIdentity(input.path), head: head.text },
    options.parsers,
    options.hints,
  );
  if (identity === null)
    return skippedInput(input.path, 'unknown format', 'no line reads like the output of a program known here');
  const scanner = createScanner(identity.parser, identity.context, options.emit);
  scanner.push(head.text);
  let { problem } = head;
  try {
    for await (const chunk of chunks) scanner.push(chunk);
  } catch (cause) {
    problem = problemOf(cause);
  }
  const { host, source } = identity.context;
  return { path: input.path, host, source, tally: scanner.end(), skipped: null, problem, modifiedAt: input.modifiedAt };
}

interface Head {
  readonly text: string;
  readonly problem: string | null;
}

async function takeHead(chunks: AsyncGenerator<string>): Promise<Head> {
  let text = '';
  try {
    while (text.length < HEAD_BYTES) {
      const { done, value } = await chunks.next();
      if (done === true) break;
      text += value;
    }
  } catch (cause) {
    return { text, problem: problemOf(cause) };
  }
  return { text, problem: null };
}

function problemOf(cause: unknown): string {
  const error = cause as NodeJS.ErrnoException;
  if (error.code?.startsWith('Z_') === true) return `broken gzip (${error.message}); read up to there`;
  return error.message;
}

function skipReason(head: Head): { readonly reason: NonNullable<ReadResult['skipped']>; readonly problem: string } | null {
  if (head.text === '')
    return head.problem === null
      ? { reason: 'empty', problem: 'the file is empty' }
      : { reason: 'unreadable', problem: head.problem };
  if (head.text.slice(257, 262) === 'ustar')
    return { reason: 'archive', problem: 'a tar archive: unpack it and name the folder' };
  if (
    head.text.startsWith('PK\u0003\u0004') ||
    head.text.startsWith('\u00fd7zXZ') ||
    head.text.startsWith('\u0028\u00b5\u002f\u00fd')
  ) {
    return { reason: 'archive', problem: 'compressed in a way not read here (only gzip is): unpack it' };
  }
  return isBinary(head.text) ? { reason: 'binary', problem: 'binary data, not text' } : null;
}

/** A run of NUL bytes this long is what a reset of the host leaves in a log that was being written, and tells nothing of the rest. */
// oxlint-disable-next-line no-control-regex -- NUL bytes are what is looked for
const NUL_RUN = /\u0000{16,}/g;

/** More than one byte in a hundred is NUL, runs of them aside; or there is nothing else. */
function isBinary(text: string): boolean {
  const rest = text.replace(NUL_RUN, '');
  const nuls = rest.split('\u0000').length - 1;
  return rest === '' || nuls > rest.length / 100;
}

/** The input's bytes, decompressed where they are gzip, as latin1 text. */
async function* decoded(input: InputPath, { stdin, progress }: ReadOptions): AsyncGenerator<string> {
  const raw: Readable = input.path === STDIN ? stdin : createReadStream(input.absolute, { highWaterMark: CHUNK_BYTES });
  const counted = countBytes(raw, progress);
  const first = await firstBytes(counted);
  const whole = Readable.from(rejoined(first, counted));
  // an error of any part comes out of the loop below
  const bytes = isGzip(first) ? pipeline(whole, createGunzip({ chunkSize: CHUNK_BYTES }), () => {}) : whole;
  for await (const piece of bytes) {
    const chunk = piece as Buffer;
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) yield chunk.toString('latin1', at, at + PIECE_BYTES);
  }
}

/** Enough bytes to tell gzip by, or all there are; a pipe may deliver them one at a time. */
async function firstBytes(chunks: AsyncGenerator<Buffer>): Promise<Buffer> {
  let first: Buffer = Buffer.alloc(0);
  while (first.length < 2) {
    const next = await chunks.next();
    if (next.done === true) break;
    first = first.length === 0 ? next.value : Buffer.concat([first, next.value]);
  }
  return first;
}

function isGzip(first: Buffer): boolean {
  return first[0] === 0x1f && first[1] === 0x8b;
}

async function* rejoined(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  yield* rest;
}

async function* countBytes(raw: Readable, progress: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of raw) {
    const bytes = chunk as Buffer;
    progress(bytes.length);
    yield bytes;
  }
}
