import { createHash } from 'node:crypto';

/** A stretch of a file by its length and hash: two stretches with the same print hold the same bytes. The bytes themselves may be secret. */
export interface Print {
  readonly bytes: number;
  readonly hash: string;
}

/** Bytes at either end of what was read of a file by which its content is known again. */
export const PRINT_BYTES = 1024;

/** Nothing was read yet. */
export const NO_PRINT: Print = { bytes: 0, hash: '' };

/** The print of these bytes. */
export function printOf(bytes: Uint8Array): Print {
  return bytes.length === 0 ? NO_PRINT : { bytes: bytes.length, hash: hashOf(bytes) };
}

/** These bytes are those of the print. */
export function hasPrint(bytes: Uint8Array, print: Print): boolean {
  return bytes.length === print.bytes && (print.bytes === 0 || hashOf(bytes) === print.hash);
}

/** What a file is told by while it is short: its first line with its end, or its first 1 KiB; `null` while it has neither. */
export function settledHead(head: Buffer): Buffer | null {
  const lineBytes = head.indexOf(10) + 1;
  if (lineBytes > 0 && lineBytes <= PRINT_BYTES) return head.subarray(0, lineBytes);
  return head.length >= PRINT_BYTES ? head.subarray(0, PRINT_BYTES) : null;
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32);
}
