import { isAscii } from 'node:buffer';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { ParsedEvent } from '../model/event.ts';
import type { ReadResult } from '../model/input.ts';
import type { Parser } from '../parsers/parser.ts';
import { pastesOf } from '../parsers/pasted.ts';
import { createScannerAt } from '../parsers/scan.ts';
import { skippedInput, STDIN, pathForIdentity } from './discover.ts';
import { envelopeOf, type Envelope } from './envelope.ts';
import { identify, type Hints, type Identity } from './identify.ts';
import type { InputPath } from './input.ts';

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
  try {
    return await readPieces(input, chunks, options);
  } finally {
    await chunks.return(undefined);
  }
}

async function readPieces(input: InputPath, chunks: AsyncGenerator<Piece>, options: ReadOptions): Promise<ReadResult> {
  const raw = await takeHead(chunks);
  const envelope = envelopeOf(raw.text);
  const head = envelope === null ? raw : { ...raw, ...logPiece(envelope.push(raw.text)) };
  const skip = envelope === null ? skipReason(head) : null;
  if (skip !== null) return skippedInput(input.path, skip.reason, head.problem ?? skip.problem);
  const identity = identified(input.path, head.text, options);
  if (identity === null)
    return skippedInput(input.path, 'unknown format', 'no line reads like the output of a program known here');
  const start = { offset: 0, line: 0, watch: null, ...identity.paste };
  const emit = envelope === null ? options.emit : placing(envelope, options.emit);
  const scanner = createScannerAt(identity.parser, identity.context, { emit, start });
  scanner.push(head.text, head.ascii);
  let { problem } = head;
  try {
    for await (const { text, ascii } of envelope === null ? chunks : unwrapped(envelope, chunks)) scanner.push(text, ascii);
  } catch (cause) {
    problem = problemOf(cause);
  }
  const tally = scanner.end();
  const { host, source } = identity.context;
  const told = { host, source, skipped: null, modifiedAt: input.modifiedAt };
  if (envelope === null) return { path: input.path, ...told, tally, problem };
  return { path: input.path, ...told, tally: envelope.tally(tally), problem: problem ?? envelope.problem() };
}

async function* unwrapped(envelope: Envelope, chunks: AsyncIterable<Piece>): AsyncGenerator<Piece> {
  for await (const { text } of chunks) yield logPiece(envelope.push(text));
  yield logPiece(envelope.end());
}

function logPiece(text: string): Piece {
  return { text, ascii: isAscii(Buffer.from(text, 'latin1')) };
}

/** Events of a log that is in an envelope, where they stand in the file. */
function placing(envelope: Envelope, emit: ReadOptions['emit']): ReadOptions['emit'] {
  return (event) => emit({ ...event, origin: { ...event.origin, ...envelope.placeOf(event.origin.line) } });
}

/** What a file is; a log may have been pasted into it with something before each line. */
function identified(
  path: string,
  head: string,
  { parsers, hints }: ReadOptions,
): (Identity & { readonly paste?: { readonly pasted: RegExp } }) | null {
  const absolute = pathForIdentity(path);
  const plain = identify({ path, absolute, head }, parsers, hints);
  if (plain !== null) return plain;
  for (const { pasted, text } of pastesOf(head)) {
    const identity = identify({ path, absolute, head: text }, parsers, hints);
    if (identity !== null) return { ...identity, paste: { pasted } };
  }
  return null;
}

interface Head extends Piece {
  readonly problem: string | null;
}

async function takeHead(chunks: AsyncGenerator<Piece>): Promise<Head> {
  let text = '';
  let ascii = true;
  try {
    while (text.length < HEAD_BYTES) {
      const { done, value } = await chunks.next();
      if (done === true) break;
      text += value.text;
      ascii &&= value.ascii;
    }
  } catch (cause) {
    return { text, ascii, problem: problemOf(cause) };
  }
  return { text, ascii, problem: null };
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

/** Some bytes of an input, each one a character (latin1). */
interface Piece {
  readonly text: string;
  /** None is above 127. Looked at here, where it is a hundred times cheaper than in text. */
  readonly ascii: boolean;
}

/** The input's bytes as text, decompressed where they are gzip. */
async function* decoded(input: InputPath, { stdin, progress }: ReadOptions): AsyncGenerator<Piece> {
  const raw = input.path === STDIN ? stdin : readFile(await open(input.absolute), input.bytes);
  const counted = countBytes(raw, progress);
  try {
    const first = await firstBytes(counted);
    const whole = rejoined(first, counted);
    for await (const chunk of isGzip(first) ? decompressed(whole) : whole) yield* piecesOf(chunk);
  } finally {
    // closes the file of an input that is not read to its end
    await counted.return(undefined);
  }
}

function* piecesOf(chunk: Buffer): Generator<Piece> {
  for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
    const bytes = chunk.subarray(at, at + PIECE_BYTES);
    yield { text: bytes.toString('latin1'), ascii: isAscii(bytes) };
  }
}

/** The bytes of a file, always in the same memory, which costs a third less than fresh memory for each MiB. What is yielded holds until the next is asked for. */
async function* readFile(file: FileHandle, size: number): AsyncGenerator<Buffer> {
  // no more than a small file fills: hundreds of them with a MiB each have V8 collect its garbage for every one
  const memory = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, Math.max(PIECE_BYTES, size)));
  try {
    for (;;) {
      const { bytesRead } = await file.read(memory, 0, memory.length, null);
      if (bytesRead === 0) return;
      yield memory.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** A stream reads ahead, and so is given copies. An error of any part comes out of the loop over what is returned. */
function decompressed(whole: AsyncGenerator<Buffer>): AsyncIterable<Buffer> {
  return pipeline(Readable.from(copies(whole)), createGunzip({ chunkSize: CHUNK_BYTES }), () => {});
}

async function* copies(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}

/** Enough bytes to tell gzip by, or all there are; a pipe may deliver them one at a time. */
async function firstBytes(chunks: AsyncGenerator<Buffer>): Promise<Buffer> {
  let first: Buffer = Buffer.alloc(0);
  while (first.length < 2) {
    const next = await chunks.next();
    if (next.done === true) break;
    first = Buffer.concat([first, next.value]);
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

async function* countBytes(raw: AsyncIterable<unknown>, progress: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of raw) {
    const bytes = chunk as Buffer;
    progress(bytes.length);
    yield bytes;
  }
}
