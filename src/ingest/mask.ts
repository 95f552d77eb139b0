import { latin1Pieces } from '../lib/latin1.ts';
import { secretPatterns, type SecretPattern } from './secrets.ts';

/**
 * Replaces every byte of every secret by `*`: lengths and offsets stay, and so do line breaks and spaces. What it returns shares
 * the bytes it was given where there was nothing to mask.
 */
export type Masker = (bytes: Uint8Array) => Uint8Array;

/**
 * A piece of every pattern of `secretPatterns`, case told apart where that is quicker. Lines without a match hold no secret, and
 * most text of a chunk is only searched for this.
 */
const SUSPICIOUS =
  /[Pp](?:ass(?:[wpPi]|out)|wd)|ecret|oken|rivate|PRIVATE|P(?:ASSW|WD|ASSP)|SECRET|TOKEN|pi[._-]?[Kk]ey|(?:PI|pi|Pi)[._-]?KEY|ession(?:[Kk]ey|[Ii]d)|SESSION|serInfo|ignature|uthorization|AUTHORIZATION|AQ[A-Za-z0-9+/]{36}==|:(?:\\*\/){2}[^\s/@]{0,400}@|-(?:store|key)pass|eystore-setup|[?&]sig=|X-A(?:uth|pi|mz)-/g;

const STAR = 0x2a;

/** How far around a place to cut a secret is looked for, bytes: longer than any key or token. */
export const SECRET_BYTES = 1 << 16;

/**
 * Where a line that is too long for one chunk is cut: at `at`, or where the secret ends that lies there, its name included. Chunks are
 * masked one by one, and of a secret without its name nothing says that it is one. `at` where it does not end within 64 KiB.
 */
export function outsideSecrets(bytes: Uint8Array, at: number): number {
  const begin = Math.max(0, at - SECRET_BYTES);
  const end = Math.min(bytes.length, at + SECRET_BYTES);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + begin, end - begin).toString('latin1');
  SUSPICIOUS.lastIndex = 0;
  if (!SUSPICIOUS.test(text)) return at;
  let cut = at - begin;
  // one may begin before another ends; what stands behind a secret may be what tells that it is one: `://user:secret@host`
  for (const { opensAt, to } of secretsOf(text, 0, lineEnd(text, cut)).toSorted((a, b) => a.opensAt - b.opensAt))
    if (opensAt < cut && to >= cut) cut = to + 1;
  return cut < text.length ? begin + cut : at;
}

/** See {@link Masker}. Chunks are masked one by one; see `outsideSecrets` for lines that do not fit into one. */
export function createMasker(): Masker {
  return mask;
}

function mask(bytes: Uint8Array): Uint8Array {
  return isSuspicious(bytes) ? maskedOf(bytes) : bytes;
}

/** What is suspicious stands within a line. */
function isSuspicious(bytes: Uint8Array): boolean {
  for (const text of latin1Pieces(bytes)) {
    SUSPICIOUS.lastIndex = 0;
    if (SUSPICIOUS.test(text)) return true;
  }
  return false;
}

function maskedOf(bytes: Uint8Array): Uint8Array {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('latin1');
  let masked: Buffer | null = null;
  SUSPICIOUS.lastIndex = 0;
  for (let hit = SUSPICIOUS.exec(text); hit !== null; hit = SUSPICIOUS.exec(text)) {
    const start = text.lastIndexOf('\n', hit.index) + 1;
    const end = lineEnd(text, hit.index);
    let until = end;
    for (const { from, to } of secretsOf(text, start, end)) {
      masked ??= Buffer.from(buffer);
      blacken(masked, from, to);
      until = Math.max(until, to);
    }
    SUSPICIOUS.lastIndex = until;
  }
  return masked ?? bytes;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

interface Range {
  /** Where the words before it begin that tell what it is. */
  readonly opensAt: number;
  readonly from: number;
  readonly to: number;
}

/** Where the secrets are whose beginnings stand in the line; one of several lines ends behind it. */
function secretsOf(text: string, start: number, end: number): readonly Range[] {
  const line = text.slice(start, end);
  return secretPatterns.flatMap((pattern) => {
    const ranges: Range[] = [];
    pattern.opens.lastIndex = 0;
    for (let match = pattern.opens.exec(line); match !== null; match = pattern.opens.exec(line)) {
      // a pattern that only looks ahead would match there for ever
      if (match[0] === '') pattern.opens.lastIndex += 1;
      const from = start + match.index + match[0].length;
      const to = secretEnd(pattern, { text, from, quote: match.groups?.['quote'] ?? '"' });
      if (to > from) ranges.push({ opensAt: start + match.index, from, to });
    }
    return ranges;
  });
}

interface Opening {
  readonly text: string;
  readonly from: number;
  readonly quote: string;
}

function secretEnd({ secret }: SecretPattern, { text, from, quote }: Opening): number {
  if (secret === undefined) return jsonStringEnd(text, from, quote.length - 1);
  secret.lastIndex = from;
  return secret.test(text) ? secret.lastIndex : from;
}

/**
 * The end of a JSON string whose quotes have so many backslashes before them: none in JSON, one in a string of JSON, three in a
 * string of that. A quote with other backslashes belongs to the value, one of an outer string ends it, and so does the line.
 */
function jsonStringEnd(text: string, from: number, backslashes: number): number {
  const line = lineEnd(text, from);
  let run = 0;
  for (let at = from; at < line; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) run += 1;
    else if (code === 0x22 && ends(run, backslashes)) return at - Math.min(run, backslashes);
    else run = 0;
  }
  return line;
}

/** Whether a quote behind so many backslashes ends a string of this depth, or one around it. */
function ends(run: number, backslashes: number): boolean {
  for (let depth = 0; depth <= backslashes; depth = depth * 2 + 1) {
    if (run % (2 * (depth + 1)) === depth) return true;
  }
  return false;
}

/** Spaces and line breaks stay: records begin where they began. */
function blacken(bytes: Buffer, from: number, to: number): void {
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte !== 0x0a && byte !== 0x0d) bytes[at] = STAR;
  }
}
