import { z } from 'zod';

const SIZE = /^(\d+(?:\.\d+)?) ?(B|[KMGT]B|[KMGT]iB)$/;
const WORDS = 'bytes, or a number and a unit: 500MB (10^6), 10GB (10^9) or 16GiB (2^30)';
const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** A size in a configuration: bytes, or a number with a unit. */
export const size = z.union([z.int({ error: WORDS }).positive(), z.string({ error: WORDS }).regex(SIZE, { error: WORDS })], {
  error: WORDS,
});

/** A size as people write it (`10GB`, `16GiB`) or in bytes → bytes. */
export function sizeBytes(written: z.infer<typeof size>): number {
  if (typeof written === 'number') return written;
  const [, amount = '', unit = 'B'] = SIZE.exec(written) ?? [];
  return Math.round(Number(amount) * (UNIT_BYTES[unit] ?? 1));
}
