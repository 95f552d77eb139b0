import fc from 'fast-check';
import { expect, test } from 'vitest';
import { latin1Pieces } from '../../src/lib/latin1.ts';

const MOST = 96 << 10;

/** Lines of lengths around a piece's, with all kinds of bytes, the last one perhaps without its end. */
const texts = fc
  .tuple(fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 30_000, max: MOST + 2 })), { maxLength: 12 }), fc.boolean())
  .map(([lengths, ended]) => {
    const lines = lengths.map((length, number) => Buffer.alloc(length, 0x80 + number).toString('latin1'));
    return lines.join('\n') + (ended ? '\n' : '');
  });

test('pieces are whole lines, no larger than they have to be, and together all of it', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const pieces = [...latin1Pieces(Buffer.from(text, 'latin1'))];
      expect(pieces.join('') === text).toBe(true);
      for (const piece of pieces.slice(0, -1)) expect(piece.endsWith('\n')).toBe(true);
      for (const piece of pieces)
        expect(piece.length <= MOST || piece.indexOf('\n') >= piece.length - 1 || !piece.includes('\n')).toBe(true);
    }),
  );
});

test('of no bytes there is no piece', () => {
  expect([...latin1Pieces(new Uint8Array(0))]).toEqual([]);
});
