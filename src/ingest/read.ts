import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { ParsedEvent } from '../model/event.ts';
import type { Parser } from '../parsers/parser.ts';
import { createScanner } from '../parsers/scan.ts';
import { skippedInput, STDIN, pathForIdentity } from './discover.ts';
import { identify, type Hints } from './identify.ts';
import type { InputResult } from '../model/input.ts';
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
export async function readInput(input: InputPath, options: ReadOptions): Promise<InputResult> {
  if (input.path !== STDIN && input.bytes === 0) return skippedInput(input.path, 'empty', 'the file is empty');
  try {
    return await readBytes(input, options);
  } catch (cause) {
    return skippedInput(input.path, 'unreadable', cause instanceof Error ? cause.message : String(cause));
  }
}

async function readBytes(input: InputPath, options: ReadOptions): Promise<InputResult> {
  const chunks = decoded(input, await magicOf(input), options);
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

function skipReason(head: Head): { readonly reason: NonNullable<InputResult['skipped']>; readonly problem: string } | null {
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
  const nuls = head.text.split('\u0000').length - 1;
  return nuls > head.text.length / 100 ? { reason: 'binary', problem: 'binary data, not text' } : null;
}

async function magicOf(input: InputPath): Promise<'gzip' | 'plain'> {
  if (input.path === STDIN) return 'plain';
  const handle = await open(input.absolute, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b ? 'gzip' : 'plain';
  } finally {
    await handle.close();
  }
}

/** The file's bytes, decompressed, as latin1 text. */
async function* decoded(input: InputPath, magic: 'gzip' | 'plain', { stdin, progress }: ReadOptions): AsyncGenerator<string> {
  const raw: Readable = input.path === STDIN ? stdin : createReadStream(input.absolute, { highWaterMark: CHUNK_BYTES });
  const counted = Readable.from(countBytes(raw, progress));
  // an error of any part comes out of the loop below
  const bytes = magic === 'gzip' ? pipeline(counted, createGunzip({ chunkSize: CHUNK_BYTES }), () => {}) : counted;
  for await (const chunk of bytes) {
    const whole = chunk as Buffer;
    for (let at = 0; at < whole.length; at += PIECE_BYTES) yield whole.toString('latin1', at, at + PIECE_BYTES);
  }
}

async function* countBytes(raw: Readable, progress: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of raw) {
    const bytes = chunk as Buffer;
    progress(bytes.length);
    yield bytes;
  }
}
