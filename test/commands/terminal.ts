import { Readable } from 'node:stream';
import type { Terminal } from '../../src/commands/analyze.ts';

/** A terminal of which a test reads what was printed. */
export interface TestTerminal extends Terminal {
  printed(): string;
}

/** Nobody watches it, unless it is given columns. */
export function testTerminal({
  input = '',
  width = null,
  color = false,
}: { readonly input?: string; readonly width?: number | null; readonly color?: boolean } = {}): TestTerminal {
  let text = '';
  return {
    stdin: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    out: (more) => {
      text += more;
    },
    status: () => {},
    color,
    width,
    printed: () => text,
  };
}
